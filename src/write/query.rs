//! What somebody wants to know about the writes that are kept.

use std::time::Duration;

use mainstem_model::{GlobSet, Timestamp, WriteState};

use crate::WriteRecord;

/// Which writes are looked for. The default is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteQuery {
    /// The datapoints that they are for.
    pub names: GlobSet,
    /// Who asked for them here.
    pub principal: Option<String>,
    /// How far they came.
    pub state: Option<WriteState>,
    /// Those that came then or later.
    pub from: Option<Timestamp>,
    /// Those that came earlier.
    pub to: Option<Timestamp>,
    /// Those without an outcome only.
    pub open: bool,
}

/// How far back the kept writes reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// When the oldest one came; `None` while there is none.
    pub oldest: Option<Timestamp>,
    /// How many there are.
    pub writes: usize,
    /// How many there can be; then the oldest goes for a new one.
    pub writes_max: usize,
    /// How long one is kept.
    pub kept_for: Duration,
}

impl Default for WriteQuery {
    fn default() -> Self {
        Self {
            names: GlobSet::everything(),
            principal: None,
            state: None,
            from: None,
            to: None,
            open: false,
        }
    }
}

impl WriteQuery {
    pub(crate) fn fits(&self, record: &WriteRecord) -> bool {
        let by = |wanted: &String| *wanted == record.principal;
        self.state.is_none_or(|state| state == record.state())
            && !(self.open && record.is_final())
            && self.from.is_none_or(|from| from <= record.at)
            && self.to.is_none_or(|to| record.at < to)
            && self.principal.as_ref().is_none_or(by)
            && self.names.allows(&record.name)
    }
}

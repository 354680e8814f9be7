//! One problem and its state on the board.

use std::fmt;

use mainstem_model::Timestamp;

use super::{OVERFLOW_ID, PROBLEMS_MAX};

/// Bytes of each text of a problem; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 1024;

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is about to go wrong.
    Warning,
    /// Something does not work.
    High,
    /// A promise of the node is broken.
    Critical,
}

impl Severity {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is, the same each time it comes back: `adapter.plc1.offline`.
    pub id: String,
    /// How soon somebody should look.
    pub severity: Severity,
    /// The part of the node that says so.
    pub source: String,
    /// What is wrong, as a sentence.
    pub text: String,
    /// What to do, as a sentence.
    pub action: String,
}

impl Problem {
    pub(super) fn bounded(mut self) -> Self {
        for text in [
            &mut self.id,
            &mut self.source,
            &mut self.text,
            &mut self.action,
        ] {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        }
        self
    }

    pub(super) fn overflow(count: u64) -> Self {
        Self {
            id: OVERFLOW_ID.to_owned(),
            severity: Severity::Critical,
            source: "health".to_owned(),
            text: format!(
                "There are more than {PROBLEMS_MAX} problems; {count} reports are not shown."
            ),
            action: "Solve the problems that are shown: the others appear as room is made."
                .to_owned(),
        }
    }
}

/// A problem as it stands on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemState {
    /// What is wrong.
    pub problem: Problem,
    /// Since when.
    pub since: Timestamp,
    /// Whether it still is.
    pub active: bool,
    /// When it ended.
    pub cleared: Option<Timestamp>,
    /// Whether a person has seen it.
    pub acknowledged: bool,
}

impl ProblemState {
    pub(super) fn new(problem: Problem, since: Timestamp) -> Self {
        Self {
            problem,
            since,
            active: true,
            cleared: None,
            acknowledged: false,
        }
    }

    /// Whether anything changed.
    pub(super) fn raise_again(&mut self, problem: Problem, now: Timestamp) -> bool {
        if !self.active {
            *self = Self::new(problem, now);
            return true;
        }
        let changed = self.problem != problem;
        // What became worse is news to whoever has seen it.
        self.acknowledged &= problem.severity <= self.problem.severity;
        self.problem = problem;
        changed
    }
}

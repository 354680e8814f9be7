//! What a reader asked for and may see.

use mainstem_model::GlobSet;

use crate::PointId;

/// Two lists of patterns: what the reader's role allows, and what it asked for. The verdict for
/// each datapoint is remembered, so that a pattern is looked at once per datapoint.
#[derive(Clone, Debug)]
pub struct Filter {
    allowed: GlobSet,
    wanted: GlobSet,
    /// The variables that the reader's role allows.
    variables: GlobSet,
    everything: bool,
    verdicts: Vec<Verdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Verdict {
    #[default]
    NotAsked,
    Yes,
    No,
}

impl Filter {
    /// A filter of two lists, which lets no variable pass.
    pub fn new(allowed: GlobSet, wanted: GlobSet) -> Self {
        let all = GlobSet::everything();
        let everything = allowed == all && wanted == all;
        Self {
            allowed,
            wanted,
            variables: GlobSet::default(),
            everything,
            verdicts: Vec::new(),
        }
    }

    /// With the variables that one more list allows, of those that were asked for.
    #[must_use]
    pub fn with_variables(mut self, allowed: GlobSet) -> Self {
        self.variables = allowed;
        self
    }

    /// Everything there is.
    pub fn everything() -> Self {
        let all = GlobSet::everything;
        Self::new(all(), all()).with_variables(all())
    }

    /// A number that differs between filters; cursors hold it.
    pub fn hash(&self) -> u32 {
        let texts: [Vec<String>; 3] = [
            self.allowed.clone().into(),
            self.wanted.clone().into(),
            self.variables.clone().into(),
        ];
        // FNV-1a: stable between builds, which the standard hasher is not.
        let mut hash = 0x811c_9dc5_u32;
        for byte in texts
            .iter()
            .flatten()
            .flat_map(|text| text.bytes().chain([0]))
        {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        hash
    }

    /// Whether a name passes; for single look-ups.
    pub fn passes_name(&self, name: &str) -> bool {
        self.everything || (self.wanted.allows(name) && self.allowed.allows(name))
    }

    /// Whether the name of a variable passes. Those have a name space of their own.
    pub fn passes_variable(&self, name: &str) -> bool {
        self.variables.allows(name) && self.wanted.allows(name)
    }

    pub(crate) fn passes(&mut self, id: PointId, name: &str) -> bool {
        if self.everything {
            return true;
        }
        let index = id.0 as usize;
        if self.verdicts.len() <= index {
            self.verdicts.resize(index + 1, Verdict::NotAsked);
        }
        if self.verdicts[index] == Verdict::NotAsked {
            let passes = self.wanted.allows(name) && self.allowed.allows(name);
            self.verdicts[index] = if passes { Verdict::Yes } else { Verdict::No };
        }
        self.verdicts[index] == Verdict::Yes
    }

    /// The verdict that was given, for datapoints that have no name any more. Where none was given
    /// in this stream one may have been in an earlier one, so the number is told.
    pub(crate) fn passed(&self, id: PointId) -> bool {
        self.everything || self.verdicts.get(id.0 as usize) != Some(&Verdict::No)
    }

    pub(crate) fn forget(&mut self, id: PointId) {
        if let Some(verdict) = self.verdicts.get_mut(id.0 as usize) {
            *verdict = Verdict::NotAsked;
        }
    }
}

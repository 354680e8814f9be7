//! What a reader asked for and may see.

use mainstem_model::{GlobSet, Name};

use crate::PointId;
use crate::aliases::Aliases;
use crate::state::State;

/// Two lists of patterns: what the reader's role allows, and what it asked for. The verdict for
/// each datapoint is remembered, so that a pattern is looked at once per datapoint.
#[derive(Clone, Debug)]
pub struct Filter {
    allowed: GlobSet,
    wanted: GlobSet,
    everything: bool,
    settled: Option<Settled>,
    verdicts: Vec<Verdict>,
}

/// The aliases that a filter was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settled {
    generation: u64,
    /// The hash of those that concern the filter, 0 if none does.
    hash: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Verdict {
    #[default]
    NotAsked,
    Yes,
    No,
}

impl Filter {
    /// A filter of two lists.
    pub fn new(allowed: GlobSet, wanted: GlobSet) -> Self {
        let all = GlobSet::everything();
        let everything = allowed == all && wanted == all;
        Self {
            allowed,
            wanted,
            everything,
            settled: None,
            verdicts: Vec::new(),
        }
    }

    /// Everything there is.
    pub fn everything() -> Self {
        Self::new(GlobSet::everything(), GlobSet::everything())
    }

    /// A number that differs between filters; cursors hold it.
    pub fn hash(&self) -> u32 {
        let texts: [Vec<String>; 2] = [self.allowed.clone().into(), self.wanted.clone().into()];
        let texts = texts.iter().flatten().map(String::as_str);
        hash_of(texts) ^ self.settled.map_or(0, |settled| settled.hash)
    }

    /// Notes the aliases as they are. Returns false if those that concern this filter are others
    /// than when it was asked for the first time: what it was told before may be too much or too
    /// little then.
    pub(crate) fn settle(&mut self, aliases: &Aliases) -> bool {
        let generation = aliases.generation();
        if self.everything || self.settled.is_some_and(|now| now.generation == generation) {
            return true;
        }
        let pairs = aliases.iter().map(|(from, known)| (from, &known.to));
        let mine =
            pairs.filter(|(from, to)| self.touches(from.as_str()) || self.touches(to.as_str()));
        let mut texts = mine
            .flat_map(|(from, to)| [from.as_str(), to.as_str()])
            .peekable();
        let hash = match texts.peek() {
            Some(_) => hash_of(texts),
            None => 0,
        };
        let before = self.settled.replace(Settled { generation, hash });
        before.is_none_or(|before| before.hash == hash)
    }

    /// Whether a pattern can be about a path or what is below it.
    pub fn touches(&self, path: &str) -> bool {
        !self.everything && self.wanted.touches(path) && self.allowed.touches(path)
    }

    /// Whether everything passes.
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// Whether this filter may let a path or what is below it pass.
    pub(crate) fn concerns(&self, path: &Name) -> bool {
        let path = path.as_str();
        self.everything || (self.wanted.may_allow_below(path) && self.allowed.may_allow_below(path))
    }

    /// Whether a datapoint passes by its name or one that it had.
    pub fn passes_called(&self, name: &str, former: &[Name]) -> bool {
        let names = || std::iter::once(name).chain(former.iter().map(Name::as_str));
        self.everything
            || (self.wanted.decide(names()).allowed && self.allowed.decide(names()).allowed)
    }

    /// Whether a name passes; for single look-ups.
    pub fn passes_name(&self, name: &str) -> bool {
        self.everything || (self.wanted.allows(name) && self.allowed.allows(name))
    }

    pub(crate) fn passes(&mut self, state: &State, id: PointId, name: &Name) -> bool {
        if self.everything {
            return true;
        }
        let index = id.0 as usize;
        if self.verdicts.len() <= index {
            self.verdicts.resize(index + 1, Verdict::NotAsked);
        }
        if self.verdicts[index] == Verdict::NotAsked {
            let passes = self.passes_called(name.as_str(), &state.former(name));
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

/// FNV-1a: stable between builds, which the standard hasher is not.
fn hash_of<'a>(texts: impl Iterator<Item = &'a str>) -> u32 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

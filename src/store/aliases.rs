//! Old names that still lead to datapoints. Nothing here lies on the way of rows: a name is looked
//! up here only when no datapoint has it, and a filter asks once per datapoint.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use mainstem_model::{ALIAS_CHAIN_MAX, ALIASES_MAX, Alias, Name, Timestamp};

use crate::SourceId;

/// Aliases of all remotes of this node together.
const LINKED_MAX: usize = 65_536;
/// Earlier names of one datapoint that are looked at.
pub(crate) const FORMER_MAX: usize = 16;
/// Removed aliases that the feed remembers; a cursor from before a forgotten one expires.
const GONE_MAX: usize = 4096;

/// Why an alias of a neighbour is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// It would lead back to itself.
    #[error("it leads back to itself, or through more than {ALIAS_CHAIN_MAX} others")]
    Circle,
    /// There is no room.
    #[error("more than {ALIASES_MAX} aliases from one remote, or {LINKED_MAX} in all")]
    Full,
    /// Another remote has told one for the same name.
    #[error("another remote has one for the same name")]
    Taken,
}

/// An alias as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasView {
    /// The old name.
    pub from: Name,
    /// The new one.
    pub to: Name,
    /// The link that it came over; `None` if it stands in this node's file.
    pub via: Option<SourceId>,
    /// How often it was needed since the node was started.
    pub uses: u64,
    /// When it was needed last.
    pub last_used: Option<Timestamp>,
    /// Whether the new name leads to a datapoint.
    pub leads_somewhere: bool,
}

#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) to: Name,
    pub(crate) via: Option<SourceId>,
    /// The entry that told it.
    changed: u64,
    uses: AtomicU64,
    last_used: AtomicI64,
}

/// All aliases of a node: those of its file, and those that its remotes told.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    own: BTreeMap<Name, Known>,
    linked: BTreeMap<Name, Known>,
    by_to: HashMap<Name, Vec<Name>>,
    per_link: HashMap<SourceId, usize>,
    gone: VecDeque<(u64, Name)>,
    /// Counts changes, so that a filter knows whether to look again.
    generation: u64,
}

impl Aliases {
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.linked.is_empty()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The one that counts for an old name: this node's own before a remote's.
    pub(crate) fn get(&self, from: &str) -> Option<&Known> {
        self.own.get(from).or_else(|| self.linked.get(from))
    }

    /// All that count, in the order of the old names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Known)> {
        let others = self.linked.iter();
        self.own
            .iter()
            .chain(others.filter(|(from, _)| !self.own.contains_key(*from)))
    }

    pub(crate) fn own_covers(&self, name: &Name) -> bool {
        name.leading().any(|part| self.own.contains_key(part))
    }

    /// One step from an old name: the alias with the longest beginning decides.
    pub(crate) fn step(&self, name: &Name) -> Option<(&Known, Name)> {
        name.leading().find_map(|part| {
            let known = self.get(part)?;
            let rest = name.strip(part);
            let moved = match rest {
                None => Some(known.to.clone()),
                Some(rest) => Name::new(&format!("{}.{rest}", known.to)).ok(),
            };
            moved.map(|moved| (known, moved))
        })
    }

    /// What a name was called before, as far as aliases say so.
    pub(crate) fn former(&self, name: &Name) -> Vec<Name> {
        let mut found: Vec<Name> = Vec::new();
        let mut layer = vec![name.clone()];
        for _ in 0..ALIAS_CHAIN_MAX {
            let mut next = Vec::new();
            for name in &layer {
                self.before(name, |old| {
                    if found.len() < FORMER_MAX && !found.contains(&old) {
                        found.push(old.clone());
                        next.push(old);
                    }
                });
            }
            layer = next;
        }
        found.retain(|old| old != name);
        found
    }

    fn before(&self, name: &Name, mut found: impl FnMut(Name)) {
        for part in name.leading() {
            for from in self.by_to.get(part).into_iter().flatten() {
                let old = match name.strip(part) {
                    None => Some(from.clone()),
                    Some(rest) => Name::new(&format!("{from}.{rest}")).ok(),
                };
                // A longer alias may lead that old name elsewhere.
                let leads = |old: &Name| self.step(old).is_some_and(|(_, to)| to == *name);
                if let Some(old) = old.filter(leads) {
                    found(old);
                }
            }
        }
    }

    /// Notes that an old name was needed.
    pub(crate) fn note_use(&self, old: &Name, now: Timestamp) {
        if let Some((known, _)) = self.step(old) {
            known.uses.fetch_add(1, Ordering::Relaxed);
            known.last_used.store(now.micros(), Ordering::Relaxed);
        }
    }

    /// Takes over the aliases of the node file. Returns the old names whose aliases changed.
    pub(crate) fn set_own(&mut self, own: &[Alias], sequence: u64) -> Vec<Name> {
        let wanted: HashMap<&Name, &Name> = own.iter().map(|one| (&one.from, &one.to)).collect();
        let ends = |from: &Name, known: &Known| wanted.get(from).is_none_or(|to| **to != known.to);
        let before = self.own.iter().filter(|(from, known)| ends(from, known));
        let mut changed: Vec<Name> = before.map(|(from, _)| from.clone()).collect();
        for from in &changed {
            if let Some(known) = self.own.remove(from) {
                self.unfile(from, &known.to);
            }
        }
        for one in own {
            if !self.own.contains_key(&one.from) {
                let known = Known::new(one.to.clone(), None);
                self.own.insert(one.from.clone(), known);
                self.file(&one.from, &one.to);
                changed.push(one.from.clone());
            }
        }
        changed.sort_unstable();
        changed.dedup();
        self.stamp(&changed, sequence);
        changed
    }

    /// Takes over an alias of a neighbour; whether that changed anything.
    pub(crate) fn put(
        &mut self,
        link: SourceId,
        alias: &Alias,
        sequence: u64,
    ) -> Result<bool, AliasError> {
        if let Some(known) = self.linked.get(&alias.from) {
            if known.via != Some(link) {
                return Err(AliasError::Taken);
            }
            if known.to == alias.to {
                return Ok(false);
            }
        } else if self
            .per_link
            .get(&link)
            .is_some_and(|count| *count >= ALIASES_MAX)
            || self.linked.len() >= LINKED_MAX
        {
            return Err(AliasError::Full);
        }
        self.refuse_circle(alias)?;
        let known = Known::new(alias.to.clone(), Some(link));
        match self.linked.insert(alias.from.clone(), known) {
            Some(before) => self.unfile(&alias.from, &before.to),
            None => *self.per_link.entry(link).or_default() += 1,
        }
        self.file(&alias.from, &alias.to);
        self.stamp(std::slice::from_ref(&alias.from), sequence);
        Ok(true)
    }

    fn refuse_circle(&self, alias: &Alias) -> Result<(), AliasError> {
        let mut at = alias.to.clone();
        for _ in 0..ALIAS_CHAIN_MAX {
            if alias.from.covers(&at) {
                return Err(AliasError::Circle);
            }
            match self.step(&at) {
                Some((_, next)) => at = next,
                None => return Ok(()),
            }
        }
        Err(AliasError::Circle)
    }

    /// Takes out an alias of a neighbour; whether there was one.
    pub(crate) fn remove(&mut self, link: SourceId, from: &Name, sequence: u64) -> bool {
        if self
            .linked
            .get(from)
            .is_none_or(|known| known.via != Some(link))
        {
            return false;
        }
        if let Some(known) = self.linked.remove(from) {
            self.unfile(from, &known.to);
        }
        if let Some(count) = self.per_link.get_mut(&link) {
            *count = count.saturating_sub(1);
        }
        self.stamp(std::slice::from_ref(from), sequence);
        true
    }

    /// The old names that a neighbour told.
    pub(crate) fn of_link(&self, link: SourceId) -> Vec<Name> {
        let its = self
            .linked
            .iter()
            .filter(|(_, known)| known.via == Some(link));
        its.map(|(from, _)| from.clone()).collect()
    }

    /// Removed aliases behind an entry.
    pub(crate) fn gone_after(&self, sequence: u64) -> impl Iterator<Item = &Name> {
        let later = self.gone.iter().filter(move |(at, _)| *at > sequence);
        later
            .map(|(_, from)| from)
            .filter(|from| self.get(from.as_str()).is_none())
    }

    /// Forgets the oldest removals beyond the limit; the entry of the last one forgotten.
    pub(crate) fn forget(&mut self) -> Option<u64> {
        let mut forgotten = None;
        while self.gone.len() > GONE_MAX {
            forgotten = self.gone.pop_front().map(|(at, _)| at);
        }
        forgotten
    }

    /// The entry that told an alias: the same for all that one change brought.
    fn stamp(&mut self, changed: &[Name], sequence: u64) {
        for (from, at) in changed.iter().zip(sequence..) {
            if let Some(known) = self.own.get_mut(from) {
                known.changed = at;
            } else if let Some(known) = self.linked.get_mut(from) {
                known.changed = at;
            } else {
                self.gone.push_back((at, from.clone()));
            }
        }
    }

    /// Puts an old name below what it leads to.
    fn file(&mut self, from: &Name, to: &Name) {
        self.generation += 1;
        let froms = self.by_to.entry(to.clone()).or_default();
        // Two of them may say the same, one of this node and one of a remote.
        froms.push(from.clone());
    }

    fn unfile(&mut self, from: &Name, to: &Name) {
        self.generation += 1;
        let Some(froms) = self.by_to.get_mut(to) else {
            return;
        };
        if let Some(at) = froms.iter().position(|other| other == from) {
            froms.swap_remove(at);
        }
        if froms.is_empty() {
            self.by_to.remove(to);
        }
    }
}

impl Known {
    fn new(to: Name, via: Option<SourceId>) -> Self {
        Self {
            to,
            via,
            changed: 0,
            uses: AtomicU64::new(0),
            last_used: AtomicI64::new(0),
        }
    }

    pub(crate) fn changed(&self) -> u64 {
        self.changed
    }

    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    pub(crate) fn last_used(&self) -> Option<Timestamp> {
        let micros = self.last_used.load(Ordering::Relaxed);
        (micros > 0).then(|| Timestamp::from_micros(micros))
    }
}

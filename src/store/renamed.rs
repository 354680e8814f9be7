//! Aliases as the rest of the node uses them: names looked up, filters asked, changes told.

use std::collections::HashMap;

use mainstem_model::{ALIAS_CHAIN_MAX, Alias, Decided, GlobSet, Name, Reason, Timestamp};
use mainstem_wire::AliasFrame;

use crate::aliases::{AliasError, AliasView, Aliases};
use crate::catalogue::{Point, Slot};
use crate::chunk::{Chunk, Item};
use crate::log::Entry;
use crate::state::State;
use crate::{Filter, PointId, PointView, SourceId, Store};

/// A datapoint that was looked up by a name that it has or had.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The datapoint.
    pub view: PointView,
    /// What it was called before.
    pub former: Vec<Name>,
    /// The name that was asked for, if it is an old one.
    pub asked_as: Option<Name>,
}

impl Found {
    /// Its name, and what it was called before: what patterns are asked about.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let former = self.former.iter().map(Name::as_str);
        std::iter::once(self.view.name.as_str()).chain(former)
    }
}

impl Store {
    /// A datapoint by its name or an old one. A datapoint that has the name comes before an alias.
    pub fn find(&self, name: &str) -> Option<Found> {
        let now = self.now();
        self.read(|state| {
            let (id, point, asked_as) = state.find(name, now.wall)?;
            Some(Found {
                view: crate::view::view(state, id, point, now.wall, now.monotonic),
                former: state.former(&point.name),
                asked_as,
            })
        })
    }

    /// What a datapoint was called before, as far as aliases say so.
    pub fn former_names(&self, name: &Name) -> Vec<Name> {
        self.read(|state| state.former(name))
    }

    /// The same while datapoints with the old names may still be there: a snapshot takes them out at
    /// its end only.
    pub fn all_former_names(&self, name: &Name) -> Vec<Name> {
        self.read(|state| state.aliases.former(name))
    }

    /// Whether a name passes a filter, by itself or by what it was called before.
    pub fn passes(&self, filter: &Filter, name: &Name) -> bool {
        self.read(|state| filter.passes_called(name.as_str(), &state.former(name)))
    }

    /// Notes with which aliases a filter was made: a cursor does not outlive a change of them.
    pub fn settle(&self, filter: &mut Filter) {
        self.read(|state| filter.settle(&state.aliases));
    }

    /// Takes over the aliases of the node file. Until [`Store::end_renaming`], datapoints that are
    /// removed leave their last sample to those with their new names.
    pub fn set_aliases(&self, own: &[Alias]) {
        self.change(|state, _| {
            let next = state.log.next();
            let changed = state.aliases.set_own(own, next);
            state.tell_aliases(changed);
            state.kept = (!own.is_empty()).then(HashMap::new);
        });
    }

    /// Ends what [`Store::set_aliases`] began.
    pub fn end_renaming(&self) {
        self.change(|state, _| state.kept = None);
    }

    /// Takes over an alias that a neighbour told, both names with its prefix. Returns whether that
    /// changed anything.
    pub fn put_alias(&self, link: SourceId, alias: &Alias) -> Result<bool, AliasError> {
        self.change(|state, _| state.put_alias(link, alias))
    }

    /// Takes out an alias of a neighbour.
    pub fn remove_alias(&self, link: SourceId, from: &Name) -> bool {
        self.change(|state, _| state.remove_alias(link, from))
    }

    /// The old names for which a neighbour told aliases.
    pub fn aliases_of(&self, link: SourceId) -> Vec<Name> {
        self.read(|state| state.aliases.of_link(link))
    }

    /// All aliases that count, in the order of their old names.
    pub fn aliases(&self) -> Vec<AliasView> {
        self.read(|state| {
            let mut all: Vec<AliasView> = state
                .aliases
                .iter()
                .map(|(from, known)| AliasView {
                    from: from.clone(),
                    to: known.to.clone(),
                    via: known.via,
                    uses: known.uses(),
                    last_used: known.last_used(),
                    leads_somewhere: state.leads_somewhere(from),
                })
                .collect();
            all.sort_by(|a, b| a.from.cmp(&b.from));
            all
        })
    }

    /// Asks a list of patterns about a datapoint and notes if only an old name let it pass.
    pub fn decide<'n>(&self, set: &GlobSet, found: &'n Found) -> Decided<'n> {
        let decided = set.decide(found.names());
        let old = decided
            .by
            .filter(|by| decided.allowed && *by != found.view.name.as_str());
        if let Some(old) = old.and_then(|old| Name::new(old).ok()) {
            let now = self.now().wall;
            self.read(|state| state.aliases.note_use(&old, now));
        }
        decided
    }
}

impl State {
    pub(crate) fn find(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Option<(PointId, &Point, Option<Name>)> {
        if let Some((id, point)) = self.catalogue.by_name(name) {
            return Some((id, point, None));
        }
        if self.aliases.is_empty() {
            return None;
        }
        let asked = Name::new(name).ok()?;
        let mut passed = vec![asked.clone()];
        for _ in 0..ALIAS_CHAIN_MAX {
            let (_, next) = self.aliases.step(passed.last()?)?;
            if let Some((id, point)) = self.catalogue.by_name(next.as_str()) {
                passed
                    .iter()
                    .for_each(|old| self.aliases.note_use(old, now));
                return Some((id, point, Some(asked)));
            }
            passed.push(next);
        }
        None
    }

    /// What a datapoint was called before. A name that another one has by now is that one's.
    pub(crate) fn former(&self, name: &Name) -> Vec<Name> {
        if self.aliases.is_empty() {
            return Vec::new();
        }
        let mut former = self.aliases.former(name);
        former.retain(|old| self.catalogue.id_of(old).is_none());
        former
    }

    fn leads_somewhere(&self, from: &Name) -> bool {
        let mut at = from.clone();
        for _ in 0..ALIAS_CHAIN_MAX {
            let Some((_, next)) = self.aliases.step(&at) else {
                return false;
            };
            if self.catalogue.has_at_or_below(&next) {
                return true;
            }
            at = next;
        }
        false
    }

    pub(crate) fn put_alias(&mut self, link: SourceId, alias: &Alias) -> Result<bool, AliasError> {
        let next = self.log.next();
        let is_new = self.aliases.put(link, alias, next)?;
        self.tell_aliases(is_new.then(|| alias.from.clone()));
        Ok(is_new)
    }

    pub(crate) fn remove_alias(&mut self, link: SourceId, from: &Name) -> bool {
        let next = self.log.next();
        let is_gone = self.aliases.remove(link, from, next);
        self.tell_aliases(is_gone.then(|| from.clone()));
        is_gone
    }

    pub(crate) fn remove_aliases_of(&mut self, link: SourceId) {
        for from in self.aliases.of_link(link) {
            self.remove_alias(link, &from);
        }
    }

    /// One entry for each; [`Aliases`] counted their numbers in the same order.
    fn tell_aliases(&mut self, changed: impl IntoIterator<Item = Name>) {
        for from in changed {
            self.log.push(Entry::Alias(from));
        }
        if let Some(forgotten) = self.aliases.forget() {
            self.catalogue.forgotten = self.catalogue.forgotten.max(forgotten);
        }
    }

    /// Keeps the last sample of a datapoint that goes, for the one with its new name.
    pub(crate) fn keep_for_new_name(&mut self, point: &Point) {
        let Some(kept) = self.kept.as_mut() else {
            return;
        };
        if point.slot.sequence > 0 && self.aliases.own_covers(&point.name) {
            let sample = (point.definition.value_type, point.slot.clone());
            kept.insert(point.name.clone(), sample);
        }
    }

    /// The last sample that a datapoint had under an old name, if its type is the same. What this
    /// node read itself is not vouched for until it was read again.
    pub(crate) fn sample_of_old_name(&self, point: &Point) -> Option<Slot> {
        let kept = self.kept.as_ref()?;
        let wanted = point.definition.value_type;
        let old = self.aliases.former(&point.name);
        let mut slot = old.iter().find_map(|old| {
            let gone = kept.get(old).cloned();
            let live = self.catalogue.by_name(old.as_str());
            let live = live.map(|(_, other)| (other.definition.value_type, other.slot.clone()));
            let found = gone.or(live).filter(|(_, slot)| slot.sequence > 0);
            found.filter(|(of, _)| *of == wanted).map(|(_, slot)| slot)
        })?;
        if point.remote_id.is_none() && slot.quality.is_good() {
            slot.quality = mainstem_model::Quality::of(Reason::Restarted);
        }
        Some(slot)
    }
}

/// Tells one alias as it is now, to whom it concerns.
pub(crate) fn alias(aliases: &Aliases, filter: &Filter, chunk: &mut Chunk, from: &Name) {
    let to = aliases.get(from.as_str()).map(|known| known.to.clone());
    if filter.concerns(from) || to.as_ref().is_some_and(|to| filter.concerns(to)) {
        chunk.items.push(Item::Alias(AliasFrame {
            from: from.to_string(),
            to: to.map(|to| to.to_string()),
        }));
    }
}

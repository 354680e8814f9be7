//! The names that series of other nodes have here: one for each series, whichever way it comes.
//! Pure; [`super::Desk`] keeps it on disk, so that a restart shows what was replicated.

use std::collections::{BTreeMap, HashMap};

use mainstem_model::Name;
use mainstem_wire::LogSeries;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Series of other nodes that a node takes in.
pub(crate) const REPLICAS_MAX: usize = 100_000;

/// What of a series is the same at every node.
pub(crate) type Key = (Uuid, Uuid, String);

/// One series of another node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replica {
    /// Its name here.
    pub(crate) name: Name,
    /// The remote over which it got that name.
    pub(crate) remote: String,
    /// What stands before names of datapoints here.
    pub(crate) prefix: Name,
    /// As the remote tells it.
    pub(crate) told: LogSeries,
}

/// Why a series is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Its name here would not be valid.
    Name,
    /// Its name here is that of something else.
    Taken,
    /// There are too many.
    Many,
}

impl LeftOut {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "its name here would be too long or not valid",
            Self::Taken => "another logger here has its name",
            Self::Many => "there are too many series of other nodes here",
        }
    }
}

/// The names of all of them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_key: HashMap<Key, Replica>,
    by_name: BTreeMap<Name, Key>,
}

/// How a remote's names become names here.
#[derive(Clone, Debug)]
pub(crate) struct Rule<'a> {
    pub(crate) remote: &'a str,
    pub(crate) prefix: &'a Name,
    pub(crate) is_prefixed: bool,
}

pub(crate) fn key_of(told: &LogSeries) -> Key {
    (told.origin.0, told.log, told.logger.clone())
}

impl Names {
    pub(crate) fn of(replicas: Vec<Replica>) -> Self {
        let mut names = Self::default();
        for replica in replicas.into_iter().take(REPLICAS_MAX) {
            names.put(replica);
        }
        names
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Replica> {
        self.by_name.values().filter_map(|key| self.by_key.get(key))
    }

    fn put(&mut self, replica: Replica) {
        let key = key_of(&replica.told);
        self.by_name.insert(replica.name.clone(), key.clone());
        self.by_key.insert(key, replica);
    }

    /// Takes in what a remote tells of a series. What has another name afterwards, and the names
    /// that are free now, are appended; nothing if all is as before.
    pub(crate) fn tell(
        &mut self,
        told: &LogSeries,
        rule: &Rule<'_>,
        is_own: &dyn Fn(&Name) -> bool,
        changed: &mut Vec<Replica>,
        freed: &mut Vec<Name>,
    ) -> Result<(), LeftOut> {
        let key = key_of(told);
        let known = self.by_key.get(&key);
        if let Some(known) = known {
            // The first way that it came gives the name; names would grow in circles otherwise.
            if known.remote != rule.remote || known.told == *told {
                return Ok(());
            }
        } else if self.by_key.len() >= REPLICAS_MAX {
            return Err(LeftOut::Many);
        }
        let name = match rule.is_prefixed {
            true => Name::new(&format!("{}.{}", rule.prefix, told.name)),
            false => Name::new(&told.name),
        };
        let name = name.map_err(|_| LeftOut::Name)?;
        if is_own(&name) && !self.by_name.contains_key(&name) {
            return Err(LeftOut::Taken);
        }
        if let Some(other) = self.by_name.get(&name).filter(|other| **other != key) {
            self.make_way(&other.clone(), told, rule, changed)?;
        }
        if let Some(before) = self.by_key.get(&key).map(|known| known.name.clone())
            && before != name
        {
            self.by_name.remove(&before);
            freed.push(before);
        }
        let replica = Replica {
            name,
            remote: rule.remote.to_owned(),
            prefix: rule.prefix.clone(),
            told: told.clone(),
        };
        changed.push(replica.clone());
        self.put(replica);
        Ok(())
    }

    /// The same logger in another log: the store of its node was made anew. What was recorded
    /// before stays, under a name with the beginning of its log's.
    fn make_way(
        &mut self,
        other: &Key,
        told: &LogSeries,
        rule: &Rule<'_>,
        changed: &mut Vec<Replica>,
    ) -> Result<(), LeftOut> {
        let is_same = other.0 == told.origin.0 && other.2 == told.logger;
        let old = self.by_key.get(other).filter(|_| is_same);
        let old = old.filter(|old| old.remote == rule.remote);
        let old = old.ok_or(LeftOut::Taken)?;
        let log = old.told.log.simple().to_string();
        let name = format!("{}@{}", old.name, &log[..8]);
        let old = Replica {
            name: Name::new(&name).map_err(|_| LeftOut::Name)?,
            told: LogSeries {
                recording: false,
                ..old.told.clone()
            },
            ..old.clone()
        };
        changed.push(old.clone());
        self.put(old);
        Ok(())
    }
}

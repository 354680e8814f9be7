//! The filters that the broker was asked for, and who wants what comes by them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use mainstem_model::TopicFilter;
use tokio::sync::oneshot;

use super::Granting;
use crate::external::line::Remote;
use crate::{Message, SubscribeError, Tap};

/// Filters at the broker.
pub const WIRES_MAX: usize = 4096;

#[derive(Default)]
pub(super) struct Wires {
    next: u32,
    next_user: u64,
    /// By their numbers, which the broker tells with each message that comes by them.
    table: BTreeMap<u32, Wire>,
    /// SUBSCRIBEs without a packet id, in the order in which they get one.
    asking: VecDeque<Asking>,
    asked: HashMap<u16, Asking>,
}

struct Wire {
    filter: TopicFilter,
    is_granted: bool,
    users: Vec<(u64, Tap)>,
    /// Those for whom it was asked last: what was retained is for them, the others know it.
    fresh: Vec<u64>,
}

struct Asking {
    number: u32,
    told: Option<oneshot::Sender<Result<(), String>>>,
}

impl Wires {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn join(
        &mut self,
        filters: &[TopicFilter],
        tap: &Tap,
        remote: &Remote,
        tells_filters: bool,
    ) -> Result<(u64, Granting), SubscribeError> {
        let user = self.next_user;
        self.next_user += 1;
        let mut granting = Vec::with_capacity(filters.len());
        for filter in filters {
            let number = self.number(filter);
            let full = self.table.len() >= WIRES_MAX && !self.table.contains_key(&number);
            if full
                || remote
                    .subscribe(filter, tells_filters.then_some(number))
                    .is_err()
            {
                self.leave(user, Some(remote));
                return Err(SubscribeError::Refused {
                    filter: filter.clone(),
                    cause: "this node has too many subscriptions or requests under way".into(),
                });
            }
            let wire = self.table.entry(number).or_insert_with(|| Wire {
                filter: filter.clone(),
                is_granted: false,
                users: Vec::new(),
                fresh: Vec::new(),
            });
            wire.users.push((user, tap.clone()));
            wire.fresh = vec![user];
            let (told, granted) = oneshot::channel();
            let told = Some(told);
            self.asking.push_back(Asking { number, told });
            granting.push((filter.clone(), granted));
        }
        Ok((user, granting))
    }

    /// The number of a filter: the one that it has, or the next.
    fn number(&mut self, filter: &TopicFilter) -> u32 {
        let known = self.table.iter().find(|(_, wire)| wire.filter == *filter);
        if let Some((number, _)) = known {
            return *number;
        }
        // The protocol has 28 bits for it, and no 0.
        loop {
            self.next = self.next % 0x0fff_ffff + 1;
            if !self.table.contains_key(&self.next) {
                return self.next;
            }
        }
    }

    pub(super) fn leave(&mut self, user: u64, remote: Option<&Remote>) {
        self.table.retain(|_, wire| {
            let before = wire.users.len();
            wire.users.retain(|(other, _)| *other != user);
            let is_left = before > 0 && wire.users.is_empty();
            if let (true, Some(remote)) = (is_left, remote) {
                // Without room for it the broker goes on, and what it sends is thrown away.
                let _sent = remote.unsubscribe(&wire.filter);
            }
            !is_left
        });
    }

    /// Asks a broker that has let us in for what it does not know.
    pub(super) fn renew(&mut self, resumed: bool, remote: &Remote, tells_filters: bool) {
        for (number, wire) in &mut self.table {
            wire.is_granted &= resumed;
            if wire.is_granted {
                continue;
            }
            wire.fresh = wire.users.iter().map(|(user, _)| *user).collect();
            let told = None;
            let number = *number;
            match remote.subscribe(&wire.filter, tells_filters.then_some(number)) {
                Ok(()) => self.asking.push_back(Asking { number, told }),
                Err(_) => tracing::error!("a filter cannot be asked for: too many requests"),
            }
        }
    }

    /// The connection is lost: nothing that was asked will be answered.
    pub(super) fn forsake(&mut self) {
        self.asking.clear();
        self.asked.clear();
    }

    pub(super) fn asked(&mut self, id: u16) {
        if let Some(asking) = self.asking.pop_front() {
            self.asked.insert(id, asking);
        }
    }

    pub(super) fn granted(&mut self, id: u16, outcome: Result<(), String>) {
        let Some(Asking { number, told }) = self.asked.remove(&id) else {
            return;
        };
        if let Some(wire) = self.table.get_mut(&number) {
            wire.is_granted = outcome.is_ok();
            if let Err(cause) = &outcome {
                tracing::warn!(filter = %wire.filter, cause, "the MQTT broker refused a filter");
            }
        }
        if let Some(told) = told {
            let _told = told.send(outcome);
        }
    }

    /// Hands a message to everybody who wants it, once. Returns how many had no room for it.
    ///
    /// A broker sends a message that fits several filters once for each of them, or once with the
    /// numbers of all. Either way just one copy has the smallest number, and that one counts.
    pub(super) fn deliver(&self, message: &Message, numbers: &[usize]) -> u64 {
        let fits = |wire: &Wire| wire.is_granted && wire.filter.matches(&message.topic);
        let is_told = |number: u32| {
            let number = usize::try_from(number).unwrap_or_default();
            numbers.contains(&number)
        };
        if !numbers.is_empty() && !message.retained {
            let first = self.table.iter().find(|(_, wire)| fits(wire));
            if first.is_some_and(|(number, _)| !is_told(*number)) {
                return 0;
            }
        }
        let (mut given, mut missed) = (Vec::new(), 0);
        for (number, wire) in &self.table {
            let is_for_it = match message.retained && !numbers.is_empty() {
                // Before its SUBACK, as a broker may send what is retained.
                true => is_told(*number),
                false => wire.filter.matches(&message.topic),
            };
            if !is_for_it {
                continue;
            }
            for (user, tap) in &wire.users {
                let is_news = !message.retained || wire.fresh.contains(user);
                if is_news && !given.contains(user) {
                    given.push(*user);
                    missed += u64::from(!tap.offer(message.clone()));
                }
            }
        }
        missed
    }
}

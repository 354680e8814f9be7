//! Who was refused, for the audit trail: the first refusal of an address at once, then one record
//! a minute with the number of those between, so that nobody can wash the trail away.

use std::collections::HashMap;
use std::time::Duration;

use mainstem_model::Monotonic;
use mainstem_security::Address;

/// Addresses that are told apart; further ones share one record.
const ADDRESSES_MAX: usize = 256;
/// Between two records of one address.
const EVERY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    table: HashMap<Option<Address>, Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Monotonic,
    since: u64,
}

impl Refusals {
    /// Notes a refusal. If it is to be recorded: how many went unrecorded before it.
    pub(crate) fn note(&mut self, address: Option<Address>, now: Monotonic) -> Option<u64> {
        self.table
            .retain(|_, told| told.since > 0 || now.since(told.at) < EVERY);
        let known = self.table.contains_key(&address) || self.table.len() < ADDRESSES_MAX;
        let address = address.filter(|_| known);
        let Some(told) = self.table.get_mut(&address) else {
            self.table.insert(address, Told { at: now, since: 0 });
            return Some(0);
        };
        if now.since(told.at) < EVERY {
            told.since += 1;
            return None;
        }
        let before = told.since;
        *told = Told { at: now, since: 0 };
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_micros(1 + seconds * 1_000_000)
    }

    #[test]
    fn the_trail_cannot_be_washed_away() {
        let mut refusals = Refusals::default();
        let address = |number: u32| Some(Address::from(IpAddr::from(number.to_be_bytes())));
        assert_eq!(refusals.note(address(1), at(0)), Some(0));
        for second in 1..60 {
            assert_eq!(refusals.note(address(1), at(second)), None);
        }
        assert_eq!(refusals.note(address(1), at(60)), Some(59));
        let recorded = (0..10_000)
            .filter(|&n| refusals.note(address(n), at(61)).is_some())
            .count();
        assert!(recorded <= ADDRESSES_MAX + 1, "{recorded}");
        assert!(refusals.table.len() <= ADDRESSES_MAX + 1);
    }
}

//! Counts failed logins by address, in a table of limited size.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use mainstem_model::Monotonic;

/// Addresses that are remembered; the one that has been quiet longest makes room.
pub(super) const ADDRESSES_MAX: usize = 4096;
/// Failures within [`WINDOW`] before an address is told to wait.
pub(super) const FAILURES_MAX: u32 = 10;
/// The time over which failures are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Where a login comes from: an IPv4 address, or the network of an IPv6 address, of which one
/// machine has more than any table could hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(six) => {
                let network = six.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
            four => Self(four),
        }
    }
}

#[derive(Clone, Copy)]
struct Failures {
    began: Monotonic,
    count: u32,
}

#[derive(Default)]
pub(super) struct Throttle {
    table: HashMap<Address, Failures>,
    total: u64,
}

impl Throttle {
    /// Notes a failure; the seconds to wait if there were too many.
    pub(super) fn failed(&mut self, address: Address, now: Monotonic) -> Option<u64> {
        self.total += 1;
        if !self.table.contains_key(&address) && self.table.len() >= ADDRESSES_MAX {
            self.make_room(now);
        }
        let failures = self.table.entry(address).or_insert(Failures {
            began: now,
            count: 0,
        });
        if now.since(failures.began) >= WINDOW {
            *failures = Failures {
                began: now,
                count: 0,
            };
        }
        failures.count = failures.count.saturating_add(1);
        let left = WINDOW.saturating_sub(now.since(failures.began));
        (failures.count > FAILURES_MAX).then(|| left.as_secs().max(1))
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    fn make_room(&mut self, now: Monotonic) {
        self.table
            .retain(|_, failures| now.since(failures.began) < WINDOW);
        if self.table.len() >= ADDRESSES_MAX {
            let oldest = self.table.iter().min_by_key(|(_, failures)| failures.began);
            if let Some(address) = oldest.map(|(address, _)| *address) {
                self.table.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_micros(1 + seconds * 1_000_000)
    }

    #[test]
    fn too_many_failures_have_to_wait() {
        let mut throttle = Throttle::default();
        let address = Address::from(IpAddr::from([10, 0, 0, 1]));
        for _ in 0..FAILURES_MAX {
            assert_eq!(throttle.failed(address, at(0)), None);
        }
        assert_eq!(throttle.failed(address, at(20)), Some(40));
        assert_eq!(
            throttle.failed(IpAddr::from([10, 0, 0, 2]).into(), at(20)),
            None
        );
        assert_eq!(throttle.failed(address, at(60)), None);
        assert_eq!(throttle.total(), u64::from(FAILURES_MAX) + 3);
    }

    #[test]
    fn the_table_is_limited() {
        let mut throttle = Throttle::default();
        for number in 0..ADDRESSES_MAX as u32 + 100 {
            let address = Address::from(IpAddr::from(number.to_be_bytes()));
            throttle.failed(address, at(1));
            assert!(throttle.table.len() <= ADDRESSES_MAX);
        }
        throttle.failed(IpAddr::from([200, 0, 0, 1]).into(), at(100));
        assert_eq!(throttle.table.len(), 1);
    }

    #[test]
    fn a_network_is_one_address() {
        let address = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
    }
}

//! From where somebody may come: everywhere, networks, addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Entries of one list of addresses.
pub const ADDRESS_RULES_MAX: usize = 64;

/// One entry of the list of allowed addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum AddressRule {
    /// `*`: every address.
    Any,
    /// Addresses whose first bits are these.
    Network {
        /// The network's address.
        address: IpAddr,
        /// How many bits count.
        bits: u8,
    },
}

/// The addresses from which somebody may come; everywhere unless something else is said. An empty
/// list lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct AddressList(Vec<AddressRule>);

impl AddressList {
    /// A list of these entries.
    pub fn new(rules: Vec<AddressRule>) -> Self {
        Self(rules)
    }

    /// Whether an address fits one of them.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().any(|rule| rule.allows(address))
    }

    /// Whether nothing was said.
    pub fn is_everywhere(&self) -> bool {
        *self == Self::default()
    }

    /// The entries as they are written.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Default for AddressList {
    fn default() -> Self {
        Self(vec![AddressRule::Any])
    }
}

/// A text that is no such entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `*`, an IP address or a network such as 10.0.0.0/8, found {0:?}")]
pub struct AddressRuleError(String);

impl AddressRule {
    /// Whether an address fits. IPv4 addresses within IPv6 are IPv4 addresses.
    pub fn allows(&self, address: IpAddr) -> bool {
        let Self::Network {
            address: network,
            bits,
        } = *self
        else {
            return true;
        };
        match (network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRule {
    type Err = AddressRuleError;

    fn from_str(text: &str) -> Result<Self, AddressRuleError> {
        parse(text).ok_or_else(|| AddressRuleError(text.chars().take(64).collect()))
    }
}

fn parse(text: &str) -> Option<AddressRule> {
    if text == "*" {
        return Some(AddressRule::Any);
    }
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let mut address = address.parse::<IpAddr>().ok()?;
    if bits.is_none() {
        // One address is compared as every address that comes is.
        address = address.to_canonical();
    }
    let most = most(address);
    if bits.is_some_and(|bits| bits.starts_with('+')) {
        return None;
    }
    let bits = bits.map_or(Ok(most), str::parse).ok()?;
    (bits <= most).then_some(AddressRule::Network { address, bits })
}

impl fmt::Display for AddressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Network { address, bits } if *bits == most(*address) => address.fmt(f),
            Self::Network { address, bits } => write!(f, "{address}/{bits}"),
        }
    }
}

impl From<AddressRule> for String {
    fn from(rule: AddressRule) -> Self {
        rule.to_string()
    }
}

fn most(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl TryFrom<String> for AddressRule {
    type Error = AddressRuleError;

    fn try_from(text: String) -> Result<Self, AddressRuleError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_fit_as_written() {
        let cases = [
            ("*", "203.0.113.9", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "10.200.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ];
        for (rule, address, expected) in cases {
            let text = rule;
            let rule: AddressRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            assert_eq!(
                rule.allows(address.parse().unwrap()),
                expected,
                "{rule:?} {address}"
            );
        }
        let mapped: AddressRule = "::ffff:10.1.2.3".parse().unwrap();
        assert!(mapped.allows("10.1.2.3".parse().unwrap()));
        let list = AddressList::new(vec!["10.0.0.0/8".parse().unwrap(), mapped]);
        assert!(list.allows("10.1.2.3".parse().unwrap()) && !list.is_everywhere());
        assert!(!list.allows("192.0.2.1".parse().unwrap()));
        assert!(AddressList::default().allows("192.0.2.1".parse().unwrap()));
        assert!(!AddressList::new(Vec::new()).allows("192.0.2.1".parse().unwrap()));
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "a",
            "10.0.0.0/",
            "**",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
        ] {
            assert!(bad.parse::<AddressRule>().is_err(), "{bad}");
        }
    }
}

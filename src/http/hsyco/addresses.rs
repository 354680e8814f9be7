//! From where the route may be used: everywhere, a network, or one address.

use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// One entry of the list of allowed addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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
    let address = address.parse::<IpAddr>().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(most), str::parse).ok()?;
    (bits <= most).then_some(AddressRule::Network { address, bits })
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
            let rule: AddressRule = rule.parse().unwrap();
            assert_eq!(
                rule.allows(address.parse().unwrap()),
                expected,
                "{rule:?} {address}"
            );
        }
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "a",
            "10.0.0.0/",
            "**",
            "10.0.0.0/-1",
        ] {
            assert!(bad.parse::<AddressRule>().is_err(), "{bad}");
        }
    }
}

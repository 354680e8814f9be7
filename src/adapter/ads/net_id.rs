//! AMS addresses: six numbers and a port. Pure.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;

/// The name of a router in the network of ADS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NetId(pub(crate) [u8; 6]);

impl NetId {
    /// What is usual for a machine with this address.
    pub(crate) fn of(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([a, b, c, d, 1, 1])
    }
}

impl TryFrom<String> for NetId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbers = text.trim().split('.').map(|number| number.parse().ok());
        let numbers: Option<Vec<u8>> = numbers.collect();
        let six = numbers.and_then(|numbers| <[u8; 6]>::try_from(numbers).ok());
        six.map(Self).ok_or_else(|| {
            format!("`{text}` is no AMS Net Id: six numbers from 0 to 255, as `5.12.34.56.1.1`")
        })
    }
}

impl fmt::Display for NetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a}.{b}.{c}.{d}.{e}.{g}")
    }
}

/// A port of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AmsAddress {
    /// The router.
    pub(crate) net_id: NetId,
    /// The port; 851 is the first PLC of TwinCAT 3.
    pub(crate) port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_numbers_and_nothing_else() {
        let id = NetId::try_from("5.12.34.56.1.1".to_owned()).unwrap();
        assert_eq!(
            (id.0, id.to_string().as_str()),
            ([5, 12, 34, 56, 1, 1], "5.12.34.56.1.1")
        );
        assert_eq!(
            NetId::of(Ipv4Addr::new(10, 1, 2, 3)).to_string(),
            "10.1.2.3.1.1"
        );
        for wrong in [
            "",
            "1.2.3.4",
            "1.2.3.4.5.256",
            "1.2.3.4.5.6.7",
            "a.2.3.4.5.6",
        ] {
            assert!(NetId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}

//! The way from the address to the controller, as a path of ports and what stands behind them.
//! Pure.

use serde::Deserialize;

/// Bytes of a way at most; they take room in every request.
const BYTES_MAX: usize = 50;
/// The port number from which on a segment needs another form.
const PORT_END: u8 = 15;
/// Says that the link address is longer than a byte.
const LONG_ADDRESS: u8 = 0x10;

/// A way, encoded as a padded path; empty if the controller itself listens at the address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Route(Vec<u8>);

impl Route {
    /// A slot of the rack: behind port 1, the backplane.
    pub(crate) fn slot(slot: u8) -> Self {
        Self(vec![1, slot])
    }

    /// The path, in whole words.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for Route {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("direct") {
            return Ok(Self(Vec::new()));
        }
        let wrong = || {
            format!(
                "`{text}` is no way: `direct`, or pairs of a port (1 to 14) and a slot (0 to 255) \
                 or IP address, such as `1,0` or `1,4,2,192.168.1.10,1,0`, {BYTES_MAX} bytes at most"
            )
        };
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if !parts.len().is_multiple_of(2) {
            return Err(wrong());
        }
        let mut path = Vec::new();
        for hop in parts.chunks_exact(2) {
            let port = hop[0].parse::<u8>().ok();
            let port = port.filter(|port| (1..PORT_END).contains(port));
            let port = port.ok_or_else(wrong)?;
            if let Ok(slot) = hop[1].parse::<u8>() {
                path.extend([port, slot]);
                continue;
            }
            let address = hop[1].parse::<std::net::Ipv4Addr>().map_err(|_| wrong())?;
            let address = address.to_string();
            // An IPv4 address has at most fifteen characters.
            path.extend([port | LONG_ADDRESS, address.len().to_le_bytes()[0]]);
            path.extend(address.as_bytes());
            if path.len() % 2 == 1 {
                path.push(0);
            }
        }
        match path.len() > BYTES_MAX {
            true => Err(wrong()),
            false => Ok(Self(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Result<Vec<u8>, String> {
        Route::try_from(text.to_owned()).map(|route| route.0)
    }

    #[test]
    fn ways_are_ports_and_what_is_behind_them() {
        assert_eq!(route("direct"), Ok(vec![]));
        assert_eq!(route("1,3"), Ok(vec![1, 3]));
        let long = route("1,4, 2,10.1.2.3, 1,0").unwrap();
        let expected = [&[1, 4, 0x12, 8][..], b"10.1.2.3", &[1, 0]].concat();
        assert_eq!(long, expected);
        assert_eq!(route("2,10.1.2.33").unwrap().len(), 12);
        assert!(route(&["1,0"; 26].join(",")).is_err());
        for wrong in ["", "1", "0,1", "15,1", "1,256", "1,x", "1,2,3"] {
            assert!(route(wrong).is_err(), "{wrong}");
        }
    }
}

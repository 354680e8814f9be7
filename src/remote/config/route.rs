//! An address of a remote: `https://host:port`, nothing more.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// Bytes of a host name.
const HOST_BYTES_MAX: usize = 253;
/// The port of HTTPS, where the address names none.
const HTTPS_PORT: u16 = 443;

/// One way to a remote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Host name or IP address, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A text that is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as https://line1.example:8443, found {0:?}")]
pub struct RouteError(String);

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        parse(text).ok_or_else(|| RouteError(text.chars().take(HOST_BYTES_MAX).collect()))
    }
}

fn parse(text: &str) -> Option<Route> {
    let rest = text.strip_prefix("https://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    host_and_port(rest, HTTPS_PORT).map(|(host, port)| Route { host, port })
}

/// Reads `host:port`; an IPv6 address stands in brackets.
pub(super) fn host_and_port(text: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match port {
                "" => (host, None),
                port => (host, Some(port.strip_prefix(':')?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None => usual,
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    let valid = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.chars().all(allowed);
    valid.then(|| (host.to_owned(), port))
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match (host.contains(':'), *port == HTTPS_PORT) {
            (true, true) => write!(f, "https://[{host}]"),
            (true, false) => write!(f, "https://[{host}]:{port}"),
            (false, true) => write!(f, "https://{host}"),
            (false, false) => write!(f, "https://{host}:{port}"),
        }
    }
}

/// Reads one route or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Route>, D::Error> {
    let texts = input.deserialize_any(TextOrTexts)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom))
        .collect()
}

/// Reads a list of names, or one text with `;` between them.
pub(super) fn names<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let texts = input.deserialize_any(TextOrTexts)?;
    let names = texts.iter().flat_map(|text| text.split(';')).map(str::trim);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Reads one text or a list of them.
pub(super) fn texts<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    input.deserialize_any(TextOrTexts)
}

struct TextOrTexts;

impl<'de> Visitor<'de> for TextOrTexts {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_come_back() {
        let good = [
            "https://line1",
            "https://10.0.0.7:8443",
            "https://[::1]:8443",
        ];
        for text in good {
            assert_eq!(
                text.parse::<Route>()
                    .map(|route| route.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        let bad = [
            "http://line1",
            "line1:8443",
            "https://",
            "https://line1:0",
            "https://line1:99999",
            "https://line1/path",
            "https://user@line1",
            "https://[::1",
            "https://a b",
        ];
        for text in bad {
            assert!(text.parse::<Route>().is_err(), "{text}");
        }
    }
}

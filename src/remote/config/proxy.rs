//! An HTTP proxy: `http://[user:password@]host:port`.

use std::fmt;
use std::str::FromStr;

use mainstem_model::Secret;
use serde::de::{Deserialize, Deserializer, Error};

use super::route::host_and_port;

/// The port of a proxy, where the address names none.
const PROXY_PORT: u16 = 3128;

/// Where a proxy is, and how to log in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    /// Host name or IP address, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `user:password`, if it wants one.
    pub credentials: Option<Secret>,
}

/// A text that is no proxy. What it is may hold a password, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a proxy such as http://proxy.example:3128")]
pub struct ProxyError;

impl FromStr for ProxyAddress {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let rest = text.strip_prefix("http://").ok_or(ProxyError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(decoded(login).ok_or(ProxyError)?), rest),
            None => (None, rest),
        };
        if login.as_ref().is_some_and(|login| !login.contains(':')) {
            return Err(ProxyError);
        }
        let (host, port) = host_and_port(rest, PROXY_PORT).ok_or(ProxyError)?;
        Ok(Self {
            host,
            port,
            credentials: login.map(|login| Secret::new(&login)),
        })
    }
}

/// Percent-decodes: a password may have any character.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "http://[{host}]:{port}"),
            false => write!(f, "http://{host}:{port}"),
        }
    }
}

impl<'de> Deserialize<'de> for ProxyAddress {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        for wrong in [
            "proxy:3128",
            "https://proxy:3128",
            "http://",
            "http://user@proxy",
            "http://u:%zz@proxy",
            "http://u:%4",
            "http://proxy:0",
        ] {
            assert_eq!(wrong.parse::<ProxyAddress>(), Err(ProxyError), "{wrong}");
        }
        let found: ProxyAddress = "http://u:a@b@[::1]:80/".parse().unwrap();
        assert_eq!((&*found.host, found.port), ("::1", 80));
        assert_eq!(found.credentials.unwrap().expose(), "u:a@b");
        let plain: ProxyAddress = "http://proxy".parse().unwrap();
        assert_eq!((plain.port, plain.credentials), (PROXY_PORT, None));
    }
}

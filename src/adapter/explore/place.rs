//! URLs of devices: a scheme, a host and perhaps a port.

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The scheme, in small letters.
    pub scheme: String,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, if one is given.
    pub port: Option<u16>,
    /// What follows, with its first `/`; empty if nothing does.
    pub path: String,
}

/// Takes a URL apart. `schemes` are those that the kind knows; the first of them is meant where a
/// person writes a host alone. A user name in a URL is refused: a password beside it would end up
/// in the history of the shell.
pub fn host_and_port(url: &str, schemes: &[&str]) -> Result<Place, String> {
    let first = schemes.first().copied().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or((first, url));
    let scheme = scheme.to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        let known: Vec<_> = schemes
            .iter()
            .map(|scheme| format!("{scheme}://"))
            .collect();
        return Err(format!(
            "`{scheme}://` is not known here; use {}",
            known.join(" ")
        ));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("a URL holds no user here; use --user".into());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("`[` without `]`")?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            // An IPv6 address without brackets has many colons and no port.
            Some((_, port)) if port.contains(':') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!("`{url}` names no host"));
    }
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err(format!("`{port}` is no port: 1 to 65535")),
        },
    };
    Ok(Place {
        scheme,
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        let cases = [
            ("tcp://10.1.2.3", "10.1.2.3", None, ""),
            ("10.1.2.3:503", "10.1.2.3", Some(503), ""),
            ("TLS://plc.local:802/a?b", "plc.local", Some(802), "/a?b"),
            ("tcp://[fe80::1]:502", "fe80::1", Some(502), ""),
            ("tcp://fe80::1", "fe80::1", None, ""),
        ];
        for (url, host, port, path) in cases {
            let place = host_and_port(url, &["tcp", "tls"]).unwrap();
            assert_eq!((&*place.host, place.port, &*place.path), (host, port, path));
        }
    }

    #[test]
    fn what_is_no_place_is_said() {
        let cases = [
            ("http://a", "not known"),
            ("tcp://", "no host"),
            ("tcp://a:0", "no port"),
            ("tcp://a:x", "no port"),
            ("tcp://me:secret@a", "--user"),
            ("tcp://[::1", "without"),
        ];
        for (url, word) in cases {
            let error = host_and_port(url, &["tcp"]).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
        }
    }
}

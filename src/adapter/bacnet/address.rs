//! Where devices, routers and BBMDs are.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use mainstem_adapter::SessionEnd;

/// The port of BACnet/IP, BAC0 in hexadecimal digits.
pub(crate) const PORT: u16 = 47_808;

/// Host and port of an address as a person writes it; the port may be left out.
pub(crate) fn parts(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.trim().rsplit_once(':') {
        None => (text.trim(), PORT),
        Some((host, port)) => {
            let number = port.parse().ok().filter(|port| *port > 0);
            (host, number.ok_or_else(|| format!("`{port}` is no port"))?)
        }
    };
    let is_wrong = host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == ':');
    match is_wrong {
        true => Err(format!("`{text}` names no host")),
        false => Ok((host.to_owned(), port)),
    }
}

/// The address of a host by name or number.
pub(crate) async fn resolve(text: &str) -> Result<SocketAddrV4, SessionEnd> {
    let (host, port) = parts(text).map_err(|message| SessionEnd::Misconfigured { message })?;
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(SocketAddrV4::new(ip, port));
    }
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found = found.map_err(|error| {
        let message = format!("cannot find {host}: {error}: check the name, or give an IP address");
        SessionEnd::lost("host_not_found", message)
    })?;
    let mut v4 = found.filter_map(|address| match address {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    });
    v4.next().ok_or_else(|| {
        let message = format!("{host} has no IPv4 address, which BACnet/IP needs");
        SessionEnd::lost("host_not_found", message)
    })
}

//! The wrapping of a message: BACnet/IP's own header and the network layer's, with the way to
//! networks behind routers.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::Malformed;

/// The longest datagram that is read: no APDU is longer than 1476 bytes.
pub(crate) const DATAGRAM_MAX: usize = 1_600;
/// Bytes of the longest address of a device on a network behind a router.
pub(crate) const MAC_MAX: usize = 18;
/// All networks.
const EVERYWHERE: u16 = 0xFFFF;
const HOPS: u8 = 255;

const RESULT: u8 = 0x00;
const FORWARDED: u8 = 0x04;
const REGISTER: u8 = 0x05;
const DISTRIBUTE: u8 = 0x09;
const UNICAST: u8 = 0x0A;
const BROADCAST: u8 = 0x0B;

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To one device or router.
    Unicast,
    /// To everybody on the wire.
    Broadcast,
    /// To a BBMD, which hands it to everybody on its networks.
    Distribute,
}

/// A device on a network behind a router.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Station {
    /// The network's number, 1 to 65534.
    pub(crate) network: u16,
    /// Its address there; empty for all of them.
    pub(crate) mac: Vec<u8>,
}

/// What a datagram carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Datagram<'a> {
    /// A message of a device.
    Message {
        /// Who has sent it, where a BBMD has passed it on.
        origin: Option<SocketAddrV4>,
        /// The device behind the router, if it is one.
        station: Option<Station>,
        /// The message itself.
        apdu: &'a [u8],
    },
    /// A BBMD's answer: 0 is success.
    Result(u16),
    /// A router cannot reach a network.
    Unreachable {
        /// The network's number.
        network: u16,
    },
    /// Something for routers, or for others.
    Other,
}

/// Wraps a message.
pub(crate) fn wrap(way: Way, to: Option<&Station>, expects_answer: bool, apdu: &[u8]) -> Vec<u8> {
    let function = match way {
        Way::Unicast => UNICAST,
        Way::Broadcast => BROADCAST,
        Way::Distribute => DISTRIBUTE,
    };
    let mut out = vec![0x81, function, 0, 0, 0x01];
    let answer = if expects_answer { 0x04 } else { 0 };
    match to {
        None => out.push(answer),
        Some(station) => {
            out.push(0x20 | answer);
            out.extend(station.network.to_be_bytes());
            out.push(u8::try_from(station.mac.len()).unwrap_or_default());
            out.extend(&station.mac);
            out.push(HOPS);
        }
    }
    out.extend(apdu);
    finish(out)
}

/// The request to become a foreign device of a BBMD for so many seconds.
pub(crate) fn register(seconds: u16) -> Vec<u8> {
    let mut out = vec![0x81, REGISTER, 0, 0];
    out.extend(seconds.to_be_bytes());
    finish(out)
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX);
    out[2..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// Unwraps a datagram.
pub(crate) fn unwrap(datagram: &[u8]) -> Result<Datagram<'_>, Malformed> {
    let (header, body) = datagram
        .split_at_checked(4)
        .ok_or(Malformed("a datagram of less than four bytes"))?;
    if header[0] != 0x81 {
        return Err(Malformed("a datagram that is no BACnet/IP"));
    }
    if usize::from(u16::from_be_bytes([header[2], header[3]])) != datagram.len() {
        return Err(Malformed("a datagram of another length than it says"));
    }
    match header[1] {
        UNICAST | BROADCAST => network(None, body),
        FORWARDED => {
            let (origin, body) = body
                .split_at_checked(6)
                .ok_or(Malformed("a forwarded message without its origin"))?;
            let ip = Ipv4Addr::new(origin[0], origin[1], origin[2], origin[3]);
            let port = u16::from_be_bytes([origin[4], origin[5]]);
            network(Some(SocketAddrV4::new(ip, port)), body)
        }
        RESULT => match body {
            [high, low] => Ok(Datagram::Result(u16::from_be_bytes([*high, *low]))),
            _ => Err(Malformed("a result of another length")),
        },
        _ => Ok(Datagram::Other),
    }
}

fn network(origin: Option<SocketAddrV4>, body: &[u8]) -> Result<Datagram<'_>, Malformed> {
    let mut reader = Reader(body);
    if reader.byte()? != 1 {
        return Err(Malformed("another version of the network layer"));
    }
    let control = reader.byte()?;
    let destination = match control & 0x20 != 0 {
        true => Some(reader.station()?),
        false => None,
    };
    let station = match control & 0x08 != 0 {
        true => Some(reader.station()?),
        false => None,
    };
    if destination.is_some() {
        reader.byte()?;
    }
    if control & 0x80 != 0 {
        return match reader.0 {
            [0x03, _, high, low] => Ok(Datagram::Unreachable {
                network: u16::from_be_bytes([*high, *low]),
            }),
            _ => Ok(Datagram::Other),
        };
    }
    if destination.is_some_and(|to| to.network != EVERYWHERE) {
        return Ok(Datagram::Other);
    }
    let is_nobody = |station: &Station| station.mac.is_empty() || station.network == EVERYWHERE;
    if station.as_ref().is_some_and(is_nobody) {
        return Err(Malformed("a message from nobody"));
    }
    Ok(Datagram::Message {
        origin,
        station,
        apdu: reader.0,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or(Malformed("the network layer ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn station(&mut self) -> Result<Station, Malformed> {
        let network = u16::from_be_bytes([self.byte()?, self.byte()?]);
        let length = usize::from(self.byte()?);
        if length > MAC_MAX {
            return Err(Malformed("an address that is too long"));
        }
        let mac = self.take(length)?.to_vec();
        Ok(Station { network, mac })
    }
}

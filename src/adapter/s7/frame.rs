//! Frames below S7: TPKT (RFC 1006) around class 0 of ISO 8073. Pure.

/// Bytes of a TPKT header.
pub(crate) const TPKT: usize = 4;
/// TPKT and the header of a data TPDU.
const OVERHEAD: usize = 7;
/// The largest S7 PDU that this client asks for.
pub(crate) const PDU_MAX: u16 = 960;
/// The longest frame that is believed; a TPDU of 1024 bytes and its wrapping. What announces
/// more is refused before anything is allocated.
pub(crate) const FRAME_MAX: usize = 1024 + OVERHEAD;
/// The size that the connection request offers: 2 to the power of 10.
const TPDU_EXPONENT: u8 = 0x0A;
const CONNECT_REQUEST: u8 = 0xE0;
const CONNECT_CONFIRM: u8 = 0xD0;
const DISCONNECT_REQUEST: u8 = 0x80;
const DATA: u8 = 0xF0;
const LAST: u8 = 0x80;

/// What a frame carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tpdu<'a> {
    /// The connection stands; the largest TPDU that the peer takes.
    Confirm {
        /// Its size in bytes.
        size: usize,
    },
    /// The peer does not want the connection.
    Disconnect {
        /// Its reason.
        reason: u8,
    },
    /// A part of a PDU.
    Data {
        /// Whether it is the last part.
        last: bool,
        /// The bytes.
        bytes: &'a [u8],
    },
}

/// The request for a connection between two access points.
pub(crate) fn connect_request(local: u16, remote: u16) -> Vec<u8> {
    let [local_high, local_low] = local.to_be_bytes();
    let [remote_high, remote_low] = remote.to_be_bytes();
    // Length, type, destination and source reference, class; then size and access points.
    let head = [0x11, CONNECT_REQUEST, 0, 0, 0, 1, 0];
    let options = [0xC0, 1, TPDU_EXPONENT, 0xC1, 2, local_high, local_low];
    let remote = [0xC2, 2, remote_high, remote_low];
    wrap([&head[..], &options, &remote].concat())
}

/// A whole PDU in one frame.
pub(crate) fn data(pdu: &[u8]) -> Vec<u8> {
    wrap([&[0x02, DATA, LAST], pdu].concat())
}

fn wrap(tpdu: Vec<u8>) -> Vec<u8> {
    // What this client sends is far shorter than 65,535 bytes.
    let length = u16::try_from(tpdu.len() + TPKT).unwrap_or(u16::MAX);
    let mut frame = vec![3, 0];
    frame.extend(length.to_be_bytes());
    frame.extend(tpdu);
    frame
}

/// How many bytes follow a TPKT header.
pub(crate) fn rest_of(header: [u8; TPKT]) -> Result<usize, String> {
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] != 3 {
        return Err("what arrived is no ISO-on-TCP frame".into());
    }
    if !(OVERHEAD..=FRAME_MAX).contains(&length) {
        return Err(format!("a frame announces {length} bytes"));
    }
    Ok(length - TPKT)
}

/// What stands behind the TPKT header.
pub(crate) fn parse(tpdu: &[u8]) -> Result<Tpdu<'_>, String> {
    let short = || "a frame is shorter than its header".to_owned();
    let [length, kind, ..] = *tpdu else {
        return Err(short());
    };
    let header = tpdu.get(1..=usize::from(length)).ok_or_else(short)?;
    let body = &tpdu[1 + header.len()..];
    match kind & 0xF0 {
        DATA if header.len() == 2 => Ok(Tpdu::Data {
            last: header[1] & LAST != 0,
            bytes: body,
        }),
        CONNECT_CONFIRM if header.len() >= 6 => Ok(Tpdu::Confirm {
            size: size_of(&header[6..]),
        }),
        DISCONNECT_REQUEST if header.len() >= 6 => Ok(Tpdu::Disconnect { reason: header[5] }),
        _ => Err(format!("a frame of the unknown kind {kind:#04x} arrived")),
    }
}

/// The size among the options of a confirmation; what was offered where it is missing or nonsense.
fn size_of(mut options: &[u8]) -> usize {
    while let [code, length, rest @ ..] = options {
        let Some(value) = rest.get(..usize::from(*length)) else {
            break;
        };
        if let (0xC0, [exponent @ 7..=TPDU_EXPONENT]) = (*code, value) {
            return 1 << exponent;
        }
        options = &rest[value.len()..];
    }
    1 << TPDU_EXPONENT
}

//! AMS over TCP: a header of six bytes, one of thirty-two, and data. Pure. Nothing that a PLC
//! announces is believed before it was compared with what was asked.

use crate::net_id::AmsAddress;

/// Bytes before the AMS header.
pub(crate) const TCP_HEADER: usize = 6;
/// Bytes of the AMS header.
pub(crate) const HEADER: usize = 32;
/// A request that wants an answer.
const REQUEST: u16 = 0x0004;
/// The bit that tells an answer.
const IS_ANSWER: u16 = 0x0001;
/// News of a variable; a PLC may still send some to a client that had this address before.
pub(crate) const NEWS: u16 = 8;

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The command.
    pub(crate) command: u16,
    /// Whether it is an answer.
    pub(crate) is_answer: bool,
    /// What is wrong on the way, or 0.
    pub(crate) error: u32,
    /// The number of the request.
    pub(crate) number: u32,
}

/// A request in its frame.
pub(crate) fn frame(
    target: AmsAddress,
    source: AmsAddress,
    command: u16,
    number: u32,
    data: &[u8],
) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut frame = Vec::with_capacity(TCP_HEADER + HEADER + data.len());
    frame.extend([0, 0]);
    frame.extend(length(HEADER + data.len()));
    for address in [target, source] {
        frame.extend(address.net_id.0);
        frame.extend(address.port.to_le_bytes());
    }
    frame.extend(command.to_le_bytes());
    frame.extend(REQUEST.to_le_bytes());
    frame.extend(length(data.len()));
    frame.extend([0; 4]);
    frame.extend(number.to_le_bytes());
    frame.extend(data);
    frame
}

/// How many bytes follow the first six, if that may be true.
pub(crate) fn rest_of(head: [u8; TCP_HEADER], most: usize) -> Result<usize, String> {
    let [0, 0, a, b, c, d] = head else {
        return Err("what arrived is no AMS frame".to_owned());
    };
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    match length {
        length if length < HEADER => Err("a frame is shorter than its header".to_owned()),
        length if length > HEADER + most => Err(format!("a frame announces {length} bytes")),
        length => Ok(length),
    }
}

/// Takes a frame apart, behind its first six bytes.
pub(crate) fn parse(frame: &[u8]) -> Result<(Header, &[u8]), String> {
    let (head, data) = frame.split_at_checked(HEADER).ok_or("a frame is cut off")?;
    let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let long = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
    if usize::try_from(long(20)).ok() != Some(data.len()) {
        return Err("the lengths in a frame contradict each other".to_owned());
    }
    let header = Header {
        command: word(16),
        is_answer: word(18) & IS_ANSWER != 0,
        error: long(24),
        number: long(28),
    };
    Ok((header, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net_id::NetId;

    #[test]
    fn a_frame_is_as_beckhoff_describes_it() {
        let at = |last, port| AmsAddress {
            net_id: NetId([5, 1, 2, 3, 1, last]),
            port,
        };
        let frame = frame(at(1, 851), at(2, 32750), 4, 7, &[0xAB]);
        let head = [
            0, 0, 33, 0, 0, 0, 5, 1, 2, 3, 1, 1, 0x53, 3, 5, 1, 2, 3, 1, 2, 0xEE, 0x7F,
        ];
        assert_eq!(frame[..22], head);
        assert_eq!(
            frame[22..],
            [4, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0xAB]
        );
        assert_eq!(rest_of(frame[..6].try_into().unwrap(), 1), Ok(33));
        assert!(rest_of(frame[..6].try_into().unwrap(), 0).is_err());
        assert!(rest_of([0, 0, 31, 0, 0, 0], 9).is_err());
        assert!(rest_of([0, 1, 33, 0, 0, 0], 9).is_err());
        assert!(rest_of([0, 0, 0xFF, 0xFF, 0xFF, 0xFF], 9).is_err());
        let (header, data) = parse(&frame[6..]).unwrap();
        assert_eq!((header.command, header.number, data), (4, 7, &[0xAB][..]));
        assert!(!header.is_answer);
        for end in 6..frame.len() {
            assert!(parse(&frame[6..end]).is_err());
        }
    }
}

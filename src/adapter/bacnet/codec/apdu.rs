//! Messages between devices: requests, answers and their numbers.

use super::Malformed;
use super::tag::{self, Class, Tags};

/// The sizes of APDUs that the standard has a code for.
pub(crate) const SIZES: [u16; 6] = [50, 128, 206, 480, 1024, 1476];
/// Segments of an answer that are put together at most: a code of 4 stands for 16, of 6 for 64.
pub(crate) const SEGMENTS_MAX: u8 = 64;
const SEGMENTS_CODE: u8 = 6;

/// What arrives from a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Apdu<'a> {
    /// It asks something and wants an answer.
    Request {
        invoke: u8,
        service: u8,
        body: &'a [u8],
    },
    /// It asks something in more than one piece, which is not served here.
    LongRequest { invoke: u8 },
    /// It tells something.
    Told { service: u8, body: &'a [u8] },
    /// Done.
    Simple { invoke: u8, service: u8 },
    /// Done, and this is the answer.
    Complex {
        invoke: u8,
        service: u8,
        body: &'a [u8],
    },
    /// A piece of an answer.
    Segment(Segment<'a>),
    /// It has a piece; only for whoever sends in pieces.
    SegmentAck,
    /// It could not do it.
    Error { invoke: u8, class: u32, code: u32 },
    /// It does not understand it.
    Reject { invoke: u8, reason: u8 },
    /// It gave up.
    Abort { invoke: u8, reason: u8 },
}

/// A piece of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) invoke: u8,
    pub(crate) service: u8,
    /// Its number, from 0 on.
    pub(crate) sequence: u8,
    /// After how many pieces the sender waits for a word.
    pub(crate) window: u8,
    /// Whether it is not the last.
    pub(crate) more: bool,
    pub(crate) body: &'a [u8],
}

impl Apdu<'_> {
    /// The number of the request that it answers.
    pub(crate) fn answers(&self) -> Option<u8> {
        match self {
            Self::Simple { invoke, .. }
            | Self::Complex { invoke, .. }
            | Self::Segment(Segment { invoke, .. })
            | Self::Error { invoke, .. }
            | Self::Reject { invoke, .. }
            | Self::Abort { invoke, .. } => Some(*invoke),
            Self::Request { .. }
            | Self::LongRequest { .. }
            | Self::Told { .. }
            | Self::SegmentAck => None,
        }
    }
}

/// Reads a message.
pub(crate) fn parse(bytes: &[u8]) -> Result<Apdu<'_>, Malformed> {
    let short = Malformed("a message that ends early");
    match *bytes {
        [first, ..] if first >> 4 == 0 => match *bytes {
            [first, _, invoke, ..] if first & 8 != 0 => Ok(Apdu::LongRequest { invoke }),
            [_, _, invoke, service, ref body @ ..] => Ok(Apdu::Request {
                invoke,
                service,
                body,
            }),
            _ => Err(short),
        },
        [first, service, ref body @ ..] if first >> 4 == 1 => Ok(Apdu::Told { service, body }),
        [first, invoke, service] if first >> 4 == 2 => Ok(Apdu::Simple { invoke, service }),
        [first, invoke, ref rest @ ..] if first >> 4 == 3 => complex(first, invoke, rest),
        [first, ..] if first >> 4 == 4 => Ok(Apdu::SegmentAck),
        [first, invoke, _, ref body @ ..] if first >> 4 == 5 => error(invoke, body),
        [first, invoke, reason] if first >> 4 == 6 => Ok(Apdu::Reject { invoke, reason }),
        [first, invoke, reason] if first >> 4 == 7 => Ok(Apdu::Abort { invoke, reason }),
        [first, ..] if first >> 4 > 7 => Err(Malformed("a message of no kind")),
        _ => Err(short),
    }
}

fn complex(first: u8, invoke: u8, rest: &[u8]) -> Result<Apdu<'_>, Malformed> {
    match (first & 8 != 0, rest) {
        (false, [service, body @ ..]) => Ok(Apdu::Complex {
            invoke,
            service: *service,
            body,
        }),
        (true, [sequence, window, service, body @ ..]) => Ok(Apdu::Segment(Segment {
            invoke,
            service: *service,
            sequence: *sequence,
            window: *window,
            more: first & 4 != 0,
            body,
        })),
        _ => Err(Malformed("an answer that ends early")),
    }
}

fn error(invoke: u8, body: &[u8]) -> Result<Apdu<'_>, Malformed> {
    let (class, code) = error_pair(&mut Tags::new(body))?;
    Ok(Apdu::Error {
        invoke,
        class,
        code,
    })
}

/// The class and the code of an error.
pub(crate) fn error_pair(tags: &mut Tags<'_>) -> Result<(u32, u32), Malformed> {
    let mut enumerated = || {
        let tag = tags.next()?;
        match tag.class == Class::Application && tag.number == 9 {
            true => tag::unsigned32(tag.content),
            false => Err(Malformed("an error without class or code")),
        }
    };
    Ok((enumerated()?, enumerated()?))
}

/// The head of a request: the longest answer that is taken, and whether it may come in pieces.
pub(crate) fn request(invoke: u8, service: u8, apdu_max: u16, segmented: bool) -> Vec<u8> {
    let size = SIZES
        .iter()
        .rposition(|size| *size <= apdu_max)
        .unwrap_or(0);
    let size = u8::try_from(size).unwrap_or_default();
    match segmented {
        true => vec![0x02, SEGMENTS_CODE << 4 | size, invoke, service],
        false => vec![0x00, size, invoke, service],
    }
}

/// The head of what is told.
pub(crate) fn told(service: u8) -> Vec<u8> {
    vec![0x10, service]
}

/// Says that a request was served.
pub(crate) fn simple(invoke: u8, service: u8) -> Vec<u8> {
    vec![0x20, invoke, service]
}

/// Says that a request was understood and cannot be served.
pub(crate) fn refuse(invoke: u8, service: u8, class: u8, code: u8) -> Vec<u8> {
    vec![0x50, invoke, service, 0x91, class, 0x91, code]
}

/// Says that a service is not known here.
pub(crate) fn reject_unknown(invoke: u8) -> Vec<u8> {
    vec![0x60, invoke, 9]
}

/// Gives up a conversation in pieces.
pub(crate) fn abort(invoke: u8, reason: u8) -> Vec<u8> {
    vec![0x70, invoke, reason]
}

/// Says which piece has arrived last, in order; `again` asks for what comes behind it once more.
pub(crate) fn segment_ack(invoke: u8, sequence: u8, window: u8, again: bool) -> Vec<u8> {
    vec![0x40 | if again { 2 } else { 0 }, invoke, sequence, window]
}

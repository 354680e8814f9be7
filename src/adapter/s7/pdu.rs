//! S7 communication: setup, reading and writing variables. Pure. Nothing that a CPU announces is
//! believed before it was compared with what was asked.

use crate::address::Area;
use crate::block::Span;

/// Items in one request, as all CPUs take them.
pub(crate) const ITEMS_MAX: usize = 20;
/// Bytes of an answer to a read that are no items.
pub(crate) const READ_OVERHEAD: usize = 14;
/// Bytes before the data of an item in an answer.
pub(crate) const ITEM_HEADER: usize = 4;
/// Bytes of a request to read that are no items, and of one item.
pub(crate) const READ_REQUEST: (usize, usize) = (12, 12);
/// Bytes of a request to write one item that are no data.
pub(crate) const WRITE_OVERHEAD: usize = 28;
/// An item that was carried out.
const GOOD: u8 = 0xFF;
const JOB: u8 = 1;
const ACK: u8 = 2;
const ACK_DATA: u8 = 3;
const SETUP: u8 = 0xF0;
const READ: u8 = 4;
const WRITE: u8 = 5;
const BIT: u8 = 1;
const BYTE: u8 = 2;

/// Why an answer carries nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AnswerError {
    /// It is none to the request, or contradicts itself.
    Invalid(String),
    /// The CPU refuses the whole request.
    Refused {
        /// The error class.
        class: u8,
        /// The error code.
        code: u8,
    },
}

fn invalid(what: &str) -> AnswerError {
    AnswerError::Invalid(what.to_owned())
}

fn job(reference: u16, parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut pdu = vec![0x32, JOB, 0, 0];
    pdu.extend(reference.to_be_bytes());
    pdu.extend(length(parameters));
    pdu.extend(length(data));
    pdu.extend(parameters);
    pdu.extend(data);
    pdu
}

/// The request for the length of PDUs, and for one job at a time.
pub(crate) fn setup_request(reference: u16, length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    job(reference, &[SETUP, 0, 0, 1, 0, 1, high, low], &[])
}

/// The length of PDUs that the CPU grants.
pub(crate) fn setup_answer(pdu: &[u8], reference: u16) -> Result<u16, AnswerError> {
    let (parameters, _) = answer(pdu, reference, SETUP)?;
    let [_, _, _, _, _, _, high, low] = *parameters else {
        return Err(invalid("the answer to the setup has a wrong length"));
    };
    Ok(u16::from_be_bytes([high, low]))
}

fn item(transport: u8, span: Span, count: u16, bits: u32) -> [u8; 12] {
    let [count_high, count_low] = count.to_be_bytes();
    let [db_high, db_low] = span.db.to_be_bytes();
    let [_, high, middle, low] = bits.to_be_bytes();
    [
        0x12,
        0x0A,
        0x10,
        transport,
        count_high,
        count_low,
        db_high,
        db_low,
        span.area.code(),
        high,
        middle,
        low,
    ]
}

fn item_of(span: Span) -> [u8; 12] {
    let count = u16::try_from(span.count).unwrap_or(u16::MAX);
    match span.area {
        Area::Timers | Area::Counters => item(span.area.code(), span, count, span.start),
        _ => item(BYTE, span, count, span.start * 8),
    }
}

/// The request to read some spans.
pub(crate) fn read_request(reference: u16, spans: &[Span]) -> Vec<u8> {
    let count = u8::try_from(spans.len()).unwrap_or(u8::MAX);
    let mut parameters = vec![READ, count];
    parameters.extend(spans.iter().flat_map(|span| item_of(*span)));
    job(reference, &parameters, &[])
}

/// For each span its bytes, or the CPU's code for why not.
pub(crate) fn read_answer<'a>(
    pdu: &'a [u8],
    reference: u16,
    spans: &[Span],
) -> Result<Vec<Result<&'a [u8], u8>>, AnswerError> {
    let (parameters, mut data) = answer(pdu, reference, READ)?;
    if parameters.get(1).map(|count| usize::from(*count)) != Some(spans.len()) {
        return Err(invalid(
            "the answer has another number of items than the request",
        ));
    }
    let mut items = Vec::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        let [code, transport, high, low, rest @ ..] = data else {
            return Err(invalid("the answer ends before its items do"));
        };
        if *code != GOOD {
            items.push(Err(*code));
            data = rest;
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Bits, bytes and integers count bits; everything else counts bytes.
        let length = match transport {
            3..=5 => length.div_ceil(8),
            _ => length,
        };
        if length != span.bytes() {
            let expected = span.bytes();
            let what = format!("{expected} bytes were asked for, {length} are announced");
            return Err(AnswerError::Invalid(what));
        }
        let bytes = rest.get(..length);
        items.push(Ok(
            bytes.ok_or_else(|| invalid("an item is shorter than it says"))?
        ));
        let is_padded = length % 2 == 1 && index + 1 < spans.len();
        let end = length + usize::from(is_padded);
        data = rest
            .get(end..)
            .ok_or_else(|| invalid("an item has no fill byte"))?;
    }
    Ok(items)
}

/// The request to write bytes.
pub(crate) fn write_request(reference: u16, span: Span, bytes: &[u8]) -> Vec<u8> {
    let bits = u16::try_from(bytes.len() * 8)
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let parameters = [&[WRITE, 1][..], &item_of(span)].concat();
    job(
        reference,
        &parameters,
        &[&[0, 4, bits[0], bits[1]], bytes].concat(),
    )
}

/// The request to write one bit, which leaves its neighbours alone.
pub(crate) fn write_bit_request(reference: u16, span: Span, bit: u8, on: bool) -> Vec<u8> {
    let at = item(BIT, span, 1, span.start * 8 + u32::from(bit));
    let parameters = [&[WRITE, 1][..], &at].concat();
    job(reference, &parameters, &[0, 3, 0, 1, u8::from(on)])
}

/// Whether a write was carried out, or the CPU's code for why not.
pub(crate) fn write_answer(pdu: &[u8], reference: u16) -> Result<Result<(), u8>, AnswerError> {
    match answer(pdu, reference, WRITE)? {
        ([_, 1], [GOOD]) => Ok(Ok(())),
        ([_, 1], [code]) => Ok(Err(*code)),
        _ => Err(invalid("the answer to a write has a wrong length")),
    }
}

/// Parameters and data of an answer that belongs to the request.
fn answer(pdu: &[u8], reference: u16, function: u8) -> Result<(&[u8], &[u8]), AnswerError> {
    let [
        0x32,
        kind,
        _,
        _,
        r0,
        r1,
        p0,
        p1,
        d0,
        d1,
        class,
        code,
        rest @ ..,
    ] = pdu
    else {
        return Err(invalid("what arrived is no answer of an S7"));
    };
    if !matches!(*kind, ACK | ACK_DATA) {
        return Err(invalid("what arrived is no answer of an S7"));
    }
    if u16::from_be_bytes([*r0, *r1]) != reference {
        return Err(invalid("the answer belongs to another request"));
    }
    if (*class, *code) != (0, 0) {
        return Err(AnswerError::Refused {
            class: *class,
            code: *code,
        });
    }
    let parameters = usize::from(u16::from_be_bytes([*p0, *p1]));
    let data = usize::from(u16::from_be_bytes([*d0, *d1]));
    if parameters + data != rest.len() || rest.first() != Some(&function) || parameters == 0 {
        return Err(invalid("the lengths in the answer contradict each other"));
    }
    Ok(rest.split_at(parameters))
}

#[cfg(test)]
mod tests;

//! Values as devices send them.

use mainstem_model::Timestamp;
use serde_json::{Value as Json, json};

use super::moment::{self, Date, Time};
use super::tag::{self, Class, Tag, Tags};
use super::{Malformed, ObjectId, text};

/// How deep lists within values may be read.
const DEPTH_MAX: usize = 8;

/// One value of an application type, or what is nested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    Null,
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Real(f32),
    Double(f64),
    Octets(Vec<u8>),
    Text(String),
    Bits(Vec<bool>),
    Enumerated(u32),
    Date(Date),
    Time(Time),
    Object(ObjectId),
    /// At a place of a structure, whose type only its reader knows.
    Place(u8, Vec<u8>),
    /// Several values at a place of a structure.
    Group(u8, Vec<Raw>),
    /// Well wrapped, but of a type or character set that is not read here.
    Unreadable,
}

/// All values in a row.
pub(crate) fn decode_all(bytes: &[u8]) -> Result<Vec<Raw>, Malformed> {
    decode_deep(bytes, 0)
}

fn decode_deep(bytes: &[u8], depth: usize) -> Result<Vec<Raw>, Malformed> {
    if depth > DEPTH_MAX {
        return Err(Malformed("values are nested too deep"));
    }
    let mut tags = Tags::new(bytes);
    let mut values = Vec::new();
    while let Some(tag) = tags.peek() {
        values.push(match tag.class {
            Class::Opening => {
                let inner = tags.group(tag.number)?;
                Raw::Group(tag.number, decode_deep(inner, depth + 1)?)
            }
            Class::Closing => return Err(Malformed("a group ends that never began")),
            Class::Context => Raw::Place(tag.number, tags.next()?.content.to_vec()),
            Class::Application => application(&tags.next()?)?,
        });
    }
    match tags.is_empty() {
        true => Ok(values),
        false => tags.next().map(|_| values),
    }
}

fn application(tag: &Tag<'_>) -> Result<Raw, Malformed> {
    let wrong = Malformed("a value whose length does not fit its type");
    let bytes = tag.content;
    let four = || <[u8; 4]>::try_from(bytes).map_err(|_| wrong);
    Ok(match tag.number {
        0 if bytes.is_empty() => Raw::Null,
        1 if tag.inline < 2 => Raw::Boolean(tag.inline == 1),
        2 => Raw::Unsigned(tag::unsigned(bytes).ok_or(wrong)?),
        3 => Raw::Signed(tag::signed(bytes).ok_or(wrong)?),
        4 => Raw::Real(f32::from_be_bytes(four()?)),
        5 => Raw::Double(f64::from_be_bytes(bytes.try_into().map_err(|_| wrong)?)),
        6 => Raw::Octets(bytes.to_vec()),
        7 => text::decode(bytes).map_or(Raw::Unreadable, Raw::Text),
        8 => Raw::Bits(bits(bytes).ok_or(wrong)?),
        9 => Raw::Enumerated(tag::unsigned32(bytes)?),
        10 => Raw::Date(four()?),
        11 => Raw::Time(four()?),
        12 => Raw::Object(ObjectId::from_bits(u32::from_be_bytes(four()?))),
        13..=15 => Raw::Unreadable,
        _ => return Err(wrong),
    })
}

/// The bits of a bit string; its first byte says how many of the last byte are unused.
pub(crate) fn bits(bytes: &[u8]) -> Option<Vec<bool>> {
    let (unused, bytes) = bytes.split_first()?;
    let total = (bytes.len() * 8).checked_sub(usize::from(*unused))?;
    (*unused < 8).then_some(())?;
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
    };
    Some((0..total).map(bit).collect())
}

/// Appends a value.
pub(crate) fn encode(out: &mut Vec<u8>, value: &Raw) {
    let mut put = |number, content: &[u8]| tag::put(out, Class::Application, number, content);
    match value {
        Raw::Null => put(0, &[]),
        Raw::Boolean(on) => out.push(0x10 | u8::from(*on)),
        Raw::Unsigned(number) => put(2, &tag::unsigned_bytes(*number)),
        Raw::Signed(number) => put(3, &tag::signed_bytes(*number)),
        Raw::Real(number) => put(4, &number.to_be_bytes()),
        Raw::Double(number) => put(5, &number.to_be_bytes()),
        Raw::Octets(bytes) => put(6, bytes),
        Raw::Text(text) => put(7, &text::encode(text)),
        Raw::Bits(bits) => put(8, &bit_bytes(bits)),
        Raw::Enumerated(number) => put(9, &tag::unsigned_bytes(u64::from(*number))),
        Raw::Date(date) => put(10, date),
        Raw::Time(time) => put(11, time),
        Raw::Object(object) => put(12, &object.to_bits().to_be_bytes()),
        // Never made here; an empty message is refused by the device.
        Raw::Place(..) | Raw::Group(..) | Raw::Unreadable => {}
    }
}

fn bit_bytes(bits: &[bool]) -> Vec<u8> {
    let unused = (8 - bits.len() % 8) % 8;
    let mut bytes = vec![u8::try_from(unused).unwrap_or_default()];
    let byte = |chunk: &[bool]| {
        let bit = |(at, on): (usize, &bool)| u8::from(*on) << (7 - at);
        chunk.iter().enumerate().map(bit).sum::<u8>()
    };
    bytes.extend(bits.chunks(8).map(byte));
    bytes
}

/// As JSON, whatever it is.
pub(crate) fn to_json(value: &Raw) -> Json {
    match value {
        Raw::Null => Json::Null,
        Raw::Boolean(on) => json!(on),
        Raw::Unsigned(number) => json!(number),
        Raw::Signed(number) => json!(number),
        // As short as a person would write it, not with the digits of a wider type.
        Raw::Real(number) => number
            .to_string()
            .parse::<f64>()
            .map_or(Json::Null, |wide| json!(wide)),
        Raw::Double(number) => json!(number),
        Raw::Octets(bytes) => json!(hex::encode(bytes)),
        Raw::Text(text) => json!(text),
        Raw::Bits(bits) => json!(bits),
        Raw::Enumerated(number) => json!(number),
        Raw::Date(date) => json!(moment::date_text(*date)),
        Raw::Time(time) => json!(moment::time_text(*time)),
        Raw::Object(object) => json!(crate::names::object_text(*object)),
        Raw::Place(number, bytes) => json!({ number.to_string(): hex::encode(bytes) }),
        Raw::Group(number, inner) => {
            let inner: Vec<Json> = inner.iter().map(to_json).collect();
            json!({ number.to_string(): inner })
        }
        Raw::Unreadable => json!({ "unreadable": true }),
    }
}

/// The moment of a date and a time next to each other.
pub(crate) fn to_moment(values: &[Raw]) -> Option<Timestamp> {
    match values {
        [Raw::Date(date), Raw::Time(time)] => moment::moment(*date, *time),
        _ => None,
    }
}

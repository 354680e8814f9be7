//! `parse`: what bytes mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonata_core::value::JValue;
use mainstem_service::Format;

use super::Fault;
use super::message::read_json;
use crate::limits::INPUT_BYTES_MAX;

/// Rows of a table in CSV.
const ROWS_MAX: usize = 10_000;

/// The value that bytes are in a format.
pub(super) fn read(bytes: &[u8], format: Format) -> Result<JValue, Fault> {
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(Fault::InputTooLarge(bytes.len()));
    }
    match format {
        Format::Json => read_json(bytes),
        Format::Csv => csv(text(bytes)?),
        Format::Utf8 => Ok(JValue::from(text(bytes)?)),
        Format::Latin1 => Ok(bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into()),
        Format::Ascii => match bytes.is_ascii() {
            true => Ok(JValue::from(text(bytes)?)),
            false => Err(Fault::Parse("there are bytes beyond ASCII".into())),
        },
        Format::Hex => Ok(JValue::from(hex::encode(bytes))),
        Format::ToBase64 => Ok(JValue::from(STANDARD.encode(bytes))),
        Format::FromBase64 => {
            let encoded: Vec<u8> = bytes
                .iter()
                .filter(|b| !b.is_ascii_whitespace())
                .copied()
                .collect();
            let plain = STANDARD.decode(encoded);
            let plain = plain.map_err(|error| Fault::Parse(error.to_string()))?;
            Ok(JValue::from(text(&plain)?))
        }
        number => Ok(number_of(bytes, number)?),
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| Fault::Parse(format!("it is no UTF-8: {error}")))
}

/// The bytes of a number: exactly as many as it has.
fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes
        .try_into()
        .map_err(|_| Fault::Parse(format!("there are {} bytes in place of {N}", bytes.len())))
}

fn number_of(bytes: &[u8], format: Format) -> Result<JValue, Fault> {
    let number = match format {
        Format::Boolean => {
            let first = bytes.first().copied();
            let first = first.ok_or_else(|| Fault::Parse("there is no byte".into()))?;
            return Ok(JValue::from(first != 0));
        }
        Format::Int8 => f64::from(i8::from_be_bytes(exactly(bytes)?)),
        Format::Uint8 => f64::from(u8::from_be_bytes(exactly(bytes)?)),
        Format::Int16Be => f64::from(i16::from_be_bytes(exactly(bytes)?)),
        Format::Int16Le => f64::from(i16::from_le_bytes(exactly(bytes)?)),
        Format::Uint16Be => f64::from(u16::from_be_bytes(exactly(bytes)?)),
        Format::Uint16Le => f64::from(u16::from_le_bytes(exactly(bytes)?)),
        Format::Int32Be => f64::from(i32::from_be_bytes(exactly(bytes)?)),
        Format::Int32Le => f64::from(i32::from_le_bytes(exactly(bytes)?)),
        Format::Uint32Be => f64::from(u32::from_be_bytes(exactly(bytes)?)),
        Format::Uint32Le => f64::from(u32::from_le_bytes(exactly(bytes)?)),
        Format::FloatBe => f64::from(f32::from_be_bytes(exactly(bytes)?)),
        Format::FloatLe => f64::from(f32::from_le_bytes(exactly(bytes)?)),
        Format::DoubleBe => f64::from_be_bytes(exactly(bytes)?),
        Format::DoubleLe => f64::from_le_bytes(exactly(bytes)?),
        other => return Err(Fault::Parse(format!("{other:?} is no number"))),
    };
    match number.is_finite() {
        true => Ok(JValue::from(number)),
        false => Err(Fault::Parse(
            "the number is not finite, which JSON has no word for".into(),
        )),
    }
}

/// Rows of fields, which are texts. A field in quotes may have commas, line ends and doubled
/// quotes in it (RFC 4180).
fn csv(text: &str) -> Result<JValue, Fault> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut any) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        any = true;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(JValue::from(std::mem::take(&mut field))),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(JValue::from(std::mem::take(&mut field)));
                rows.push(JValue::from(std::mem::take(&mut row)));
                any = false;
            }
            other => field.push(other),
        }
        if rows.len() > ROWS_MAX {
            return Err(Fault::Parse(format!("there are more than {ROWS_MAX} rows")));
        }
    }
    if quoted {
        return Err(Fault::Parse("a quote is not closed".into()));
    }
    if any {
        row.push(JValue::from(field));
        rows.push(JValue::from(row));
    }
    Ok(JValue::from(rows))
}

//! What the bytes of a CPU may mean, side by side, and which of it somebody may have meant. Pure.

use mainstem_adapter::explore::{Answer, Tried, View};
use mainstem_model::Value;
use serde_json::json;

use super::{Place, text_of};
use crate::codec::decode;
use crate::data_type::{DataType, Format};

/// Types by their width in bytes, as columns stand.
const MEANINGS: [(&str, DataType); 14] = [
    ("byte", DataType::Byte),
    ("sint", DataType::Sint),
    ("char", DataType::Char),
    ("word", DataType::Word),
    ("int", DataType::Int),
    ("s5time", DataType::S5time),
    ("dword", DataType::Dword),
    ("dint", DataType::Dint),
    ("real", DataType::Real),
    ("time", DataType::Time),
    ("lword", DataType::Lword),
    ("lint", DataType::Lint),
    ("lreal", DataType::Lreal),
    ("dateAndTime", DataType::DateAndTime),
];
/// What is measured lies between these, whatever its unit.
const REAL_MIN: f64 = 1e-4;
const REAL_MAX: f64 = 1e8;

/// The rows of neighbouring addresses.
pub(super) fn bytes(first: &Place, answers: &[Answer]) -> Vec<Tried> {
    let parts: Vec<Option<Vec<u8>>> = answers.iter().map(part).collect();
    (0..answers.len())
        .map(|index| row(first, &answers[index], &parts[index..], index))
        .collect()
}

fn part(answer: &Answer) -> Option<Vec<u8>> {
    match &answer.value {
        Some(Value::Bytes(bytes)) => Some(bytes.to_vec()),
        _ => None,
    }
}

fn row(first: &Place, answer: &Answer, parts: &[Option<Vec<u8>>], index: usize) -> Tried {
    let mut tried = Tried::plain(answer);
    tried.views.clear();
    let (Some(Some(own)), Ok(here)) = (parts.first(), first.neighbour(index)) else {
        return tried;
    };
    tried.bytes = Some(own.clone());
    // What follows without a gap belongs to types that are longer than the row.
    let run: Vec<u8> = parts
        .iter()
        .map_while(Option::as_deref)
        .flatten()
        .copied()
        .collect();
    for (label, data_type) in MEANINGS {
        let format = Format {
            data_type,
            length: 1,
            array: false,
            bit: 0,
        };
        let size = format.size();
        // A compiler puts nothing longer than a byte at an odd address.
        let is_odd = size > 1 && here.address.start % 2 == 1;
        if size < own.len() || is_odd {
            continue;
        }
        let Some(value) = run.get(..size).and_then(|bytes| decode(format, bytes)) else {
            continue;
        };
        let address = crate::address::Address {
            data_type,
            ..here.address
        };
        tried.views.push(View {
            value_type: None,
            label: label.to_owned(),
            plausible: is_plausible(data_type, &value, size == own.len()),
            value,
            operation: json!({ "address": text_of(&address), "dataType": label }),
        });
    }
    if own.len() == 1 && here.address.start % 2 == 0 {
        tried.views.extend(string(&here, &run));
    }
    tried
}

/// `is_own` says that the address itself has the width of the type.
fn is_plausible(data_type: DataType, value: &Value, is_own: bool) -> bool {
    let number = value.as_integer();
    let within =
        |low: i128, high: i128| number.is_some_and(|number| (low..=high).contains(&number));
    match data_type {
        DataType::Byte | DataType::Word => true,
        // Signed is worth a column of its own only where it reads differently.
        DataType::Sint | DataType::Int => within(i128::MIN, -1),
        DataType::Dint => within(if is_own { i128::MIN } else { -100_000_000 }, -1),
        DataType::Lint => is_own && within(i128::MIN, -1),
        DataType::Dword => is_own || within(1, i128::from(i32::MAX)),
        DataType::Lword => is_own,
        DataType::Real | DataType::Lreal => value
            .as_f64()
            .is_some_and(|value| value.is_finite() && (REAL_MIN..REAL_MAX).contains(&value.abs())),
        DataType::Char => matches!(value, Value::Text(text)
            if text.chars().all(|c| c.is_ascii_graphic()) && !text.is_empty()),
        // Each of its digits has to be one, which bytes of something else rarely are.
        DataType::DateAndTime => true,
        _ => false,
    }
}

/// The string that begins here, if its lengths fit and its characters can be read.
fn string(here: &Place, run: &[u8]) -> Option<View> {
    let (most, used) = (*run.first()?, *run.get(1)?);
    let characters = run.get(2..2 + usize::from(used))?;
    let is_text = characters
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if used == 0 || used > most || !is_text || most == u8::MAX {
        return None;
    }
    let format = Format {
        data_type: DataType::String,
        length: used.into(),
        array: false,
        bit: 0,
    };
    let value = decode(format, run.get(..format.size())?)?;
    Some(View {
        value_type: None,
        label: "string".to_owned(),
        value,
        plausible: used > 1,
        operation: json!({ "address": here.to_text(), "dataType": "string", "length": most }),
    })
}

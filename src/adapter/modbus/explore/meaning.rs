//! What registers may mean, side by side, and which of it somebody may have meant. Pure.

use mainstem_adapter::explore::{Answer, Tried, View};
use mainstem_model::Value;
use serde_json::{Value as Json, json};

use super::function_code;
use super::notation::{Notation, ORDERS, put_order};
use crate::codec::decode_words;
use crate::data_type::{Format, Number, Order};

/// Numbers of several registers, as columns stand.
const NUMBERS: [(&str, Number); 6] = [
    ("u32", Number::U32),
    ("i32", Number::I32),
    ("f32", Number::F32),
    ("u64", Number::U64),
    ("i64", Number::I64),
    ("f64", Number::F64),
];
/// What is measured or counted lies between these, whatever its unit.
const FLOAT_MIN: f64 = 1e-4;
const FLOAT_MAX: f64 = 1e8;
/// A whole number that stands in several registers is rarely larger.
const COUNT_MAX: i128 = 1 << 48;
/// So many registers of printable characters in a row are a text.
const TEXT_REGISTERS_MIN: usize = 2;

/// The rows of neighbouring registers.
pub(super) fn registers(first: &Notation, answers: &[Answer]) -> Vec<Tried> {
    let words: Vec<Option<u16>> = answers.iter().map(word).collect();
    let mut rows: Vec<Tried> = (0..answers.len())
        .map(|index| row(first, answers, &words, index))
        .collect();
    doubt_rare_orders(&mut rows);
    rows
}

fn word(answer: &Answer) -> Option<u16> {
    match answer.value {
        Some(Value::UInt(word)) => u16::try_from(word).ok(),
        _ => None,
    }
}

fn row(first: &Notation, answers: &[Answer], words: &[Option<u16>], index: usize) -> Tried {
    let answer = &answers[index];
    let mut tried = Tried::plain(answer);
    tried.views.clear();
    let Some(word) = words[index] else {
        return tried;
    };
    tried.bytes = Some(word.to_be_bytes().to_vec());
    let offset = u16::try_from(index).unwrap_or(u16::MAX);
    let here = first.at(first.address.saturating_add(offset));
    let operation = |word: &str, order: Order| {
        let mut operation = json!({
            "fc": function_code(here.table),
            "address": here.address,
            "type": word,
        });
        put_order(&mut operation, order);
        operation
    };
    let one = |label: &str, number: Number, plausible: bool| View {
        value_type: None,
        label: label.to_owned(),
        value: decode_words(Format::Number(number, Order::default()), &[word]),
        plausible,
        operation: operation(label, Order::default()),
    };
    tried.views.push(one("u16", Number::U16, true));
    tried.views.push(one("i16", Number::I16, word >= 0x8000));
    for (label, number) in NUMBERS {
        let count = usize::from(number.words());
        let all: Option<Vec<u16>> = words
            .get(index..index + count)
            .and_then(|own| own.iter().copied().collect());
        let Some(own) = all else { continue };
        for (letters, order) in ORDERS {
            let value = decode_words(Format::Number(number, order), &own);
            tried.views.push(View {
                value_type: None,
                label: format!("{label} {letters}"),
                plausible: is_plausible(number, order, &value, &own),
                value,
                operation: operation(label, order),
            });
        }
    }
    tried.views.extend(text(words, index, &operation));
    tried
}

fn is_plausible(number: Number, order: Order, value: &Value, words: &[u16]) -> bool {
    match number {
        Number::F32 | Number::F64 => value.as_f64().is_some_and(|value| {
            let size = value.abs();
            value.is_finite() && (FLOAT_MIN..FLOAT_MAX).contains(&size)
        }),
        // Devices that swap the bytes of whole numbers are rare, and any bytes make a number.
        _ if order.bytes_swapped => false,
        // Signed is worth a column of its own only where it reads differently.
        Number::I32 => in_range(value, -100_000_000, -1),
        Number::I64 => in_range(value, -100_000_000_000, -1),
        // What fits into the last registers is shown in their own rows.
        Number::U32 => in_range(value, 1, i128::from(i32::MAX)),
        _ => in_range(value, 0x1_0000, COUNT_MAX) && first_of(words, order) == 0,
    }
}

/// The register with the most significant word.
fn first_of(words: &[u16], order: Order) -> u16 {
    let first = if order.words_swapped {
        words.last()
    } else {
        words.first()
    };
    first.copied().unwrap_or_default()
}

fn in_range(value: &Value, low: i128, high: i128) -> bool {
    value
        .as_integer()
        .is_some_and(|number| (low..=high).contains(&number))
}

/// The text that begins here, if one does.
fn text(
    words: &[Option<u16>],
    index: usize,
    operation: &impl Fn(&str, Order) -> Json,
) -> Option<View> {
    let is_text = |word: &Option<u16>| word.is_some_and(is_printable);
    // Within a text nothing begins.
    if index > 0 && words.get(index - 1).is_some_and(is_text) {
        return None;
    }
    let own: Vec<u16> = words[index..]
        .iter()
        .map_while(|word| word.filter(|w| is_printable(*w)))
        .collect();
    if own.is_empty() {
        return None;
    }
    let mut operation = operation("text", Order::default());
    operation["length"] = json!(own.len());
    Some(View {
        value_type: None,
        label: "text".to_owned(),
        value: decode_words(Format::Text { swapped: false }, &own),
        plausible: own.len() >= TEXT_REGISTERS_MIN,
        operation,
    })
}

fn is_printable(word: u16) -> bool {
    let [first, second] = word.to_be_bytes();
    let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    is_printable(first) && (is_printable(second) || second == 0)
}

/// An order of bytes that few devices have is worth a column only where it explains more than the
/// orders that most have.
fn doubt_rare_orders(rows: &mut [Tried]) {
    for label in ["f32", "f64"] {
        let count = |letters: &str| {
            let label = format!("{label} {letters}");
            let views = rows.iter().flat_map(|row| &row.views);
            views
                .filter(|view| view.plausible && view.label == label)
                .count()
        };
        let usual = count("ABCD").max(count("CDAB"));
        for letters in ["BADC", "DCBA"] {
            let label = format!("{label} {letters}");
            if count_of(rows, &label) > usual {
                continue;
            }
            let views = rows.iter_mut().flat_map(|row| &mut row.views);
            for view in views.filter(|view| view.label == label) {
                view.plausible = false;
            }
        }
    }
}

fn count_of(rows: &[Tried], label: &str) -> usize {
    let views = rows.iter().flat_map(|row| &row.views);
    views
        .filter(|view| view.plausible && view.label == label)
        .count()
}

//! Values, qualities, ages and moments as a person reads them.

use mainstem_model::Timestamp;
use mainstem_wire::api::{PointDocument, QualityDocument};
use serde_json::Value;
use serde_json::value::RawValue;

/// Digits of a number with a fraction in tables; `get` and `--json` show all of them.
const DIGITS: usize = 6;
/// Characters of a value in tables.
const VALUE_CHARACTERS_MAX: usize = 60;

/// A text of somebody else's that cannot speak to the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = c.is_control() || is_reordering(c);
            let escaped = escape.then(|| c.escape_default().collect::<String>());
            escaped
                .unwrap_or_else(|| c.to_string())
                .chars()
                .collect::<Vec<_>>()
        })
        .collect()
}

// Marks that make a terminal show characters in another order than they stand in.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value in full; texts without their quotes.
pub(crate) fn value(raw: Option<&RawValue>) -> String {
    let Some(raw) = raw.map(RawValue::get) else {
        return "–".to_owned();
    };
    match serde_json::from_str(raw) {
        Ok(Value::Null) => "–".to_owned(),
        Ok(Value::String(text)) => harmless(&text),
        // Numbers keep the digits that the node sent.
        _ => harmless(raw),
    }
}

/// A value as short as a table wants it.
pub(crate) fn short_value(raw: Option<&RawValue>) -> String {
    let full = value(raw);
    if full.chars().count() > VALUE_CHARACTERS_MAX {
        let start: String = full.chars().take(VALUE_CHARACTERS_MAX - 1).collect();
        return format!("{start}…");
    }
    let fraction = full.contains(['.', 'e', 'E']);
    match full.parse::<f64>() {
        Ok(number) if fraction && number.is_finite() => short_number(number),
        _ => full,
    }
}

fn short_number(number: f64) -> String {
    let magnitude = if number == 0.0 {
        0.0
    } else {
        number.abs().log10().floor()
    };
    if !(-5.0..15.0).contains(&magnitude) {
        return format!("{number:.5e}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -5 and 15")]
    let decimals = DIGITS as i32 - 1 - magnitude as i32;
    let decimals = usize::try_from(decimals).unwrap_or(0).clamp(1, 10);
    let text = format!("{number:.decimals$}");
    let text = text.trim_end_matches('0');
    text.strip_suffix('.')
        .map_or_else(|| text.to_owned(), |whole| format!("{whole}.0"))
}

/// The last value with its unit.
pub(crate) fn value_with_unit(point: &PointDocument) -> String {
    let text = short_value(point.value.as_deref());
    match unit(point).filter(|_| point.value.is_some()) {
        Some(unit) => format!("{text} {}", harmless(unit)),
        None => text,
    }
}

/// The unit, if the node told it.
pub(crate) fn unit(point: &PointDocument) -> Option<&str> {
    point.meta.as_ref()?.unit.as_deref()
}

/// `good`, or what is wrong and where: `bad, link_down at plant1.line1`.
pub(crate) fn quality(quality: &QualityDocument) -> String {
    let mut text = harmless(&quality.status);
    if quality.reason != "ok" {
        text = format!("{text}, {}", harmless(&quality.reason));
    }
    match &quality.hop {
        Some(hop) => format!("{text} at {}", harmless(hop)),
        None => text,
    }
}

/// Seconds as a person says them.
pub(crate) fn age(seconds: f64) -> String {
    const STEPS: [(f64, f64, &str); 4] = [
        (120.0, 1.0, "s"),
        (7200.0, 60.0, "min"),
        (172_800.0, 3600.0, "h"),
        (f64::INFINITY, 86_400.0, "d"),
    ];
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let (_, size, unit) = STEPS
        .into_iter()
        .find(|(end, ..)| seconds < *end)
        .unwrap_or(STEPS[3]);
    format!("{:.0} {unit}", (seconds / size).floor())
}

/// Seconds of a round trip, in milliseconds.
pub(crate) fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(
        || "–".to_owned(),
        |seconds| format!("{:.1} ms", seconds * 1000.0),
    )
}

/// A moment with its day, to the millisecond: `2026-11-20 08:15:30.123 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..23)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// The time of day of a moment, to the millisecond, in UTC.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..23).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn values_are_short_and_harmless() {
        let cases = [
            ("60.123456789", "60.1235"),
            ("0.1", "0.1"),
            ("5.0", "5.0"),
            ("-0.000123456789", "-0.000123457"),
            ("1e300", "1.00000e300"),
            ("123456789.75", "123456789.8"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"),
            ("\"LOT-00042\"", "LOT-00042"),
            ("\"a\\u001b[31mb\\n\\u202e\"", "a\\u{1b}[31mb\\n\\u{202e}"),
            ("\"NaN\"", "NaN"),
            ("[1,2.5]", "[1,2.5]"),
            ("null", "–"),
        ];
        for (json, expected) in cases {
            assert_eq!(short_value(Some(&raw(json))), expected, "{json}");
        }
        assert_eq!(short_value(None), "–");
        let long = raw(&format!("\"{}\"", "ü".repeat(200)));
        assert_eq!(
            short_value(Some(&long)).chars().count(),
            VALUE_CHARACTERS_MAX
        );
        assert_eq!(value(Some(&raw("60.123456789"))), "60.123456789");
    }

    #[test]
    fn ages_are_said_in_one_unit() {
        let cases = [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (10.0, "10 s"),
            (119.9, "119 s"),
            (120.0, "2 min"),
            (7200.0, "2 h"),
            (200_000.0, "2 d"),
            (f64::NAN, "–"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(seconds), expected);
        }
    }

    #[test]
    fn a_quality_says_what_and_where() {
        let mut document = QualityDocument {
            status: "good".into(),
            reason: "ok".into(),
            hop: None,
            hop_id: None,
            since: Timestamp::from_micros(0),
        };
        assert_eq!(quality(&document), "good");
        document.status = "bad".into();
        document.reason = "link_down".into();
        document.hop = Some("plant1.line1".into());
        assert_eq!(quality(&document), "bad, link_down at plant1.line1");
    }

    #[test]
    fn moments_are_utc() {
        let at = Timestamp::from_micros(1_795_000_000_123_456);
        assert_eq!(time_of_day(at), "02:26:40.123");
        assert!(moment(at).ends_with("02:26:40.123 UTC"), "{}", moment(at));
    }
}

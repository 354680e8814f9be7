//! Line protocol: one point as one line, escaped so that nothing in a name or a text can become
//! another tag, field or line. Pure.

use mainstem_adapter::to_json_value;
use mainstem_model::{Timestamp, Value};

use crate::config::{Precision, Version};

/// A field's value as the protocol says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field(String);

/// Why something is no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoLine {
    /// NaN and infinities.
    #[error("{0} cannot be written to InfluxDB")]
    Number(String),
    /// What the protocol has no escape for.
    #[error("`{0}` cannot be a name in InfluxDB: it is empty, has a line break or ends with `\\`")]
    Name(String),
    /// A point without a field is none.
    #[error("there is no field to be written")]
    NoField,
}

impl Field {
    /// Of a datapoint's value.
    pub(crate) fn of(value: &Value, version: Version) -> Result<Self, NoLine> {
        Ok(match value {
            Value::Bool(flag) => Self(flag.to_string()),
            Value::Int(number) => Self(format!("{number}i")),
            Value::UInt(number) => match (i64::try_from(*number), version) {
                // Version 1 has no unsigned type; in the others a field keeps its first type.
                (Ok(number), Version::One) => Self(format!("{number}i")),
                (Err(_), Version::One) => return Err(NoLine::Number(number.to_string())),
                _ => Self(format!("{number}u")),
            },
            Value::F32(number) => Self::number(number.to_string().parse().unwrap_or(f64::NAN))?,
            Value::F64(number) => Self::number(*number)?,
            Value::Text(text) | Value::Json(text) => Self::text(text),
            Value::Bytes(_) | Value::Time(_) => match to_json_value(value).as_str() {
                Some(text) => Self::text(text),
                None => return Err(NoLine::NoField),
            },
            Value::Array(_) => Self::text(&to_json_value(value).to_string()),
        })
    }

    pub(crate) fn boolean(flag: bool) -> Self {
        Self(flag.to_string())
    }

    /// A float; whole ones too, for a field keeps its first type.
    pub(crate) fn number(number: f64) -> Result<Self, NoLine> {
        match number.is_finite() {
            true => Ok(Self(format!("{number:?}"))),
            false => Err(NoLine::Number(number.to_string())),
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        Self(quoted)
    }
}

/// One point as a line, without the line's end.
pub(crate) fn line<'a>(
    measurement: &str,
    tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    fields: &[(&str, Field)],
    time: Timestamp,
    precision: Precision,
) -> Result<String, NoLine> {
    let mut line = String::new();
    if measurement.starts_with('#') {
        return Err(NoLine::Name(measurement.into()));
    }
    escaped(measurement, &[',', ' '], &mut line)?;
    let mut tags: Vec<(&str, &str)> = tags.into_iter().collect();
    // Sorted is what the server wants to have; a tag without a value is none.
    tags.sort_unstable();
    for (key, value) in tags.into_iter().filter(|(_, value)| !value.is_empty()) {
        line.push(',');
        escaped(key, &[',', '=', ' '], &mut line)?;
        line.push('=');
        escaped(value, &[',', '=', ' '], &mut line)?;
    }
    let mut separator = ' ';
    for (key, field) in fields {
        line.push(separator);
        escaped(key, &[',', '=', ' '], &mut line)?;
        line.push('=');
        line.push_str(&field.0);
        separator = ',';
    }
    if fields.is_empty() {
        return Err(NoLine::NoField);
    }
    let micros = time.micros();
    let stamp = match precision {
        Precision::Ns => micros.checked_mul(1000),
        Precision::Us => Some(micros),
        Precision::Ms => Some(micros.div_euclid(1000)),
        Precision::S => Some(micros.div_euclid(1_000_000)),
    };
    // Nanoseconds in 64 bits reach from 1677 to 2262; a point beyond them has no time there.
    let stamp = stamp.ok_or_else(|| NoLine::Number(time.to_string()))?;
    line.push_str(&format!(" {stamp}"));
    Ok(line)
}

fn escaped(text: &str, special: &[char], out: &mut String) -> Result<(), NoLine> {
    // A backslash is a plain character, but at the end it would escape what follows.
    let is_sayable =
        !text.is_empty() && !text.ends_with('\\') && !text.contains(|c: char| c.is_control());
    if !is_sayable {
        return Err(NoLine::Name(text.into()));
    }
    let mut before = ' ';
    for c in text.chars() {
        if special.contains(&c) {
            // One before it would be taken for the escape, and what follows for itself.
            if before == '\\' {
                return Err(NoLine::Name(text.into()));
            }
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    Ok(())
}

/// The measurement of a line, for messages.
pub(crate) fn measurement(line: &str) -> &str {
    let mut is_escaped = false;
    let end = line.find(|c: char| {
        let is_end = !is_escaped && matches!(c, ',' | ' ');
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    &line[..end.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_micros(1_700_000_000_123_456)
    }

    #[test]
    fn names_and_texts_stay_where_they_are() {
        let fields = [
            ("a b", Field::text("x\" , y=1\n\\")),
            ("n", Field::number(5.0).unwrap()),
        ];
        let tags = [("z", "1,2"), ("a=b", "c d"), ("none", "")];
        let made = line("m 1,x", tags, &fields, at(), Precision::Us).unwrap();
        assert_eq!(
            made,
            "m\\ 1\\,x,a\\=b=c\\ d,z=1\\,2 a\\ b=\"x\\\" , y=1\n\\\\\",n=5.0 1700000000123456"
        );
        assert_eq!(measurement(&made), "m\\ 1\\,x");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let fields = [("f", Field::boolean(true))];
        for name in ["", "#m", "a\\", "a\nb", "a\\ b"] {
            let made = line(name, [], &fields, at(), Precision::S);
            assert!(made.is_err(), "{name:?}");
        }
        assert_eq!(line("m", [], &[], at(), Precision::S), Err(NoLine::NoField));
        assert!(Field::number(f64::NAN).is_err());
        assert!(Field::of(&Value::UInt(u64::MAX), Version::One).is_err());
        let far = Timestamp::from_micros(i64::MAX / 2);
        assert!(line("m", [], &fields, far, Precision::Ns).is_err());
    }

    #[test]
    fn values_have_the_types_of_the_server() {
        let of = |value: Value| Field::of(&value, Version::Two).unwrap().0;
        assert_eq!(of(Value::Int(-5)), "-5i");
        assert_eq!(of(Value::UInt(5)), "5u");
        assert_eq!(of(Value::F32(0.1)), "0.1");
        assert_eq!(of(Value::F64(1e300)), "1e300");
        assert_eq!(of(Value::Bool(false)), "false");
        assert_eq!(of(Value::Bytes([0, 255].into())), "\"AP8=\"");
        assert_eq!(of(Value::Json(r#"{"a":1}"#.into())), r#""{\"a\":1}""#);
        let one = Field::of(&Value::UInt(5), Version::One).unwrap().0;
        assert_eq!(one, "5i");
    }

    #[test]
    fn stamps_have_the_unit_that_is_said() {
        let of = |precision| {
            let made = line("m", [], &[("f", Field::boolean(true))], at(), precision).unwrap();
            made.rsplit_once(' ').unwrap().1.to_owned()
        };
        assert_eq!(of(Precision::Ns), "1700000000123456000");
        assert_eq!(of(Precision::Ms), "1700000000123");
        assert_eq!(of(Precision::S), "1700000000");
    }
}

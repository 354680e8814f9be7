//! What stands in one column of one row, whichever server it is from.

use mainstem_adapter::to_json_value;
use mainstem_model::{Reason, Scalar, Timestamp, Value, ValueType};
use serde_json::Value as Json;

/// A value of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Exact, in decimal digits.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// A moment of which the server knows the zone.
    Time(Timestamp),
    /// JSON, as its text.
    Json(String),
    List(Vec<Cell>),
}

impl Cell {
    /// A 32-bit float with the digits that it has, not those of its conversion.
    pub(crate) fn narrow(number: f32) -> Self {
        Self::Float(number.to_string().parse().unwrap_or(f64::from(number)))
    }

    /// Bytes that it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Decimal(text) | Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.iter().map(|item| 8 + item.bytes()).sum(),
            _ => 8,
        }
    }

    /// As JSON, with what a datapoint of the type would be.
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Int(number) => (*number).into(),
            Self::UInt(number) => (*number).into(),
            Self::Float(number) => to_json_value(&Value::F64(*number)),
            Self::Decimal(text) | Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => to_json_value(&Value::Bytes(bytes.as_slice().into())),
            Self::Time(moment) => moment.to_string().into(),
            Self::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Self::List(items) => items.iter().map(Self::json).collect(),
        }
    }

    /// As the value of a datapoint, before scaling.
    pub(crate) fn value(&self, wanted: ValueType) -> Result<Value, Reason> {
        if wanted.array {
            return match self {
                Self::List(items) => {
                    let items = items.iter().map(|item| item.value(wanted.scalar.into()));
                    Ok(Value::Array(items.collect::<Result<_, _>>()?))
                }
                Self::Null => Err(Reason::BadSource),
                _ => Err(Reason::BadType),
            };
        }
        Ok(match (wanted.scalar, self) {
            (Scalar::Json, Self::Json(text)) => Value::Json(text.as_str().into()),
            (Scalar::Json, cell) => Value::Json(cell.json().to_string().into()),
            (_, Self::Null) => return Err(Reason::BadSource),
            (Scalar::Text, cell) => Value::Text(cell.text()?.into()),
            (Scalar::Bytes, Self::Bytes(bytes)) => Value::Bytes(bytes.as_slice().into()),
            (Scalar::Time, Self::Time(moment)) => Value::Time(*moment),
            (Scalar::Time, Self::Text(text)) => Value::Time(moment(text).ok_or(Reason::BadType)?),
            (_, Self::Bool(flag)) => Value::Bool(*flag),
            (_, Self::Int(number)) => Value::Int(*number),
            (_, Self::UInt(number)) => Value::UInt(*number),
            (_, Self::Float(number)) => Value::F64(*number),
            (scalar, Self::Decimal(text) | Self::Text(text)) => {
                number(text, scalar).ok_or(Reason::BadType)?
            }
            _ => return Err(Reason::BadType),
        })
    }

    fn text(&self) -> Result<String, Reason> {
        match self {
            Self::Decimal(text) | Self::Text(text) | Self::Json(text) => Ok(text.clone()),
            Self::Bytes(_) => Err(Reason::BadType),
            other => match other.json() {
                Json::String(text) => Ok(text),
                json => Ok(json.to_string()),
            },
        }
    }

    /// The moment that it is; without a zone it is one of UTC.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Time(moment) => Some(*moment),
            Self::Text(text) => moment(text),
            _ => None,
        }
    }
}

/// A whole number exactly, anything else as a float.
fn number(text: &str, wanted: Scalar) -> Option<Value> {
    let text = text.trim();
    if wanted.integer_range().is_some() {
        let whole = match text.split_once('.') {
            Some((whole, part)) if part.bytes().all(|digit| digit == b'0') => whole,
            _ => text,
        };
        if let Ok(number) = whole.parse::<i64>() {
            return Some(Value::Int(number));
        }
        if let Ok(number) = whole.parse::<u64>() {
            return Some(Value::UInt(number));
        }
    }
    if !wanted.is_numeric() {
        return None;
    }
    text.parse().ok().map(Value::F64)
}

fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse()
        .or_else(|_| format!("{text}Z").parse())
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_where_the_type_can_be() {
        let cell = Cell::Decimal("9007199254740993.000".into());
        assert_eq!(
            cell.value(Scalar::I64.into()),
            Ok(Value::Int(9_007_199_254_740_993))
        );
        assert_eq!(
            cell.value(Scalar::Text.into()),
            Ok(Value::text("9007199254740993.000"))
        );
        assert_eq!(cell.json(), "9007199254740993.000");
        let part = Cell::Decimal("12.50".into());
        assert_eq!(part.value(Scalar::F64.into()), Ok(Value::F64(12.5)));
    }

    #[test]
    fn times_without_a_zone_are_of_utc() {
        let wanted: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for text in ["2026-01-02 03:04:05", "2026-01-02T03:04:05+00:00"] {
            assert_eq!(Cell::Text(text.into()).moment(), Some(wanted), "{text}");
        }
        let day = Cell::Text("2026-01-02".into()).moment().unwrap();
        assert_eq!(day.to_string(), "2026-01-02T00:00:00.000000Z");
        assert_eq!(Cell::Text("soon".into()).moment(), None);
    }

    #[test]
    fn nothing_is_no_value_but_null_in_json() {
        assert_eq!(Cell::Null.value(Scalar::F64.into()), Err(Reason::BadSource));
        assert_eq!(
            Cell::Null.value(Scalar::Json.into()),
            Ok(Value::Json("null".into()))
        );
        assert_eq!(
            Cell::Bytes(vec![1]).value(Scalar::Text.into()),
            Err(Reason::BadType)
        );
    }
}

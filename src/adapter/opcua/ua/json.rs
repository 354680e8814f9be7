//! OPC UA values as JSON, for datapoints that are declared so.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{Array, Variant};

use super::from_device::{integer, text, time};

/// A value as JSON, unless it is a structure.
pub(super) fn json(found: &Variant) -> Option<serde_json::Value> {
    Some(match found {
        Variant::Empty => serde_json::Value::Null,
        Variant::Boolean(value) => (*value).into(),
        Variant::UInt64(value) => (*value).into(),
        Variant::Float(value) => float(f64::from(*value), || value.to_string().parse().ok()),
        Variant::Double(value) => float(*value, || None),
        Variant::ByteString(value) => BASE64.encode(value.as_ref()).into(),
        Variant::DateTime(moment) => time(**moment).to_string().into(),
        Variant::Array(array) => return nested(array),
        Variant::Variant(inner) if !matches!(**inner, Variant::Variant(_) | Variant::Array(_)) => {
            return json(inner);
        }
        _ => match integer(found) {
            Some(number) => i64::try_from(number).ok()?.into(),
            None => text(found)?.into(),
        },
    })
}

// NaN and infinity as texts; a 32-bit float in its own shortest form.
fn float(value: f64, shortest: impl Fn() -> Option<f64>) -> serde_json::Value {
    if value.is_finite() {
        shortest().unwrap_or(value).into()
    } else if value.is_nan() {
        "NaN".into()
    } else {
        if value > 0.0 {
            "Infinity".into()
        } else {
            "-Infinity".into()
        }
    }
}

// A matrix as arrays of arrays; its elements stand row by row.
fn nested(array: &Array) -> Option<serde_json::Value> {
    let mut items: Vec<_> = array.values.iter().map(json).collect::<Option<_>>()?;
    for &size in array
        .dimensions
        .as_deref()
        .unwrap_or_default()
        .iter()
        .skip(1)
        .rev()
    {
        let size = usize::try_from(size).ok().filter(|size| *size > 0)?;
        items = items.chunks(size).map(|row| row.to_vec().into()).collect();
    }
    Some(items.into())
}

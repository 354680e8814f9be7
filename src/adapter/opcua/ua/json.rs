//! Single values of OPC UA as JSON, for datapoints that are declared so.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::Variant;
use serde_json::Value as Json;

use super::from_device::{integer, text, time};

/// A single value that is no structure.
pub(super) fn plain(found: &Variant) -> Json {
    match found {
        Variant::Boolean(value) => (*value).into(),
        Variant::Int64(value) => (*value).into(),
        Variant::UInt64(value) => (*value).into(),
        Variant::Float(value) => float(f64::from(*value), || value.to_string().parse().ok()),
        Variant::Double(value) => float(*value, || None),
        Variant::ByteString(value) => BASE64.encode(value.as_ref()).into(),
        Variant::DateTime(moment) => time(**moment).to_string().into(),
        _ => match integer(found).and_then(|number| i64::try_from(number).ok()) {
            Some(number) => number.into(),
            None => text(found).map_or(Json::Null, Json::from),
        },
    }
}

// NaN and infinity as texts; a 32-bit float in its own shortest form.
fn float(value: f64, shortest: impl Fn() -> Option<f64>) -> Json {
    if value.is_finite() {
        shortest().unwrap_or(value).into()
    } else if value.is_nan() {
        "NaN".into()
    } else if value > 0.0 {
        "Infinity".into()
    } else {
        "-Infinity".into()
    }
}

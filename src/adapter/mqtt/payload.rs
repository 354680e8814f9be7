//! Payloads: to readings, and from values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mainstem_adapter::{PointId, Reading};
use mainstem_model::limits::VALUE_BYTES_MAX;
use mainstem_model::{Quality, Reason, Scalar, Status, Timestamp, Value, ValueType};
use serde_json::Value as Json;

use crate::config::Format;
use crate::plan::PointPlan;

/// What a message says about a datapoint. What cannot be read is a bad reading, never silence.
pub(crate) fn reading(id: PointId, plan: &PointPlan, payload: &[u8]) -> Reading {
    let failed = || Reading::failed(id, Reason::BadType);
    if plan.operation.format == Format::Raw {
        return match raw(payload, plan.raw) {
            Some(value) => Reading::good(id, value),
            None => failed(),
        };
    }
    let Ok(document) = serde_json::from_slice::<Json>(payload) else {
        return failed();
    };
    let operation = &plan.operation;
    let is_default = operation.pointer.is_none() && document.get("value").is_some();
    let said = match &operation.pointer {
        Some(pointer) => document.pointer(pointer),
        None if is_default => document.get("value"),
        None => Some(&document),
    };
    let time = match &operation.time_pointer {
        Some(pointer) => document.pointer(pointer),
        None if is_default => document.get("timestamp"),
        None => None,
    };
    let quality = if is_default {
        quality(&document)
    } else {
        Quality::GOOD
    };
    let value = match said {
        // No value any more, under a quality that says why.
        Some(Json::Null) if !quality.is_good() => None,
        Some(said) => match from_json(said, plan.raw) {
            Some(value) => Some(value),
            None => return failed(),
        },
        None => return failed(),
    };
    Reading {
        point: id,
        value,
        quality,
        source_time: time.and_then(timestamp),
    }
}

/// `quality` and `reason` as a node of ours says them; good where there is none.
fn quality(document: &Json) -> Quality {
    let word = document.get("quality").and_then(Json::as_str);
    let reason = document.get("reason").and_then(Json::as_str);
    let reason = reason
        .map(Reason::parse)
        .filter(|reason| *reason != Reason::Other);
    let (status, usual) = match word {
        Some("uncertain") => (Status::Uncertain, Reason::UncertainSource),
        Some("bad") => (Status::Bad, Reason::BadSource),
        _ => return Quality::GOOD,
    };
    let reason = reason.filter(|reason| reason.status() == status);
    Quality::of(reason.unwrap_or(usual))
}

fn timestamp(said: &Json) -> Option<Timestamp> {
    match said {
        Json::Number(millis) => Some(Timestamp::from_micros(millis.as_i64()?.checked_mul(1000)?)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A payload that is the value itself.
fn raw(payload: &[u8], wanted: ValueType) -> Option<Value> {
    if payload.len() > VALUE_BYTES_MAX {
        return None;
    }
    if wanted == Scalar::Bytes.into() {
        return Some(Value::Bytes(payload.into()));
    }
    let text = std::str::from_utf8(payload).ok()?;
    match wanted.scalar {
        Scalar::Text if !wanted.array => Some(Value::text(text)),
        _ => from_json(&serde_json::from_str(text.trim()).ok()?, wanted),
    }
}

fn from_json(said: &Json, wanted: ValueType) -> Option<Value> {
    if !wanted.array {
        return scalar(said, wanted.scalar);
    }
    let items = said.as_array()?.iter();
    let items = items.map(|item| scalar(item, wanted.scalar));
    Some(Value::Array(items.collect::<Option<_>>()?))
}

/// Numbers are left as they are: the runner scales and converts them.
fn scalar(said: &Json, wanted: Scalar) -> Option<Value> {
    Some(match (wanted, said) {
        (Scalar::Json, said) => Value::Json(said.to_string().into()),
        (Scalar::Bytes, Json::String(text)) => Value::Bytes(STANDARD.decode(text).ok()?.into()),
        (Scalar::Time, said) => Value::Time(timestamp(said)?),
        (wanted, Json::String(text)) if wanted.is_float() => Value::F64(match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => return None,
        }),
        (_, Json::Bool(flag)) => Value::Bool(*flag),
        (_, Json::String(text)) => Value::text(text),
        (_, Json::Number(number)) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::F64(number.as_f64()?),
        },
        _ => return None,
    })
}

/// What is published for a write.
pub(crate) fn written(plan: &PointPlan, value: &Value, now: Timestamp) -> Vec<u8> {
    match (&plan.operation.template, plan.operation.format, value) {
        (None, Format::Raw, Value::Text(text)) => text.as_bytes().to_vec(),
        (None, Format::Raw, Value::Bytes(bytes)) => bytes.to_vec(),
        (None, _, value) => to_json(value).to_string().into_bytes(),
        (Some(template), _, value) => {
            // Once over the template, so that nothing in the value is taken for a place.
            let (mut out, mut rest) = (String::new(), template.as_str());
            while let Some(place) = rest.find('{') {
                out.push_str(&rest[..place]);
                rest = &rest[place..];
                if let Some(behind) = rest.strip_prefix("{value}") {
                    out.push_str(&to_json(value).to_string());
                    rest = behind;
                } else if let Some(behind) = rest.strip_prefix("{timestamp}") {
                    out.push_str(&now.millis().to_string());
                    rest = behind;
                } else {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
            out.push_str(rest);
            out.into_bytes()
        }
    }
}

/// A number that JSON cannot say (NaN, infinity) is null.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::UInt(number) => (*number).into(),
        Value::F32(number) => f64::from(*number).into(),
        Value::F64(number) => (*number).into(),
        Value::Text(text) => (**text).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Time(time) => time.millis().into(),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| (**text).into()),
        Value::Array(items) => items.iter().map(to_json).collect(),
    }
}

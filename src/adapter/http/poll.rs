//! From an answer to a datapoint's value, and from a value to a body.

use mainstem_adapter::{AskError, parse_value, to_json_value};
use mainstem_model::{Reason, Scalar, Value};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::answer::{Answer, Failure};
use crate::plan::PointPlan;

/// The part of an answer that a datapoint is: JSON, or the text where it is none.
pub(crate) fn part(point: &PointPlan, answer: &Answer) -> Result<Json, Failure> {
    let read = serde_json::from_slice::<Json>(&answer.body);
    let Some(pointer) = point
        .pointer
        .as_deref()
        .filter(|pointer| !pointer.is_empty())
    else {
        return Ok(read
            .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&answer.body).into_owned())));
    };
    let whole = read.map_err(|error| Failure::Body(format!("the answer is no JSON: {error}")))?;
    let found = whole.pointer(pointer).cloned();
    found.ok_or_else(|| Failure::Body(format!("the answer has no {pointer}")))
}

/// The value of a datapoint.
pub(crate) fn value(point: &PointPlan, answer: &Answer) -> Result<Value, Reason> {
    let json = part(point, answer).map_err(|failure| reason(&failure))?;
    // A number in quotes is a number where one is wanted; many services write them so.
    let json = match &json {
        Json::String(text) if is_number(point) => text.trim().parse().unwrap_or(json),
        _ => json,
    };
    let text = match point.raw.scalar {
        Scalar::Text if !json.is_string() && !point.raw.array => Json::String(json.to_string()),
        _ => json,
    };
    let raw = RawValue::from_string(text.to_string()).map_err(|_| Reason::BadType)?;
    parse_value(&raw, point.raw).map_err(|_| Reason::BadType)
}

fn is_number(point: &PointPlan) -> bool {
    let scalar = point.raw.scalar;
    scalar.integer_range().is_some() || matches!(scalar, Scalar::F32 | Scalar::F64)
}

/// What a failure says about the datapoint.
pub(crate) fn reason(failure: &Failure) -> Reason {
    match failure {
        Failure::Status {
            status: 404 | 410, ..
        } => Reason::BadAddress,
        Failure::Status { .. } => Reason::DeviceError,
        Failure::Body(_) => Reason::BadType,
        Failure::Connect(_) | Failure::Lost(_) => Reason::DeviceDown,
    }
}

/// What a failure says to who asked.
pub(crate) fn ask_error(failure: &Failure) -> AskError {
    match failure {
        Failure::Status { status, text } => AskError::Refused {
            code: i64::from(*status),
            message: format!("the service answered with {status}: {text}"),
        },
        other => AskError::Failed(other.to_string()),
    }
}

/// The body of a write.
pub(crate) fn body(point: &PointPlan, value: &Value) -> Json {
    let value = to_json_value(value);
    match &point.body {
        None => value,
        Some(template) => filled(template, &value),
    }
}

fn filled(template: &Json, value: &Json) -> Json {
    match template {
        Json::String(text) if text == "{value}" => value.clone(),
        Json::String(text) => {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            Json::String(text.replace("{value}", &shown))
        }
        Json::Array(items) => items.iter().map(|item| filled(item, value)).collect(),
        Json::Object(members) => {
            let members = members.iter();
            Json::Object(
                members
                    .map(|(k, v)| (k.clone(), filled(v, value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

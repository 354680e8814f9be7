//! Messages to readings, and values to messages.

use mainstem_adapter::{PointId, Reading, parse_value, to_json_value};
use mainstem_model::limits::VALUE_BYTES_MAX;
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value};
use serde_json::value::to_raw_value;

use crate::config::Format;
use crate::plan::PointPlan;
use crate::protocol::batch::Message;

/// What a message says about a datapoint; none if it is not for it. What cannot be read is a bad
/// reading, never silence.
pub(crate) fn reading(id: PointId, plan: &PointPlan, message: &Message) -> Option<Reading> {
    let wanted = plan.operation.key.as_deref();
    if wanted.is_some_and(|key| message.key.as_deref() != Some(key.as_bytes())) {
        return None;
    }
    let time = message
        .millis
        .checked_mul(1000)
        .filter(|micros| *micros > 0);
    let source_time = time.map(Timestamp::from_micros);
    // A message without a value says of a key that it is gone.
    let Some(payload) = &message.value else {
        return Some(Reading {
            point: id,
            value: None,
            quality: Quality::of(Reason::BadSource),
            source_time,
        });
    };
    Some(match value(plan, payload) {
        Some(value) => Reading {
            point: id,
            value: Some(value),
            quality: Quality::GOOD,
            source_time,
        },
        None => Reading::failed(id, Reason::BadType),
    })
}

fn value(plan: &PointPlan, payload: &[u8]) -> Option<Value> {
    if plan.operation.format == Format::Raw {
        return raw(plan, payload);
    }
    let document: serde_json::Value = serde_json::from_slice(payload).ok()?;
    let said = match &plan.operation.pointer {
        Some(pointer) => document.pointer(pointer)?,
        None => document.get("value").unwrap_or(&document),
    };
    parse_value(&to_raw_value(said).ok()?, plan.raw).ok()
}

fn raw(plan: &PointPlan, payload: &[u8]) -> Option<Value> {
    if payload.len() > VALUE_BYTES_MAX {
        return None;
    }
    if plan.raw == Scalar::Bytes.into() {
        return Some(Value::Bytes(payload.into()));
    }
    let text = std::str::from_utf8(payload).ok()?;
    match plan.raw == Scalar::Text.into() {
        true => Some(Value::text(text)),
        false => parse_value(serde_json::from_str(text.trim()).ok()?, plan.raw).ok(),
    }
}

/// What is sent for a write.
pub(crate) fn written(plan: &PointPlan, value: &Value, now: Timestamp) -> Message {
    let operation = &plan.operation;
    let content = match (operation.format, value) {
        (Format::Raw, Value::Text(text)) => text.as_bytes().to_vec(),
        (Format::Raw, Value::Bytes(bytes)) => bytes.to_vec(),
        (_, value) => to_json_value(value).to_string().into_bytes(),
    };
    let header = |(name, content): (&String, &String)| (name.clone(), content.clone().into_bytes());
    Message {
        offset: 0,
        millis: now.millis(),
        key: operation.key.as_ref().map(|key| key.clone().into_bytes()),
        value: Some(content),
        headers: operation.headers.iter().map(header).collect(),
    }
}

//! From a table to a datapoint's value, and to the answer of a question. Pure.

use mainstem_adapter::parse_value;
use mainstem_model::{Reason, Scalar, Timestamp, Value};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::answer::Table;
use crate::client::Failure;
use crate::config::Outcome;
use crate::plan::PointPlan;

/// The value of a datapoint and its time, where the row has one.
pub(crate) fn value(plan: &PointPlan, table: &Table) -> Result<(Value, Option<Timestamp>), Reason> {
    let json = told(plan, table).ok_or(Reason::BadAddress)?;
    let time = match plan.outcome {
        Outcome::Rows => None,
        Outcome::Row | Outcome::Value => table.rows.first().and_then(time),
    };
    if json.is_null() && plan.raw.scalar != Scalar::Json {
        return Err(Reason::BadSource);
    }
    let json = match (plan.raw.scalar, json) {
        (Scalar::Text, json) if !json.is_string() => Json::String(json.to_string()),
        (_, json) => json,
    };
    let raw = RawValue::from_string(json.to_string()).map_err(|_| Reason::BadType)?;
    let value = parse_value(&raw, plan.raw).map_err(|_| Reason::BadType)?;
    Ok((value, time))
}

/// The answer to a question; nothing where the row has no such column.
pub(crate) fn told(plan: &PointPlan, table: &Table) -> Option<Json> {
    Some(match (plan.outcome, table.rows.first()) {
        (Outcome::Rows, _) => table.rows.iter().cloned().map(Json::Object).collect(),
        (_, None) => Json::Null,
        (Outcome::Row, Some(row)) => Json::Object(row.clone()),
        (Outcome::Value, Some(row)) => match &plan.column {
            Some(column) => row.get(column)?.clone(),
            None => row.get("_value").or_else(|| first(row))?.clone(),
        },
    })
}

fn first(row: &Map<String, Json>) -> Option<&Json> {
    row.iter()
        .find(|(name, _)| *name != "time")
        .map(|(_, value)| value)
}

fn time(row: &Map<String, Json>) -> Option<Timestamp> {
    let said = row.get("_time").or_else(|| row.get("time"))?;
    let time: Timestamp = said.as_str()?.parse().ok()?;
    // An aggregate without a time of its own is said to be of 1970.
    (time.micros() > 0).then_some(time)
}

/// What a failure says about the datapoint.
pub(crate) fn reason(failure: &Failure) -> Reason {
    match failure {
        Failure::Status { status: 404, .. } => Reason::BadAddress,
        Failure::Refused(text) if text.contains("not found") => Reason::BadAddress,
        Failure::Status { .. } | Failure::Refused(_) => Reason::DeviceError,
        Failure::Body(_) => Reason::BadType,
        Failure::Connect(_) | Failure::Lost(_) => Reason::DeviceDown,
    }
}

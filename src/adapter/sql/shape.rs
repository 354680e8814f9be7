//! From the rows of an answer to readings, and to the answer of a question. Pure.

use mainstem_adapter::{PointId, Reading};
use mainstem_model::limits::VALUE_BYTES_MAX;
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value};
use serde_json::{Map, Value as Json};

use crate::cell::Cell;
use crate::config::Outcome;
use crate::driver::{Answer, Failure};
use crate::plan::PointPlan;

/// Why a datapoint gets no value from an answer: its reason, and a code for statistics.
pub(crate) type Unfit = (Reason, &'static str);

/// The reading of an answer without `incremental`.
pub(crate) fn one(plan: &PointPlan, point: PointId, answer: &Answer) -> Result<Reading, Unfit> {
    if plan.outcome == Outcome::Rows {
        if answer.has_more {
            return Err((Reason::BadType, "too_many_rows"));
        }
        return list(plan, point, &answer.columns, &answer.rows);
    }
    match answer.rows.first() {
        Some(row) => single(plan, point, &answer.columns, row),
        // No row is like a row of nothing.
        None => {
            let value = Cell::Null
                .value(plan.raw)
                .map_err(|reason| (reason, "no_row"))?;
            Ok(Reading::good(point, value))
        }
    }
}

/// The readings of new rows, in their order.
pub(crate) fn each(
    plan: &PointPlan,
    point: PointId,
    columns: &[String],
    rows: &[Vec<Cell>],
) -> Vec<Result<Reading, Unfit>> {
    if plan.outcome != Outcome::Rows {
        let rows = rows.iter();
        return rows.map(|row| single(plan, point, columns, row)).collect();
    }
    let mut readings = Vec::new();
    let (mut begun, mut bytes) = (0, 2);
    for (index, row) in rows.iter().enumerate() {
        let own = object(columns, row).to_string().len() + 1;
        // A list that is too long for one value becomes several.
        if bytes + own > VALUE_BYTES_MAX && begun < index {
            readings.push(list(plan, point, columns, &rows[begun..index]));
            (begun, bytes) = (index, 2);
        }
        bytes += own;
    }
    if begun < rows.len() {
        readings.push(list(plan, point, columns, &rows[begun..]));
    }
    readings
}

/// The answer to a question.
pub(crate) fn told(plan: &PointPlan, answer: &Answer) -> Result<Json, String> {
    let columns = &answer.columns;
    Ok(match (plan.outcome, answer.rows.first()) {
        (Outcome::Rows, _) if answer.has_more => {
            return Err("the answer has more rows than allowed (maxRows)".into());
        }
        (Outcome::Rows, _) => answer.rows.iter().map(|row| object(columns, row)).collect(),
        (_, None) => Json::Null,
        (Outcome::Row, Some(row)) => object(columns, row),
        (Outcome::Value, Some(row)) => {
            let cell = column(plan.column.as_deref(), columns, row);
            cell.ok_or("the answer has no such column")?.json()
        }
    })
}

/// What a failure says about the datapoint.
pub(crate) fn reason(failure: &Failure) -> Reason {
    match failure {
        Failure::Refused { code, .. } if is_absent(code) => Reason::BadAddress,
        Failure::Refused { .. } | Failure::Login { .. } => Reason::DeviceError,
        Failure::TooLarge(_) => Reason::BadType,
        Failure::Connect(_) | Failure::Lost(_) | Failure::Silent(_) => Reason::DeviceDown,
    }
}

/// The codes by which the servers say that a table, column, function, schema or database is not
/// there.
fn is_absent(code: &str) -> bool {
    let known = [
        "42P01",
        "42703",
        "42883",
        "3F000",
        "1146",
        "1054",
        "1049",
        "1305",
        "no_such_object",
    ];
    known.contains(&code)
}

fn single(
    plan: &PointPlan,
    point: PointId,
    columns: &[String],
    row: &[Cell],
) -> Result<Reading, Unfit> {
    let value = match plan.outcome {
        Outcome::Value => {
            let cell = column(plan.column.as_deref(), columns, row);
            let cell = cell.ok_or((Reason::BadAddress, "no_column"))?;
            cell.value(plan.raw)
                .map_err(|reason| (reason, "bad_type"))?
        }
        Outcome::Row | Outcome::Rows => document(plan, &object(columns, row)),
    };
    let time = time(plan, columns, row)?;
    Ok(Reading {
        point,
        value: Some(value),
        quality: Quality::GOOD,
        source_time: time,
    })
}

fn list(
    plan: &PointPlan,
    point: PointId,
    columns: &[String],
    rows: &[Vec<Cell>],
) -> Result<Reading, Unfit> {
    let objects = rows.iter().map(|row| object(columns, row)).collect();
    let mut newest = None;
    for row in rows {
        newest = newest.max(time(plan, columns, row)?);
    }
    Ok(Reading {
        point,
        value: Some(document(plan, &objects)),
        quality: Quality::GOOD,
        source_time: newest,
    })
}

fn document(plan: &PointPlan, json: &Json) -> Value {
    let text = json.to_string().into();
    match plan.raw.scalar {
        Scalar::Text => Value::Text(text),
        _ => Value::Json(text),
    }
}

fn object(columns: &[String], row: &[Cell]) -> Json {
    let members = columns.iter().cloned().zip(row.iter().map(Cell::json));
    Json::Object(members.collect::<Map<_, _>>())
}

fn column<'r>(name: Option<&str>, columns: &[String], row: &'r [Cell]) -> Option<&'r Cell> {
    match name {
        None => row.first(),
        Some(name) => row.get(columns.iter().position(|column| column == name)?),
    }
}

fn time(plan: &PointPlan, columns: &[String], row: &[Cell]) -> Result<Option<Timestamp>, Unfit> {
    let Some(name) = plan.time_column.as_deref() else {
        return Ok(None);
    };
    let cell = column(Some(name), columns, row).ok_or((Reason::BadAddress, "no_column"))?;
    match cell {
        Cell::Null => Ok(None),
        cell => cell.moment().map(Some).ok_or((Reason::BadType, "bad_time")),
    }
}

//! Lets the kinds themselves look over what a list says, and finds the places of what they say.

use mainstem_adapter::{AdapterSpec, EndpointSpec, Problem, Scaling};
use mainstem_model::{Access, ValueType};
use serde_json::Value;

use super::list::{Adapter, Mistake, Plan, Row};

pub(super) fn checked(plan: Plan) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for adapter in &plan.adapters {
        let rows: Vec<&Row> = adapter
            .rows
            .iter()
            .filter(|row| row.item.obstacle.is_none())
            .collect();
        let spec = AdapterSpec {
            name: adapter.id.clone(),
            connection: adapter.connection.clone(),
            endpoints: rows.iter().map(|row| endpoint(row)).collect(),
            folder: ".".into(),
            home: ".".into(),
        };
        if let Err(problems) = (adapter.kind.build)(&spec) {
            let found = problems
                .iter()
                .map(|problem| mistake(problem, adapter, &rows));
            mistakes.extend(found);
        }
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    match mistakes.is_empty() {
        true => Ok(plan),
        false => Err(mistakes),
    }
}

fn endpoint(row: &Row) -> EndpointSpec {
    let item = &row.item;
    let number = |section: &str, key: &str| {
        let section = item.more.get(section)?;
        section.get(key).and_then(Value::as_f64)
    };
    let scaling = item.more.contains_key("scaling").then(|| Scaling {
        factor: number("scaling", "factor").unwrap_or(1.0),
        offset: number("scaling", "offset").unwrap_or(0.0),
    });
    EndpointSpec {
        name: format!("line{}", row.line),
        operation: item.operation.clone(),
        interval: row.interval,
        access: match (item.is_write, item.access) {
            (true, _) => Access::Write,
            (false, Some("rw")) => Access::ReadWrite,
            _ => Access::Read,
        },
        value_type: item
            .value_type
            .as_deref()
            .and_then(|word| word.parse::<ValueType>().ok()),
        unit: item.unit.clone(),
        description: item.description.clone(),
        limits: None,
        scaling,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// The cell that a problem is about, as near as it can be told.
fn mistake(problem: &Problem, adapter: &Adapter, rows: &[&Row]) -> Mistake {
    let message = match problem.expected.as_str() {
        "" => problem.message.clone(),
        expected => format!("{}; expected {expected}", problem.message),
    };
    let mut path = problem.pointer.split('/').skip(1);
    let row = match (path.next(), path.next()) {
        (Some("endpoints"), Some(index)) => index.parse::<usize>().ok().and_then(|at| rows.get(at)),
        _ => None,
    };
    match row {
        Some(row) => {
            let last = problem.pointer.rsplit('/').next().unwrap_or_default();
            let is_type = matches!(last, "type" | "dataType" | "value_type" | "length");
            let place = if is_type {
                &row.type_at
            } else {
                &row.address_at
            };
            Mistake::at(row.line, place.column, &place.heading, message)
        }
        None => {
            let line = adapter.rows.first().map_or(1, |row| row.line);
            let message = format!(
                "the connection `{}`: {}: {message}",
                adapter.id, problem.pointer
            );
            Mistake::at(line, 1, "", message)
        }
    }
}

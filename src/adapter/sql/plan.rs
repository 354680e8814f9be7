//! Configuration, checked and ready to be used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{AdapterSpec, EndpointSpec, Problem};
use mainstem_model::{Access, Scalar, ValueType};

use crate::config::{Connection, Driver, Operation, Outcome};
use crate::driver::Bounds;
use crate::incremental::{IncrementalPlan, LAST};
use crate::param::Param;
use crate::statement::Statement;
use crate::target::Target;

/// How often an endpoint is asked, unless it says it.
const INTERVAL: Duration = Duration::from_secs(1);

/// A database and how it is dealt with.
pub(crate) struct ServerPlan {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
    pub(crate) target: Target,
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
    pub(crate) probe: Duration,
    pub(crate) connections: usize,
    pub(crate) bounds: Bounds,
}

/// A datapoint.
pub(crate) struct PointPlan {
    pub(crate) name: String,
    /// What is asked, where something can be read.
    pub(crate) query: Option<Statement>,
    /// What a write fills in, where something can be written.
    pub(crate) write: Option<Statement>,
    pub(crate) fixed: BTreeMap<String, Param>,
    pub(crate) outcome: Outcome,
    pub(crate) column: Option<String>,
    pub(crate) time_column: Option<String>,
    pub(crate) incremental: Option<IncrementalPlan>,
    pub(crate) must_affect: bool,
    pub(crate) interval: Duration,
    pub(crate) raw: ValueType,
    /// Whether it is asked over and over: not where a parameter is only said by who asks.
    pub(crate) is_polled: bool,
}

impl ServerPlan {
    pub(crate) fn new(
        config: &Connection,
        spec: &AdapterSpec,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let target = Target::new(config, problems)?;
        Some(Self {
            name: spec.name.clone(),
            home: spec.home.clone(),
            target,
            connect: Duration::from_millis(config.connect_timeout),
            statement: Duration::from_millis(config.statement_timeout),
            probe: Duration::from_millis(config.probe_interval),
            connections: config.connections as usize,
            bounds: Bounds {
                rows: config.max_rows as usize,
                bytes: config.max_bytes as usize,
            },
        })
    }

    /// Polls at the same time; the rest of the connections is for writes and questions.
    pub(crate) fn polls_max(&self) -> usize {
        self.connections.saturating_sub(1).max(1)
    }
}

impl PointPlan {
    pub(crate) fn new(
        operation: &Operation,
        endpoint: &EndpointSpec,
        (driver, rows_max): (Driver, usize),
        at: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let (query, write) = statements(operation, endpoint.access, driver, at, problems);
        let mut problem = |key: &str, message: &str, expected: &str| {
            problems.push(Problem::new(format!("{at}/{key}"), message, expected));
        };
        if operation.column.is_some() && operation.result != Outcome::Value {
            problem(
                "column",
                "only a single value is of one column",
                "result: value",
            );
        }
        let raw = raw(endpoint);
        let is_document = matches!(raw.scalar, Scalar::Json | Scalar::Text) && !raw.array;
        if query.is_some() && operation.result != Outcome::Value && !is_document {
            let message = "a row is a document";
            problem("result", message, "`value`, or an endpoint of type json");
        }
        let has_last = query
            .as_ref()
            .is_some_and(|query| query.names.iter().any(|name| name == LAST));
        let incremental = match &operation.incremental {
            Some(_) if endpoint.access == Access::Write => {
                problem("incremental", "a write has no rows", "none of it");
                None
            }
            Some(given) => {
                if !has_last && query.is_some() {
                    let expected = "such as … WHERE id > @last ORDER BY id";
                    problem("query", "`@last` is missing in it", expected);
                }
                match IncrementalPlan::new(given, rows_max) {
                    Ok(plan) => Some(plan),
                    Err((key, expected)) => {
                        let key = format!("incremental/{key}");
                        problem(&key, "this is not right", expected);
                        None
                    }
                }
            }
            None => None,
        };
        if operation.parameters.contains_key(LAST) && operation.incremental.is_some() {
            problem("parameters", "`last` is the last row", "another name");
        }
        let fixed = operation.parameters.iter();
        let fixed = fixed.map(|(name, value)| (name.clone(), Param::of_json(value)));
        let fixed: BTreeMap<_, _> = fixed.collect();
        let is_said = |name: &String| {
            fixed.contains_key(name) || (name == LAST && operation.incremental.is_some())
        };
        let is_polled = query
            .as_ref()
            .is_some_and(|query| query.names.iter().all(is_said));
        (problems.len() == before).then(|| Self {
            name: endpoint.name.clone(),
            query,
            write,
            outcome: operation.result,
            column: operation.column.clone(),
            time_column: operation.time_column.clone(),
            incremental,
            must_affect: operation.must_affect,
            interval: operation.interval.map_or(INTERVAL, Duration::from_millis),
            raw,
            is_polled,
            fixed,
        })
    }
}

fn statements(
    operation: &Operation,
    access: Access,
    driver: Driver,
    at: &str,
    problems: &mut Vec<Problem>,
) -> (Option<Statement>, Option<Statement>) {
    let mut made = |key: &str, query: &str| match Statement::new(query, driver) {
        Ok(statement) => Some(statement),
        Err(message) => {
            let at = format!("{at}/{key}");
            problems.push(Problem::new(
                at,
                message,
                "one statement with `@name` in it",
            ));
            None
        }
    };
    let first = made("query", &operation.query);
    let second = operation.write_query.as_ref();
    let second = second.and_then(|query| made("writeQuery", query));
    match (access, &operation.write_query) {
        (Access::ReadWrite, None) => {
            let message = "nothing says what a write does";
            let expected = "a statement with `@value`";
            problems.push(Problem::new(format!("{at}/writeQuery"), message, expected));
            (first, None)
        }
        (Access::Read | Access::Write, Some(_)) => {
            let message = "there is a read or a write, not both";
            problems.push(Problem::new(
                format!("{at}/writeQuery"),
                message,
                "access: rw",
            ));
            (first, None)
        }
        (Access::Write, None) => (None, first),
        (Access::Read, None) => (first, None),
        (Access::ReadWrite, Some(_)) => (first, second),
    }
}

/// What is declared; a number where the node scales; JSON otherwise.
fn raw(endpoint: &EndpointSpec) -> ValueType {
    match (endpoint.scaling, endpoint.value_type) {
        (Some(_), declared) => ValueType {
            scalar: Scalar::F64,
            array: declared.is_some_and(|declared| declared.array),
        },
        (None, Some(declared)) => declared,
        (None, None) => Scalar::Json.into(),
    }
}

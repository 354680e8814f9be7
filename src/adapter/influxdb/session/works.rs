//! What is told of an answer: readings, the outcome of a write, the answer to a question.

use std::time::Instant;

use mainstem_adapter::{AskError, PointId, Reading, SessionEnd, Statistics, WriteAnswer};
use mainstem_model::Quality;
use serde_json::{Map, Value as Json};

use crate::answer::Table;
use crate::client::{Failure, Server};
use crate::plan::PointPlan;
use crate::shape;
use crate::written::Unwritable;

/// Asks a datapoint's query.
pub(super) async fn asked(
    server: &Server,
    point: &PointPlan,
    said: &Map<String, Json>,
    statistics: &Statistics,
) -> Result<Table, Failure> {
    let Some(question) = &point.question else {
        return Err(Failure::Refused("there is nothing to be asked".into()));
    };
    let mut parameters = Map::new();
    for name in &question.names {
        // What is fixed in the node file stays, whoever asks.
        let value = point.fixed.get(name).or_else(|| said.get(name));
        let value = value.ok_or_else(|| Failure::Refused(format!("`@{name}` has no value")))?;
        parameters.insert(name.clone(), value.clone());
    }
    let began = Instant::now();
    let answer = server.ask(question, parameters).await;
    if !matches!(answer, Err(Failure::Connect(_) | Failure::Lost(_))) {
        statistics.answered(began.elapsed());
    }
    answer
}

/// The reading of an answer.
pub(super) fn reading(
    plan: &PointPlan,
    point: PointId,
    answer: &Result<Table, Failure>,
) -> Reading {
    let read = match answer {
        Ok(table) => shape::value(plan, table),
        Err(failure) => Err(shape::reason(failure)),
    };
    match read {
        Ok((value, source_time)) => Reading {
            point,
            value: Some(value),
            quality: Quality::GOOD,
            source_time,
        },
        Err(reason) => Reading::failed(point, reason),
    }
}

/// Carries a question out.
pub(super) async fn told(
    server: &Server,
    point: &PointPlan,
    arguments: &Json,
) -> (Result<Json, AskError>, Option<Failure>) {
    if point.question.is_none() {
        return (Err(AskError::NotAsked), None);
    }
    let nothing = Map::new();
    let said = match arguments.get("parameters") {
        None | Some(Json::Null) => &nothing,
        Some(Json::Object(members)) => members,
        Some(_) => {
            let message = "`parameters` is no object".to_owned();
            return (Err(AskError::Refused { code: 400, message }), None);
        }
    };
    match asked(server, point, said, &Statistics::default()).await {
        Ok(table) => {
            let told = shape::told(point, &table);
            let told = told.ok_or_else(|| AskError::Failed("there is no such column".into()));
            (told, None)
        }
        Err(failure) => {
            let message = failure.to_string();
            let told = match &failure {
                Failure::Status { status, .. } => AskError::Refused {
                    code: i64::from(*status),
                    message,
                },
                Failure::Refused(_) => AskError::Refused { code: 422, message },
                _ => AskError::Failed(message),
            };
            (Err(told), Some(failure))
        }
    }
}

/// The end of a session.
pub(super) fn lost(failure: &Failure) -> SessionEnd {
    match failure {
        Failure::Connect(_) => SessionEnd::lost("no_connection", failure.to_string()),
        _ => SessionEnd::lost("no_answer", failure.to_string()),
    }
}

/// The answer to a write that is no point.
pub(super) fn unwritable(error: &Unwritable) -> WriteAnswer {
    WriteAnswer::Refused {
        code: "not_writable".into(),
        message: error.to_string(),
    }
}

/// The answer to a write.
pub(super) fn outcome(answer: Result<(), Failure>) -> WriteAnswer {
    match answer {
        Ok(()) => WriteAnswer::Applied { verified: false },
        Err(Failure::Status { status, text }) => WriteAnswer::Refused {
            code: status.to_string(),
            message: text,
        },
        Err(failure @ Failure::Connect(_)) => WriteAnswer::NotSent {
            message: failure.to_string(),
        },
        Err(failure) => WriteAnswer::Unknown {
            message: failure.to_string(),
        },
    }
}

//! What is told of an answer: readings, the outcome of a write, the answer to a question.

use std::sync::Arc;

use futures_util::future::FutureExt;
use mainstem_adapter::{AdapterIo, AskError, PointId, Reading, SessionEnd, WriteAnswer};
use mainstem_model::{Quality, Reason};
use serde_json::{Map, Value as Json};

use super::{Done, Session};
use crate::driver::{Answer, Failure};
use crate::param::{self, Said};
use crate::plan::PointPlan;
use crate::pool::Pool;
use crate::shape::{self, Unfit};

impl Session<'_> {
    /// Tells what a poll has brought.
    pub(super) fn tell(&mut self, index: usize, answer: Result<Answer, Failure>, io: &AdapterIo) {
        let point = PointId(u32::try_from(index).unwrap_or(u32::MAX));
        match answer {
            Err(failure) => {
                let reason = shape::reason(&failure);
                self.readings.push(Reading::failed(point, reason));
            }
            Ok(answer) if self.points[index].incremental.is_some() => {
                self.tell_new(index, point, answer, io);
            }
            Ok(answer) => {
                let reading = shape::one(&self.points[index], point, &answer);
                self.push(point, reading, io);
            }
        }
        io.emit(&mut self.readings);
        if self.points[index].incremental.is_some() {
            // Nothing new is a word of the server too.
            io.confirm(&[point]);
        }
    }

    fn push(&mut self, point: PointId, reading: Result<Reading, Unfit>, io: &AdapterIo) {
        self.readings.push(match reading {
            Ok(reading) => reading,
            Err((reason, code)) => {
                io.statistics().failed(code);
                Reading::failed(point, reason)
            }
        });
    }

    fn tell_new(&mut self, index: usize, point: PointId, answer: Answer, io: &AdapterIo) {
        let plan = Arc::clone(&self.points[index]);
        let before = self.positions[index].clone();
        let Some((incremental, before)) = plan.incremental.as_ref().zip(before) else {
            return;
        };
        let Answer {
            columns,
            rows,
            has_more,
            ..
        } = answer;
        let (fresh, next) = match incremental.take(&columns, rows, &before) {
            Ok(taken) => taken,
            Err(disorder) => {
                io.statistics().failed("rows_in_disorder");
                tracing::warn!(point = plan.name, %disorder, "an incremental query is not usable");
                self.readings.push(Reading::failed(point, Reason::BadType));
                return;
            }
        };
        if fresh.is_empty() {
            // The last row stays what it was; before the first one there is nothing to show.
            let quality = match next.has_begun {
                true => Quality::GOOD,
                false => Quality::of(Reason::Waiting),
            };
            self.readings.push(Reading {
                point,
                value: None,
                quality,
                source_time: None,
            });
        }
        for reading in shape::each(&plan, point, &columns, &fresh) {
            self.push(point, reading, io);
        }
        if before != next {
            let (kept, name) = (self.kept.clone(), plan.name.clone());
            // Told first and kept then: after a crash between the two, rows come twice and none
            // is lost. Until it is kept nothing further is read.
            self.busy[index] = true;
            self.positions[index] = Some(next.clone());
            let keep = async move { Done::Kept(index, kept.keep(name, next).await) };
            self.work.push(keep.boxed());
        }
        if has_more {
            self.again.push(index);
        }
    }
}

/// Carries a question out.
pub(super) async fn asked(
    pool: &Pool,
    point: &PointPlan,
    arguments: &Json,
) -> (Result<Json, AskError>, Option<Failure>) {
    let refused = |message: String| (Err(AskError::Refused { code: 400, message }), None);
    let Some(statement) = point.query.as_ref().filter(|_| point.incremental.is_none()) else {
        return (Err(AskError::NotAsked), None);
    };
    let members = match arguments.get("parameters") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(members)) => members.clone(),
        Some(_) => return refused("`parameters` is no object".into()),
    };
    let values = param::fill(statement, &point.fixed, &Said::members(members));
    let values = match values {
        Ok(values) => values,
        Err(name) => return refused(format!("`parameters` has no `{name}`")),
    };
    match pool.run(statement, values, || {}).await {
        Ok(answer) => (shape::told(point, &answer).map_err(AskError::Failed), None),
        Err(failure) => {
            let told = match &failure {
                Failure::Refused { .. } => AskError::Refused {
                    code: 422,
                    message: failure.to_string(),
                },
                other => AskError::Failed(other.to_string()),
            };
            (Err(told), Some(failure))
        }
    }
}

/// The end of a session.
pub(super) fn lost(failure: &Failure) -> SessionEnd {
    let message = failure.to_string();
    match failure {
        Failure::Connect(_) => SessionEnd::lost("no_connection", message),
        Failure::Silent(_) => SessionEnd::lost("no_answer", message),
        Failure::Login { code, message } => SessionEnd::Refused {
            code: "login_refused",
            message: format!("the server does not let this node in: {message} ({code})"),
            retry_after: None,
        },
        _ => SessionEnd::lost("connection_lost", message),
    }
}

/// The answer to a write that says too little.
pub(super) fn missing(name: &str) -> WriteAnswer {
    WriteAnswer::Refused {
        code: "missing_parameter".into(),
        message: format!("the written value has no `{name}`, which the statement needs"),
    }
}

/// The answer to a write.
pub(super) fn outcome(point: &PointPlan, answer: Result<Answer, Failure>) -> WriteAnswer {
    match answer {
        Ok(answer) if point.must_affect && answer.affected == 0 => WriteAnswer::Refused {
            code: "no_row".into(),
            message: "the statement was carried out and changed no row".into(),
        },
        Ok(_) => WriteAnswer::Applied { verified: false },
        Err(Failure::Refused { code, message }) => WriteAnswer::Refused { code, message },
        Err(failure @ (Failure::Connect(_) | Failure::Login { .. })) => WriteAnswer::NotSent {
            message: failure.to_string(),
        },
        Err(failure) => WriteAnswer::Unknown {
            message: failure.to_string(),
        },
    }
}

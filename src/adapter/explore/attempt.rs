//! Reads addresses once, by a session of the kind's own adapter: what is shown is what will be
//! read later.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Access, Clock, Quality, Reason, Timestamp, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::{ExploreError, Target};
use crate::{
    ASKS_WAITING_MAX, AdapterIo, AdapterSpec, Built, EndpointSpec, Kind, Problem, STOP_TIMEOUT,
    SessionEnd, Statistics, StatisticsSnapshot, Trace,
};

/// Addresses that are read in one attempt at most.
pub const ATTEMPT_TARGETS_MAX: usize = 1000;

/// What became of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked for.
    pub target: Target,
    /// The value, if there is one.
    pub value: Option<Value>,
    /// The type that the kind gives it.
    pub value_type: mainstem_model::ValueType,
    /// What the device says about it, or that it said nothing.
    pub quality: Quality,
    /// The device's stamp, if it has one.
    pub source_time: Option<Timestamp>,
    /// When the answer came; `None` if none did.
    pub at: Option<Timestamp>,
}

/// What an attempt has brought.
#[derive(Debug)]
pub struct Attempt {
    /// One for each target, in their order.
    pub answers: Vec<Answer>,
    /// Requests, round trips and errors on the way.
    pub statistics: StatisticsSnapshot,
    /// Why the session ended before all was there, if it did.
    pub end: Option<SessionEnd>,
}

/// Opens one session of a kind, reads targets once and ends the session. Never writes: an adapter
/// writes only what it is told to, and here nobody tells it.
///
/// Waits at most `patience` for the last answer; dropping the future ends the session as well.
pub async fn attempt(
    kind: &Kind,
    mut spec: AdapterSpec,
    targets: Vec<Target>,
    patience: Duration,
    trace: Trace,
    clock: Arc<dyn Clock>,
) -> Result<Attempt, ExploreError> {
    if targets.len() > ATTEMPT_TARGETS_MAX {
        let message = format!("{} addresses are too many at once", targets.len());
        let expected = format!("at most {ATTEMPT_TARGETS_MAX}");
        return Err(ExploreError::Wrong(vec![Problem::new(
            "", message, expected,
        )]));
    }
    spec.endpoints = targets.iter().enumerate().map(endpoint).collect();
    let built = (kind.build)(&spec).map_err(ExploreError::Wrong)?;
    let points = places(&built, targets.len());
    let answers = Arc::new(Answers::new(&built.points, Arc::clone(&clock)));
    let statistics = Arc::new(Statistics::default());
    let types: Vec<_> = built
        .points
        .iter()
        .map(|p| p.definition.value_type)
        .collect();
    let end = session(built, &answers, &statistics, clock, trace, patience).await;
    let mut first = answers.take();
    let nothing = first.iter().all(Option::is_none);
    match end {
        Some(end) if nothing => return Err(end.into()),
        None if nothing => {
            let message = format!("the session came up, but no value came within {patience:?}");
            return Err(ExploreError::Silent(message));
        }
        _ => {}
    }
    let answers = targets.into_iter().zip(points).map(|(target, point)| {
        let place = point.and_then(|point| first.get_mut(point));
        let value_type = point.and_then(|point| types.get(point).copied());
        answer(target, place.and_then(Option::take), value_type)
    });
    Ok(Attempt {
        answers: answers.collect(),
        statistics: statistics.snapshot(),
        end,
    })
}

fn endpoint((index, target): (usize, &Target)) -> EndpointSpec {
    EndpointSpec {
        name: format!("try{index}"),
        operation: target.operation.clone(),
        interval: None,
        access: Access::Read,
        value_type: target.value_type,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// The datapoint of each endpoint; the first, where a kind makes several.
fn places(built: &Built, endpoints: usize) -> Vec<Option<usize>> {
    let of = |endpoint: usize| {
        let mut points = built.points.iter();
        points.position(|point| point.endpoint == Some(endpoint))
    };
    (0..endpoints).map(of).collect()
}

async fn session(
    mut built: Built,
    answers: &Arc<Answers>,
    statistics: &Arc<Statistics>,
    clock: Arc<dyn Clock>,
    trace: Trace,
    patience: Duration,
) -> Option<SessionEnd> {
    // Nothing is ever put into these; they stay open, as they do in a session without writes.
    let (_writes, jobs) = mpsc::channel(1);
    let (_asks, questions) = mpsc::channel(ASKS_WAITING_MAX);
    let stop = CancellationToken::new();
    let output = Arc::clone(answers);
    let mut io = AdapterIo::new(output, jobs, stop.clone(), clock, Arc::clone(statistics))
        .with_asks(questions)
        .with_trace(trace);
    let mut session = built.adapter.session(&mut io);
    tokio::select! {
        ended = &mut session => return ended.err(),
        () = answers.complete.notified() => {}
        () = tokio::time::sleep(patience) => {}
    }
    stop.cancel();
    // What it still says is of no interest; cut off, it is dropped.
    drop(tokio::time::timeout(STOP_TIMEOUT, session).await);
    None
}

fn answer(
    target: Target,
    first: Option<super::answers::First>,
    value_type: Option<mainstem_model::ValueType>,
) -> Answer {
    let value_type = value_type.unwrap_or_else(|| mainstem_model::Scalar::Json.into());
    let Some((reading, at)) = first else {
        return Answer {
            target,
            value: None,
            value_type,
            quality: Quality::of(Reason::Waiting),
            source_time: None,
            at: None,
        };
    };
    Answer {
        target,
        value: reading.value,
        value_type,
        quality: reading.quality,
        source_time: reading.source_time,
        at: Some(at),
    }
}

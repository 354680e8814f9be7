//! What the life of an adapter shares with those who ask and write.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_model::{Clock, Definition, Monotonic, Quality};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::view::RateMark;
use super::{WRITES_WAITING_MAX, WriteRequest};
use crate::ask::AskReply;
use crate::convert::{convert, to_device};
use crate::intake::Intake;
use crate::rule::rules;
use crate::{
    ASKS_WAITING_MAX, AdapterSpec, AdapterState, AskError, AskJob, Built, Cause, Kind, PointId,
    SiteAdapter, Standing, Statistics, Trace, WriteAnswer, WriteJob,
};

pub(crate) struct Desk {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) statistics: Arc<Statistics>,
    pub(super) trace: Trace,
    pub(super) intake: Arc<Intake>,
    pub(super) devices: Box<[String]>,
    pub(super) rates: Mutex<RateMark>,
    definitions: Box<[Definition]>,
    index: HashMap<Box<str>, PointId>,
    // Taken after the intake's lock, never before it.
    state: Mutex<DeskState>,
}

struct DeskState {
    standing: Standing,
    online_since: Option<Monotonic>,
    writes: Option<mpsc::Sender<WriteJob>>,
    asks: Option<mpsc::Sender<AskJob>>,
}

impl Desk {
    pub(super) fn new(
        kind: Kind,
        spec: &AdapterSpec,
        built: &Built,
        site: Arc<dyn SiteAdapter>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let statistics = Arc::new(Statistics::default());
        let intake = Intake::new(
            site,
            Arc::clone(&clock),
            Arc::clone(&statistics),
            rules(spec, built),
            built.devices.len(),
        );
        let names = (0_u32..).zip(&built.points);
        let standing = Standing {
            state: AdapterState::Connecting,
            cause: None,
            since: clock.now(),
            next_try: None,
        };
        Self {
            name: spec.name.as_str().into(),
            kind,
            statistics,
            trace: Trace::new(Arc::clone(&clock)),
            intake: Arc::new(intake),
            devices: built.devices.clone().into(),
            rates: Mutex::new(RateMark::new(clock.monotonic())),
            definitions: built
                .points
                .iter()
                .map(|point| point.definition.clone())
                .collect(),
            index: names
                .map(|(index, p)| (p.name.as_str().into(), PointId(index)))
                .collect(),
            state: Mutex::new(DeskState {
                standing,
                online_since: None,
                writes: None,
                asks: None,
            }),
            clock,
        }
    }

    pub(super) fn point(&self, name: &str) -> Option<PointId> {
        self.index.get(name).copied()
    }

    pub(super) fn points(&self) -> usize {
        self.definitions.len()
    }

    pub(super) fn standing(&self) -> Standing {
        self.state.lock().standing.clone()
    }

    /// A new session is being opened; the cause of the last loss stays readable meanwhile.
    pub(super) fn connecting(
        &self,
        writes: mpsc::Sender<WriteJob>,
        asks: Option<mpsc::Sender<AskJob>>,
    ) {
        let mut state = self.state.lock();
        state.writes = Some(writes);
        state.asks = asks;
        let cause = state.standing.cause.take();
        self.change(&mut state, AdapterState::Connecting, cause, None);
    }

    pub(super) fn online(&self) {
        let mut state = self.state.lock();
        state.online_since = Some(self.clock.monotonic());
        self.change(&mut state, AdapterState::Online, None, None);
        tracing::info!(adapter = %self.name, kind = self.kind.name, "adapter online");
    }

    /// No session any more: the source's quality first, then the word for it.
    pub(super) fn offline(
        &self,
        quality: Quality,
        to: AdapterState,
        cause: Option<Cause>,
        next_try: Option<Monotonic>,
    ) {
        self.intake.close(quality);
        let mut state = self.state.lock();
        state.writes = None;
        state.asks = None;
        state.online_since = None;
        self.change(&mut state, to, cause, next_try);
    }

    pub(super) fn online_since(&self) -> Option<Monotonic> {
        self.state.lock().online_since
    }

    fn change(
        &self,
        state: &mut DeskState,
        to: AdapterState,
        cause: Option<Cause>,
        next_try: Option<Monotonic>,
    ) {
        let now = self.clock.now();
        let monotonic = self.clock.monotonic();
        let label = |due: Monotonic| {
            let ahead = due.since(monotonic).as_micros();
            let micros = i64::try_from(ahead).unwrap_or(i64::MAX);
            mainstem_model::Timestamp::from_micros(now.micros().saturating_add(micros))
        };
        let since = if state.standing.state == to {
            state.standing.since
        } else {
            now
        };
        state.standing = Standing {
            state: to,
            cause,
            since,
            next_try: next_try.map(label),
        };
        self.intake.site.standing(&state.standing);
    }

    /// Checks a write and puts it into the session's queue.
    pub(super) fn submit(
        &self,
        request: WriteRequest,
    ) -> Result<oneshot::Receiver<WriteAnswer>, WriteAnswer> {
        let WriteRequest {
            point,
            value,
            deadline,
        } = request;
        let raw = self.raw_value(point, value)?;
        let state = self.state.lock();
        let sender = match (&state.writes, state.standing.state) {
            (Some(sender), AdapterState::Online) => sender,
            _ => return Err(not_sent(self.why_offline(&state.standing))),
        };
        if self.clock.monotonic() > deadline {
            return Err(not_sent(
                "its deadline passed before it reached the adapter".into(),
            ));
        }
        let (job, answer) = WriteJob::new(point, raw, deadline);
        match sender.try_send(job) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(not_sent(format!(
                "busy: {WRITES_WAITING_MAX} writes wait for {} already; try again",
                self.name
            ))),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(not_sent(format!(
                "the session of {} has just ended; try again",
                self.name
            ))),
        }
    }

    /// Puts a question into the session's queue.
    pub(super) fn ask(
        &self,
        point: PointId,
        arguments: serde_json::Value,
        deadline: Monotonic,
    ) -> Result<AskReply, AskError> {
        let state = self.state.lock();
        if state.standing.state != AdapterState::Online {
            return Err(AskError::Away(self.why_offline(&state.standing)));
        }
        let Some(sender) = &state.asks else {
            return Err(AskError::NotAsked);
        };
        let (job, answer) = AskJob::new(point, arguments, deadline);
        let busy = |_| {
            AskError::Away(format!(
                "busy: {ASKS_WAITING_MAX} questions wait for {} already; try again",
                self.name
            ))
        };
        sender.try_send(job).map_err(busy)?;
        Ok(answer)
    }

    fn raw_value(
        &self,
        point: PointId,
        value: mainstem_model::Value,
    ) -> Result<mainstem_model::Value, WriteAnswer> {
        let index = point.0 as usize;
        let (Some(definition), Some(rule)) =
            (self.definitions.get(index), self.intake.rules.get(index))
        else {
            return Err(refused(
                "unknown_point",
                format!("{} has no such datapoint", self.name),
            ));
        };
        if !definition.access.is_writable() {
            return Err(refused(
                "not_writable",
                "this datapoint can only be read".into(),
            ));
        }
        let value = convert(value, definition.value_type)
            .map_err(|error| refused("bad_type", error.to_string()))?;
        if let Some(limits) = definition.limits.filter(|limits| !limits.allow(&value)) {
            let bound = |limit: Option<f64>| limit.map_or("any".into(), |limit| limit.to_string());
            let (min, max) = (bound(limits.min), bound(limits.max));
            return Err(refused("out_of_limits", format!("expected {min} to {max}")));
        }
        to_device(value, rule.scaling).map_err(|error| refused("bad_type", error.to_string()))
    }

    fn why_offline(&self, standing: &Standing) -> String {
        let state = standing.state.as_str();
        match &standing.cause {
            Some(cause) => format!("{} is {state}: {}", self.name, cause.message),
            None => format!("{} is {state}", self.name),
        }
    }
}

fn not_sent(message: String) -> WriteAnswer {
    WriteAnswer::NotSent { message }
}

fn refused(code: &str, message: String) -> WriteAnswer {
    WriteAnswer::Refused {
        code: code.into(),
        message,
    }
}

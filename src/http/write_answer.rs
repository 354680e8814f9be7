//! Writes and the HTTP status that says what became of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderName, HeaderValue, StatusCode};
use mainstem_model::quantity::parse_duration;
use mainstem_model::{Space, WriteState};
use mainstem_wire::api::form;
use mainstem_wire::api::write::WriteDocument;
use mainstem_write::{BUDGET_DEFAULT, BUDGET_MAX, Entry, Refusal, Request, WriteRecord, reason};
use serde_json::value::RawValue;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// The client's key, so that a repeated request is one write.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Beyond the deadline of a write, its outcome needs the way back.
const WAY_BACK: Duration = Duration::from_secs(2);

/// One write that a client asks for.
pub(crate) struct Asked {
    pub(crate) space: Space,
    pub(crate) name: String,
    pub(crate) value: Box<RawValue>,
    pub(crate) pulse: Option<Duration>,
    pub(crate) key: Option<String>,
    pub(crate) budget: Duration,
    pub(crate) wait: Duration,
}

/// The key from the header or the body, where they do not contradict each other.
pub(crate) fn key(
    header: Option<&HeaderValue>,
    body: Option<String>,
) -> Result<Option<String>, Problem> {
    let wrong = |detail: &str| Problem::new(Code::Member, detail);
    let header = header.map(HeaderValue::to_str).transpose();
    let header = header.ok().filter(|key| key.is_none_or(form::is_key));
    let rule = "`Idempotency-Key` is 1 to 128 printable ASCII characters";
    match (header.ok_or_else(|| wrong(rule))?, body) {
        (Some(header), Some(body)) if header != body => {
            Err(wrong("`Idempotency-Key` and the member `key` differ"))
        }
        (header, body) => Ok(body.or_else(|| header.map(str::to_owned))),
    }
}

/// How long a write may take. Both members keep the limits, though only one of them counts.
pub(crate) fn budget(millis: Option<u64>, text: Option<&str>) -> Result<Duration, Problem> {
    let budget = mainstem_wire::api::write::budget(millis, text);
    let budget = budget.map_err(|error| Problem::new(Code::Member, error.to_string()))?;
    let given = [budget, millis.map(Duration::from_millis)];
    let fits = |budget: &Duration| !budget.is_zero() && *budget <= BUDGET_MAX;
    if !given.iter().flatten().all(fits) {
        let seconds = BUDGET_MAX.as_secs();
        let detail = format!("the deadline of a write is more than 0 and at most {seconds} s");
        return Err(Problem::new(Code::Member, detail));
    }
    Ok(budget.unwrap_or(BUDGET_DEFAULT))
}

/// How long a value is to stand, where the request says it.
pub(crate) fn pulse(text: Option<&str>) -> Result<Option<Duration>, Problem> {
    let pulse = text.map(parse_duration).transpose();
    pulse.map_err(|error| Problem::new(Code::Value, format!("pulse: {error}")))
}

/// How long an answer waits for the outcome: as asked, or a little longer than the deadline.
pub(crate) fn patience(api: &Api, asked: Option<Duration>, budget: Duration) -> Duration {
    let wait = asked.unwrap_or_else(|| budget.saturating_add(WAY_BACK));
    wait.min(api.limits.wait_max)
}

/// Has a write carried out, and waits for its outcome as long as was asked.
pub(crate) async fn carry(
    api: &Api,
    caller: &Caller,
    asked: Asked,
) -> Result<Arc<WriteRecord>, Problem> {
    let address = caller.arrival.peer.text();
    let principal = (*caller.principal).clone();
    let request = Request {
        space: asked.space,
        name: asked.name,
        value: asked.value,
        pulse: asked.pulse,
        key: asked.key,
        budget: asked.budget,
        entry: Entry::Client { principal, address },
    };
    let record = api.writes.submit(request).await;
    let record = record.map_err(|refusal| refused(&refusal))?;
    if record.is_final() {
        return Ok(record);
    }
    let ended = api
        .writes
        .wait(record.id, &caller.principal, asked.wait)
        .await;
    Ok(ended.unwrap_or(record))
}

/// The answer to a request that did not become a write.
pub(crate) fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::NoSuchPoint(_) | Refusal::NoSuchVariable(_) => Code::UnknownName,
        Refusal::KeyReused { .. } | Refusal::IdReused(_) => Code::IdempotencyKey,
        Refusal::Malformed(_) => Code::Member,
        Refusal::Stopping => Code::Stopping,
    };
    Problem::new(code, refusal.to_string())
}

/// The answer to a write: 200 if it was applied, 202 while it is open, otherwise the problem.
pub(crate) fn response(record: &WriteRecord) -> Result<Response, Problem> {
    let document = WriteDocument::from(record);
    if record.state() == WriteState::Applied {
        return Ok(Json(document).into_response());
    }
    match failure(record) {
        None => {
            let place = format!("/api/v1/writes/{}", record.id);
            Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(document)).into_response())
        }
        Some(problem) => {
            let outcome = serde_json::to_value(document);
            let outcome = outcome.map_err(|error| Problem::internal(&error))?;
            Err(problem.with("outcome", outcome))
        }
    }
}

/// Why a write was not applied; `None` while it is open, or if it was.
pub(crate) fn failure(record: &WriteRecord) -> Option<Problem> {
    let outcome = &record.outcome;
    let code = match outcome.state {
        WriteState::Accepted | WriteState::Forwarded | WriteState::Applied => return None,
        WriteState::Expired | WriteState::Unknown => Code::NotDone,
        WriteState::Rejected => match outcome.reason.as_deref() {
            Some(reason::POLICY | reason::READ_ONLY) => Code::Policy,
            Some(reason::TYPE | reason::LIMITS) => Code::Value,
            Some(reason::BUSY) => Code::Busy,
            Some(reason::NO_OWNER) => Code::NoOwner,
            Some(reason::JOURNAL) => Code::Storage,
            _ => Code::DeviceRefused,
        },
    };
    let said = outcome.message.clone();
    let detail = said.unwrap_or_else(|| format!("the write is {}", outcome.state.as_str()));
    Some(Problem::new(code, detail))
}

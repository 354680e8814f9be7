//! `/api/v1/events`: what happened here and waits for an answer, held until it comes.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mainstem_model::quantity::parse_duration;
use mainstem_model::{EventId, GlobSet, Name};
use mainstem_store::{Answering, EVENT_DEADLINE_MAX, Event, EventError};
use mainstem_wire::EVENT_HOPS_MAX;
use mainstem_wire::api::event::{
    EventAnswerDocument, EventDocument, EventReplyDocument, EventRequestDocument,
    EventTakenDocument,
};
use mainstem_wire::api::{Page, ProblemDocument};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// Bytes of a request: what an event carries, and what stands around it.
const BODY_BYTES_MAX: usize = 96 * 1024;
/// How long an answer is waited for, unless the request says it.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(5);

/// `POST /api/v1/events`: raises an event and holds the request until somebody answered it.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    tag = "events",
    request_body = EventRequestDocument,
    responses((status = 200, description = "The answer", body = EventAnswerDocument),
        (status = 422, description = "A kind, a deadline or data out of range", body = ProblemDocument),
        (status = 503, description = "Too many events wait, or the node stops", body = ProblemDocument),
        (status = 504, description = "Nobody answered in time", body = ProblemDocument))
)]
pub(crate) async fn raise(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<EventRequestDocument, BODY_BYTES_MAX>,
) -> Result<Json<EventAnswerDocument>, Problem> {
    let kind = Name::new(&asked.kind)
        .map_err(|error| Problem::new(Code::Member, format!("kind: {error}")))?;
    need(
        &caller,
        &caller.principal.rights.events.raise,
        &kind,
        "raise",
    )?;
    let deadline = deadline(asked.deadline.as_deref())?;
    let id = EventId(uuid::Uuid::new_v4());
    let who = format!("{}@{}", caller.principal.name, api.store.setup().name);
    let answer = api.store.raise_event(Event {
        id,
        kind,
        data: asked.data,
        deadline: api.clock().monotonic().after(deadline),
        from: vec![who],
    });
    let answer = answer.map_err(refused)?;
    // A client that goes away frees its place.
    let _open = Open { api: &api, id };
    api.counters.events.inc();
    let told = tokio::select! {
        told = tokio::time::timeout(deadline, answer) => told,
        () = api.stopping.cancelled() => {
            return Err(Problem::new(Code::Stopping, "the node stops before an answer came"));
        }
    };
    let Ok(Ok(reply)) = told else {
        api.counters.events_expired.inc();
        let detail = format!("nobody answered {} within {deadline:?}", asked.kind);
        return Err(Problem::new(Code::NoAnswer, detail));
    };
    Ok(Json(EventAnswerDocument { id, reply }))
}

/// `POST /api/v1/events/{id}/reply`: answers an event. The first answer counts.
#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/reply",
    tag = "events",
    params(("id" = String, Path, description = "The id of the event")),
    request_body = EventReplyDocument,
    responses((status = 200, description = "Who asked has the answer", body = EventTakenDocument),
        (status = 404, description = "No such event here", body = ProblemDocument),
        (status = 409, description = "It is over: answered, too late, or nobody waits", body = ProblemDocument),
        (status = 422, description = "Neither `data` nor `error`, or too large", body = ProblemDocument),
        (status = 503, description = "The link that it came over is down", body = ProblemDocument))
)]
pub(crate) async fn reply(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
    Document(mut reply): Document<EventReplyDocument, BODY_BYTES_MAX>,
) -> Result<Json<EventTakenDocument>, Problem> {
    let unknown = || refused(EventError::Unknown);
    let id = id.parse().map(EventId).map_err(|_| unknown())?;
    let kind = api.store.event_kind(id).map_err(refused)?;
    let allowed = &caller.principal.rights.events.answer;
    need(&caller, allowed, &kind, "answer")?;
    check(&reply)?;
    if !caller.principal.rights.link || reply.by.is_empty() {
        // Only a neighbour passes on what somebody else says.
        reply.by = Vec::new();
    }
    let here = &api.store.setup().name;
    reply.by.push(format!("{}@{here}", caller.principal.name));
    reply.by.truncate(EVENT_HOPS_MAX);
    let outcome = passed_on(&api, id, reply).await;
    let told = outcome.map_or_else(|error| error.to_string(), |()| "taken".to_owned());
    api.note(&caller, "event.answer", kind.as_str(), &told);
    outcome.map_err(|error| {
        api.counters.events_refused.inc();
        refused(error)
    })?;
    Ok(Json(EventTakenDocument { id }))
}

/// `GET /api/v1/events`: what waits for an answer, as far as one may see it.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    responses((status = 200, description = "The nearest deadline first", body = Page<EventDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Json<Page<EventDocument>> {
    let now = api.clock().monotonic();
    let see = &caller.principal.rights.events.see;
    let open = api.store.open_events();
    let shown = open.iter().filter(|event| see.allows(event.kind.as_str()));
    let items = shown.map(|event| {
        let frame = event.frame(now);
        EventDocument {
            id: frame.id,
            kind: frame.kind,
            data: frame.data,
            remaining_ms: frame.remaining_ms,
            from: frame.from,
        }
    });
    Json(Page {
        items: items.collect(),
        next: None,
    })
}

/// Frees the place of a request that is held, however it ends.
struct Open<'a> {
    api: &'a Api,
    id: EventId,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.api.store.close_event(self.id);
    }
}

async fn passed_on(api: &Api, id: EventId, reply: EventReplyDocument) -> Result<(), EventError> {
    match api.store.answer_event(id, reply)? {
        Answering::Taken => Ok(()),
        Answering::Passing(told) => {
            let outcome = told.await.unwrap_or(Err(EventError::LinkDown));
            api.store.event_passed(id, outcome.is_ok());
            outcome
        }
    }
}

fn need(caller: &Caller, kinds: &GlobSet, kind: &Name, right: &str) -> Result<(), Problem> {
    if kinds.allows(kind.as_str()) {
        return Ok(());
    }
    let role = &caller.principal.role;
    let detail = format!("the role {role} has no pattern in `events.{right}` that allows {kind}");
    Err(Problem::new(Code::Forbidden, detail))
}

fn deadline(text: Option<&str>) -> Result<Duration, Problem> {
    let deadline = text.map(parse_duration).transpose();
    let deadline = deadline.map_err(|error| Problem::new(Code::Member, error.to_string()))?;
    let deadline = deadline.unwrap_or(DEADLINE_DEFAULT);
    if deadline.is_zero() || deadline > EVENT_DEADLINE_MAX {
        let seconds = EVENT_DEADLINE_MAX.as_secs();
        let detail = format!("the deadline of an event is more than 0 and at most {seconds} s");
        return Err(Problem::new(Code::Member, detail));
    }
    Ok(deadline)
}

fn check(reply: &EventReplyDocument) -> Result<(), Problem> {
    let wrong = |detail: &str| Err(Problem::new(Code::Member, detail));
    match (&reply.data, &reply.error) {
        (Some(_), Some(_)) => wrong("an answer is `data` or `error`, not both"),
        (None, None) => wrong("an answer has `data` or `error`"),
        (None, Some(fault)) if fault.code.len() > 128 || fault.message.len() > 1024 => {
            wrong("the code of an error has at most 128 bytes, its message 1024")
        }
        _ if reply.by.len() > EVENT_HOPS_MAX => wrong("too many members of `by`"),
        _ if reply.by.iter().any(|hop| hop.len() > 256) => wrong("a member of `by` is too long"),
        _ => Ok(()),
    }
}

fn refused(error: EventError) -> Problem {
    let code = match error {
        EventError::Full => Code::Busy,
        EventError::TooLarge => Code::Member,
        EventError::Unknown => Code::UnknownName,
        EventError::Over => Code::Conflict,
        EventError::LinkDown => Code::NoOwner,
        EventError::Refused => Code::Policy,
    };
    Problem::new(code, error.to_string())
}

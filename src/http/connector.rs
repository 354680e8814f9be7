//! `/api/v1/adapters/{name}/connector`: a program on another machine as an adapter of this node. It
//! opens a session with its first line and reads its orders from the answer; what it says
//! afterwards it posts to the session. `docs/CONNECTORS.md` is the contract.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use mainstem_adapter::{AdapterState, Door, Speaker, Visitor};
use mainstem_wire::LINE_BYTES_MAX;
use mainstem_wire::api::ConnectorSession;

use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment, Segments};
use crate::switch::unknown;
use crate::{Api, body, documents};

const LINES: &str = "application/x-ndjson";
/// Seconds after which a program that found another one may come again.
const RETRY_AFTER: u64 = 5;

/// `POST /api/v1/adapters/{name}/connector`.
#[utoipa::path(
    post,
    path = "/api/v1/adapters/{name}/connector",
    tag = "adapters",
    params(("name" = String, Path, description = "The name of a connector with `remote: true`")),
    request_body(content = String, content_type = "application/x-ndjson",
        description = "The program's first line: `{\"hello\":{\"protocol\":1}}`"),
    responses((status = 200, description = "First the session, then orders, a line each, until \
        the session is over", content_type = "application/x-ndjson", body = ConnectorSession))
)]
pub(crate) async fn open(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let door = door(&api, &caller, &name)?;
    let is_paused = |state| matches!(state, AdapterState::Paused | AdapterState::Stopped);
    let view = api.parts.adapter(&name);
    if view.is_some_and(|view| is_paused(view.state)) {
        let detail = format!("the adapter {name} is paused: it takes no program");
        return Err(Problem::new(Code::Conflict, detail).retry_after(RETRY_AFTER));
    }
    body::need_media_type(request.headers(), LINES)?;
    let hello = body::read(request, LINE_BYTES_MAX).await?;
    let hello = hello.trim_ascii();
    if hello.is_empty() || memchr::memchr(b'\n', hello).is_some() {
        let detail = "the body is one line, the program's hello";
        return Err(Problem::new(Code::Json, detail));
    }
    let visitor = door.enter(Bytes::copy_from_slice(hello)).map_err(|taken| {
        Problem::new(Code::Conflict, format!("{name}: {taken}")).retry_after(RETRY_AFTER)
    })?;
    api.note(&caller, "connector.open", &name, "done");
    let mut first = Vec::new();
    let session = visitor.key.clone();
    documents::write(&ConnectorSession { session }, &mut first);
    first.push(b'\n');
    let orders = Orders {
        grant: Grant::new(&api, &caller),
        api,
        first: Some(first.into()),
        visitor,
    };
    let lines = unfold(orders, |mut orders| async move {
        let line = orders.next().await?;
        Some((Ok::<_, Infallible>(line), orders))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// What the program is told. The session asks for a sign of life often enough, so that the stream
/// needs none of its own.
struct Orders {
    api: Arc<Api>,
    grant: Grant,
    first: Option<Bytes>,
    visitor: Visitor,
}

impl Orders {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while self.grant.holds() {
            tokio::select! {
                told = self.visitor.told() => return told,
                () = self.api.stopping.cancelled() => return None,
                () = tokio::time::sleep_until(self.grant.due()) => {}
            }
        }
        None
    }
}

/// `POST /api/v1/adapters/{name}/connector/{session}`.
#[utoipa::path(
    post,
    path = "/api/v1/adapters/{name}/connector/{session}",
    tag = "adapters",
    params(
        ("name" = String, Path, description = "The name of the connector"),
        ("session" = String, Path, description = "The session, as the first line of its orders \
            said")
    ),
    request_body(content = String, content_type = "application/x-ndjson",
        description = "Lines: `{\"answer\":7,\"samples\":[[0,12.5]]}`; as many as one likes, \
            also without end"),
    responses((status = 204, description = "The session has taken all of them"))
)]
pub(crate) async fn say(
    State(api): State<Arc<Api>>,
    Segments([name, session]): Segments<2>,
    _: Params<Nothing>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, Problem> {
    let door = door(&api, &caller, &name)?;
    body::need_media_type(request.headers(), LINES)?;
    let speaker = door.speaker(&session).ok_or_else(|| over(&name))?;
    let mut speech = Speech {
        body: request.into_body().into_data_stream(),
        carry: BytesMut::new(),
        scanned: 0,
    };
    let mut grant = Grant::new(&api, &caller);
    loop {
        if !grant.holds() {
            return Err(Problem::new(
                Code::Unauthorized,
                "the token ended meanwhile",
            ));
        }
        let line = tokio::select! {
            line = speech.line() => line?,
            () = speaker.over() => return Err(over(&name)),
            () = api.stopping.cancelled() => return Err(over(&name)),
            () = tokio::time::sleep_until(grant.due()) => continue,
        };
        match line {
            Some(line) => pass_on(&speaker, line, &name).await?,
            None => return Ok(StatusCode::NO_CONTENT),
        }
    }
}

async fn pass_on(speaker: &Speaker, line: Bytes, name: &str) -> Result<(), Problem> {
    let line = line.trim_ascii();
    let is_taken = line.is_empty() || speaker.say(Bytes::copy_from_slice(line)).await;
    is_taken.then_some(()).ok_or_else(|| over(name))
}

/// Lines of a body that may have no end.
struct Speech {
    body: BodyDataStream,
    carry: BytesMut,
    /// How much of it has no end of line in it.
    scanned: usize,
}

impl Speech {
    /// The next line; nothing at the end. Cancel safe.
    async fn line(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.carry[self.scanned..]) {
                let line = self.carry.split_to(self.scanned + end + 1).freeze();
                self.scanned = 0;
                return Ok(Some(line));
            }
            self.scanned = self.carry.len();
            if self.scanned > LINE_BYTES_MAX {
                let detail = format!("a line has at most {LINE_BYTES_MAX} bytes");
                return Err(Problem::new(Code::TooLarge, detail));
            }
            match self.body.next().await {
                Some(Ok(part)) => self.carry.extend_from_slice(&part),
                // What was begun when the connection broke is no line.
                Some(Err(_)) => return Err(Problem::new(Code::Json, "the body broke off")),
                None if self.carry.is_empty() => return Ok(None),
                None => {
                    self.scanned = 0;
                    return Ok(Some(self.carry.split().freeze()));
                }
            }
        }
    }
}

/// Where programs come in at a connector, for who may be its program.
fn door(api: &Api, caller: &Caller, name: &str) -> Result<Arc<Door>, Problem> {
    let who = &caller.principal;
    let is_its_own = who
        .provide
        .as_ref()
        .is_some_and(|prefix| prefix.as_str() == name);
    if !is_its_own && !who.may_provide(name).allowed {
        let rule = who.may_provide(name).rule;
        let detail = format!("{rule}; a token for this needs `provide: {name}`");
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let there = api
        .parts
        .adapter(name)
        .ok_or_else(|| unknown("adapter", name))?;
    api.parts.adapter_door(name).ok_or_else(|| {
        let kind = there.kind;
        let detail =
            format!("{name} ({kind}) takes no program: it is no connector with `remote: true`");
        Problem::new(Code::Conflict, detail)
    })
}

fn over(name: &str) -> Problem {
    let detail =
        format!("{name}: this session has ended or there is none; its stream has ended too");
    Problem::new(Code::SessionOver, detail)
}

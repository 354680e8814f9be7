//! `POST /api/v1/samples`: an API client as the source of what lies below its prefix. The body may
//! be one document or lines without end; the answer acknowledges part after part, and a client
//! that reads it is held back by it.

mod intake;
mod providers;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstem_wire::api::{SamplesAck, form};
use serde::Deserialize;

use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::Params;
use crate::{Api, body, documents};
use intake::Intake;
use providers::Attendance;
pub(crate) use providers::Providers;

const LINES: &str = "application/x-ndjson";
const DOCUMENT: &str = "application/json";
/// Without a byte for so long, what a client provided is not good any more.
const STALE_AFTER_DEFAULT: Duration = Duration::from_secs(30);
const STALE_AFTER_MIN: Duration = Duration::from_secs(1);
const STALE_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// The parameters of `POST /api/v1/samples`.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplesQuery {
    /// Without a byte for so long, the values are uncertain (`stale`), also while the request is
    /// open; an empty line is enough to vouch for them. `30s` unless given.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "5s")]
    stale_after: Option<Duration>,
}

#[utoipa::path(
    post,
    path = "/api/v1/samples",
    tag = "samples",
    params(SamplesQuery),
    request_body(content = String, content_type = "application/x-ndjson", description = "Frames: \
        `{\"define\":[{\"id\":1,\"name\":\"mes.x\",\"type\":\"f64\"}]}`, \
        `{\"t\":1795000000000000,\"r\":[[1,0,20.5]]}`, \
        `{\"samples\":[{\"name\":\"mes.x\",\"value\":20.5}]}`; also one such document as \
        `application/json`"),
    responses((status = 200, description = "A line for each part that was taken over",
        content_type = "application/x-ndjson", body = SamplesAck))
)]
pub(crate) async fn provide(
    State(api): State<Arc<Api>>,
    Params(asked): Params<SamplesQuery>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let Some(prefix) = caller.principal.provide.clone() else {
        let detail = format!("{} provides no prefix", caller.principal.name);
        return Err(Problem::new(Code::Forbidden, detail));
    };
    if api.parts.adapter(prefix.as_str()).is_some() {
        let detail = format!(
            "{prefix} is an adapter of this node: its program comes to \
             `POST /api/v1/adapters/{prefix}/connector`"
        );
        return Err(Problem::new(Code::Conflict, detail));
    }
    let stale_after = asked.stale_after.unwrap_or(STALE_AFTER_DEFAULT);
    if !(STALE_AFTER_MIN..=STALE_AFTER_MAX).contains(&stale_after) {
        return Err(Problem::new(Code::Query, "stale_after is 1s to 24h"));
    }
    let whole = body::need_media_type(request.headers(), DOCUMENT).is_ok();
    if !whole {
        body::need_media_type(request.headers(), LINES)?;
    }
    let attendance = api.providers.attend(&api.store, &prefix, stale_after);
    let intake = Intake::new(&api.store, &caller.principal, attendance.source(), whole);
    let stream = Box::new(Provision {
        body: request.into_body().into_data_stream(),
        intake,
        grant: Grant::new(&api, &caller),
        attendance,
        api,
        ended: false,
    });
    let acks = unfold(stream, |mut stream| async move {
        let ack = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(ack), stream))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(acks)).into_response())
}

/// One request of a provider. The body is read as fast as the acknowledgements are taken.
struct Provision {
    api: Arc<Api>,
    body: BodyDataStream,
    intake: Intake,
    attendance: Attendance,
    grant: Grant,
    ended: bool,
}

impl Provision {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.ended && self.grant.holds() {
            let part = tokio::select! {
                part = self.body.next() => part,
                () = self.api.stopping.cancelled() => None,
                () = tokio::time::sleep_until(self.grant.due()) => continue,
            };
            let ack = match part {
                Some(Ok(bytes)) => self.intake.take(&bytes),
                // The connection broke: what was begun is no line.
                Some(Err(_)) => return None,
                None => {
                    self.ended = true;
                    self.intake.end()
                }
            };
            self.attendance.note();
            self.ended |= self.intake.is_over();
            if ack.lines > 0 || ack.error.is_some() {
                return Some(self.answer(&ack));
            }
        }
        None
    }

    fn answer(&self, ack: &SamplesAck) -> Bytes {
        self.api.counters.samples.inc_by(ack.applied);
        self.api.counters.samples_refused.inc_by(ack.refused);
        let mut line = Vec::with_capacity(64);
        documents::write(ack, &mut line);
        line.push(b'\n');
        line.into()
    }
}

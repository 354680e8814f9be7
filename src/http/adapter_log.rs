//! `/api/v1/adapters/{name}/log`: the last lines that an adapter said.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstem_adapter::{LogLine, LogLines};
use mainstem_wire::api::{AdapterLogDocument, LogLineDocument};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::{Params, Segment};
use crate::switch::unknown;
use crate::{Api, documents};

/// A sign of life on an idle stream, for proxies.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Seconds after which a reader that found no place may come again.
const RETRY_AFTER: u64 = 5;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// Lines beyond this number only: the `last` of an earlier answer.
    #[serde(default)]
    beyond: u64,
}

impl LogQuery {
    /// The number, within what other programs can hold.
    fn number(&self) -> Result<u64, Problem> {
        if i64::try_from(self.beyond).is_err() {
            let detail = format!("beyond is 0 to {}", i64::MAX);
            return Err(Problem::new(Code::Query, detail));
        }
        Ok(self.beyond)
    }
}

/// `GET /api/v1/adapters/{name}/log`: whatever a program says may stand there, so that it is for
/// administrators.
#[utoipa::path(
    get,
    path = "/api/v1/adapters/{name}/log",
    tag = "adapters",
    params(("name" = String, Path, description = "The name"), LogQuery),
    responses((status = 200, description = "The lines that are kept", body = AdapterLogDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<LogQuery>,
    caller: Caller,
) -> Result<Json<AdapterLogDocument>, Problem> {
    let beyond = asked.number()?;
    let page = lines(&api, &caller, &name)?.beyond(beyond);
    Ok(Json(AdapterLogDocument {
        items: page.lines.into_iter().map(document).collect(),
        dropped: page.dropped,
        last: page.last,
    }))
}

/// `GET /api/v1/adapters/{name}/log/follow`.
#[utoipa::path(
    get,
    path = "/api/v1/adapters/{name}/log/follow",
    tag = "adapters",
    params(("name" = String, Path, description = "The name"), LogQuery),
    responses((
        status = 200,
        description = "Server-sent events `line`, and `gap` with the count of those dropped",
        content((String = "text/event-stream"))
    ))
)]
pub(crate) async fn follow(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<LogQuery>,
    caller: Caller,
) -> Result<Response, Problem> {
    let seen = asked.number()?;
    let lines = lines(&api, &caller, &name)?;
    let Ok(seat) = Arc::clone(&api.readers).try_acquire_owned() else {
        api.counters.readers_refused.inc();
        let detail = format!("{} readers are served already", api.limits.readers);
        return Err(Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER));
    };
    let feed = Feed {
        grant: Grant::new(&api, &caller),
        api,
        lines,
        seen,
        _seat: seat,
    };
    let parts = unfold(feed, |mut feed| async move {
        let part = feed.next().await?;
        Some((Ok::<_, Infallible>(part), feed))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// One reader of lines as they come.
struct Feed {
    api: Arc<Api>,
    lines: Arc<LogLines>,
    seen: u64,
    grant: Grant,
    _seat: OwnedSemaphorePermit,
}

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        while self.grant.holds() {
            let page = self.lines.beyond(self.seen);
            // An adapter that was started anew counts from 1 again; this stream is of the old one.
            if page.last > self.seen {
                self.seen = page.last;
                return Some(events(page.dropped, page.lines));
            }
            tokio::select! {
                () = self.api.stopping.cancelled() => return None,
                () = self.lines.more(self.seen) => {}
                () = tokio::time::sleep_until(self.grant.due()) => {}
                () = tokio::time::sleep(ALIVE_INTERVAL) => return Some(":\n\n".into()),
            }
        }
        None
    }
}

fn events(dropped: u64, lines: Vec<LogLine>) -> Bytes {
    let mut out = Vec::new();
    if dropped > 0 {
        event("gap", &serde_json::json!({ "count": dropped }), &mut out);
    }
    for line in lines {
        event("line", &document(line), &mut out);
    }
    out.into()
}

fn event<T: serde::Serialize>(kind: &str, data: &T, out: &mut Vec<u8>) {
    for part in ["event: ", kind, "\ndata: "] {
        out.extend_from_slice(part.as_bytes());
    }
    documents::write(data, out);
    out.extend_from_slice(b"\n\n");
}

fn document(line: LogLine) -> LogLineDocument {
    LogLineDocument {
        number: line.number,
        time: line.time,
        source: line.source.as_str().to_owned(),
        text: line.text,
    }
}

fn lines(api: &Api, caller: &Caller, name: &str) -> Result<Arc<LogLines>, Problem> {
    caller.need_admin()?;
    api.parts
        .adapter_log(name)
        .ok_or_else(|| unknown("adapter", name))
}

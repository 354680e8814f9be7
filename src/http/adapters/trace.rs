//! `GET /api/v1/adapters/{name}/trace`: the frames of an adapter as they pass, as lines of JSON.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstem_adapter::{Direction, TraceFrame, TraceReader};
use mainstem_wire::api::{ProblemDocument, TraceFrameDocument};
use serde::Deserialize;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::grant::Grant;
use crate::parts::PartError;
use crate::problem::{Code, Problem};
use crate::query::{Params, Segment};
use crate::switch::unknown;
use crate::{Api, documents};

/// The longest time for which frames are shown.
const SECONDS_MAX: u64 = 600;
/// How long they are shown unless somebody says it.
const SECONDS: u64 = 60;
/// Frames written as one part.
const PIECE: usize = 64;
/// A sign of life on an idle stream, an empty line.
const ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Seconds after which a reader that found no place may come again.
const RETRY_AFTER: u64 = 10;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceQuery {
    /// For how many seconds, 1 to 600; 60 unless given.
    #[serde(default)]
    seconds: Option<u64>,
}

/// `GET /api/v1/adapters/{name}/trace`: for who administers the node, and noted in the audit
/// chain. While nobody looks it costs the adapter nothing; who looks too slowly is told how many
/// frames were left out.
#[utoipa::path(
    get,
    path = "/api/v1/adapters/{name}/trace",
    tag = "adapters",
    params(("name" = String, Path, description = "The name"), TraceQuery),
    responses(
        (status = 200, description = "Frames, one a line; an empty line is a sign of life",
            content((TraceFrameDocument = "application/x-ndjson"))),
        (status = 503, description = "Others trace this adapter already", body = ProblemDocument),
    )
)]
pub(crate) async fn trace(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<TraceQuery>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.need_admin()?;
    let seconds = asked.seconds.unwrap_or(SECONDS);
    if !(1..=SECONDS_MAX).contains(&seconds) {
        let detail = format!("seconds: 1 to {SECONDS_MAX}");
        return Err(Problem::new(Code::Query, detail));
    }
    let opened = api.parts.trace_adapter(&name);
    let outcome = if opened.is_ok() { "done" } else { "refused" };
    let detail = format!("for {seconds} s");
    api.note_with(&caller, "adapter.trace", &name, outcome, detail);
    let reader = match opened {
        Ok(reader) => reader,
        Err(PartError::Unknown) => return Err(unknown("adapter", &name)),
        Err(error @ PartError::Busy(_)) => {
            return Err(Problem::new(Code::Busy, error.to_string()).retry_after(RETRY_AFTER));
        }
    };
    let feed = Feed {
        grant: Grant::new(&api, &caller),
        end: Instant::now() + Duration::from_secs(seconds),
        api,
        reader,
        // Sent at once, so that whoever asked knows that it has begun.
        out: b"\n".to_vec(),
        has_ended: false,
    };
    let parts = unfold(feed, |mut feed| async move {
        let part = feed.next().await?;
        Some((Ok::<_, Infallible>(part), feed))
    });
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

struct Feed {
    api: Arc<Api>,
    reader: TraceReader,
    grant: Grant,
    end: Instant,
    out: Vec<u8>,
    has_ended: bool,
}

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        while self.out.is_empty() {
            if self.has_ended || !self.grant.holds() {
                return None;
            }
            let stopping = self.api.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep_until(self.end) => self.conclude("the time is over"),
                frame = self.reader.next() => match frame {
                    Some(frame) => self.tell(&frame),
                    None => self.conclude("the adapter was taken out"),
                },
                () = tokio::time::sleep_until(self.grant.due()) => {}
                () = tokio::time::sleep(ALIVE_INTERVAL) => self.out.push(b'\n'),
            }
        }
        for _ in 1..PIECE {
            // What is there already goes along.
            let Some(frame) = self.reader.try_next() else {
                break;
            };
            self.tell(&frame);
        }
        Some(Bytes::from(std::mem::take(&mut self.out)))
    }

    fn conclude(&mut self, why: &str) {
        self.has_ended = true;
        let last = TraceFrame {
            at: self.api.clock().now(),
            direction: Direction::Note,
            length: 0,
            bytes: Vec::new(),
            text: why.to_owned(),
            left_out: self.reader.left_out(),
        };
        self.tell(&last);
    }

    fn tell(&mut self, frame: &TraceFrame) {
        let document = TraceFrameDocument {
            at: frame.at,
            direction: frame.direction.as_str().to_owned(),
            text: frame.text.clone(),
            length: frame.length as u64,
            hex: (!frame.bytes.is_empty()).then(|| hex(&frame.bytes)),
            left_out: Some(frame.left_out).filter(|count| *count > 0),
        };
        documents::write(&document, &mut self.out);
        self.out.push(b'\n');
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

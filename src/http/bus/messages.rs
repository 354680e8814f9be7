//! `GET /api/v1/bus/messages`: what comes on the bus, as server-sent events.

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
use mainstem_bus::{Message, Qos, SubscribeError, Subscription, TopicFilter};
use mainstem_wire::api::MessageDocument;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::bus;
use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::Params;
use crate::{Api, documents};

/// Messages that wait for a reader; what comes beyond them is dropped and told as `gap`.
const WAITING_MAX: usize = 10_000;
/// Messages written as one part.
const PIECE: usize = 64;
/// A sign of life on an idle stream, for proxies.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Seconds after which a reader that found no place may come again.
const RETRY_AFTER: u64 = 5;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagesQuery {
    /// The topics, with `+` for one level and `#` for all that follow.
    filter: String,
}

/// `GET /api/v1/bus/messages`.
#[utoipa::path(
    get,
    path = "/api/v1/bus/messages",
    tag = "bus",
    params(MessagesQuery),
    responses((
        status = 200,
        description = "Server-sent events `message`, and `gap` with the count of those dropped",
        content((MessageDocument = "text/event-stream"))
    ))
)]
pub(crate) async fn messages(
    State(api): State<Arc<Api>>,
    Params(asked): Params<MessagesQuery>,
    caller: Caller,
) -> Result<Response, Problem> {
    let filter = TopicFilter::new(&asked.filter)
        .map_err(|error| Problem::new(Code::Query, format!("filter: {error}")))?;
    if !caller.principal.rights.topics.subscribe.covers(&filter) {
        let role = &caller.principal.role;
        let detail = format!("the role {role} does not subscribe to all of {filter}");
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let Ok(seat) = Arc::clone(&api.readers).try_acquire_owned() else {
        api.counters.readers_refused.inc();
        let detail = format!("{} readers are served already", api.limits.readers);
        return Err(Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER));
    };
    let subscribed = bus(&api)?.subscribe(&[filter], WAITING_MAX).await;
    let subscription = subscribed.map_err(|error| match error {
        SubscribeError::Away(_) => Problem::new(Code::NoBus, error.to_string()),
        SubscribeError::Refused { .. } => Problem::new(Code::Conflict, error.to_string()),
    })?;
    let feed = Feed {
        grant: Grant::new(&api, &caller),
        api,
        subscription,
        missed: 0,
        out: b":\n\n".to_vec(),
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

/// One reader's messages.
struct Feed {
    api: Arc<Api>,
    subscription: Subscription,
    missed: u64,
    out: Vec<u8>,
    grant: Grant,
    _seat: OwnedSemaphorePermit,
}

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        while self.out.is_empty() {
            if !self.grant.holds() {
                return None;
            }
            let stopping = self.api.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => return None,
                message = self.subscription.next() => self.tell(&message?),
                () = tokio::time::sleep_until(self.grant.due()) => {}
                () = tokio::time::sleep(ALIVE_INTERVAL) => self.out.extend_from_slice(b":\n\n"),
            }
        }
        for _ in 1..PIECE {
            // What is there already goes along.
            let more = std::future::poll_fn(|cx| {
                let next = std::pin::pin!(self.subscription.next());
                std::task::Poll::Ready(match next.poll(cx) {
                    std::task::Poll::Ready(message) => message,
                    std::task::Poll::Pending => None,
                })
            });
            let Some(message) = more.await else { break };
            self.tell(&message);
        }
        Some(Bytes::from(std::mem::take(&mut self.out)))
    }

    fn tell(&mut self, message: &Message) {
        let missed = self.subscription.missed();
        if missed > self.missed {
            let count = missed - self.missed;
            self.missed = missed;
            self.event("gap", &serde_json::json!({ "count": count }));
        }
        let document = self.document(message);
        self.event("message", &document);
    }

    fn document(&self, message: &Message) -> MessageDocument {
        let text = std::str::from_utf8(&message.payload).ok();
        MessageDocument {
            topic: message.topic.to_string(),
            payload: text.map(str::to_owned),
            bytes: text.is_none().then(|| hex(&message.payload)),
            qos: match message.qos {
                Qos::AtMostOnce => 0,
                Qos::AtLeastOnce => 1,
                Qos::ExactlyOnce => 2,
            },
            retained: message.retained,
            publisher: message.publisher.as_deref().map(str::to_owned),
            origin: message.origin.map(|origin| origin.to_string()),
            at: self.api.clock().now(),
        }
    }

    fn event<T: serde::Serialize>(&mut self, kind: &str, data: &T) {
        self.out.extend_from_slice(b"event: ");
        self.out.extend_from_slice(kind.as_bytes());
        self.out.extend_from_slice(b"\ndata: ");
        documents::write(data, &mut self.out);
        self.out.extend_from_slice(b"\n\n");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

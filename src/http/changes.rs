//! `GET /api/v1/changes`: one resource, four ways to read it.
//!
//! | asked for | way |
//! |---|---|
//! | `Accept: text/event-stream` | events; resumed by `Last-Event-ID` or `since` |
//! | `Accept: application/x-ndjson` | frames without end (`follow=false`: up to the head) |
//! | `wait`, or `since` without the above | one document: what changed behind the cursor |
//! | nothing of it | a snapshot as frames, up to the head |

mod concern;
mod events;
mod expand;
mod poll;
mod request;
mod seat;
mod squeeze;
mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_wire::api::{ChangesDocument, ProblemDocument};

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::Params;
use request::{ChangesQuery, Way, Wish};

#[utoipa::path(
    get,
    path = "/api/v1/changes",
    tag = "changes",
    params(
        ChangesQuery,
        ("Accept" = Option<String>, Header, description = "`application/x-ndjson`: frames \
            without end; `text/event-stream`: events; `application/json`: a long poll"),
        ("Last-Event-ID" = Option<String>, Header, description = "Where events go on"),
        ("Accept-Encoding" = Option<String>, Header, description = "Frames may come as `zstd`")
    ),
    responses(
        (status = 200, description = "Frames, events or one document", content(
            (ChangesDocument = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/event-stream")
        )),
        (status = 410, description = "The cursor cannot be used any more; `reason` is `epoch`, \
            `filter`, `forgotten` or `ahead`", body = ProblemDocument),
        (status = 503, description = "Too many readers", body = ProblemDocument)
    )
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    Params(query): Params<ChangesQuery>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    let mut wish = Wish::new(&query, &headers, &caller)?;
    api.store.settle(&mut wish.filter);
    match wish.way {
        Way::Frames { follow } => stream::open(&api, &wish, &caller, follow),
        Way::Poll { wait } => poll::answer(&api, wish, wait).await,
        Way::Events => events::open(&api, &wish, &caller),
    }
}

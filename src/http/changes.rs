//! `GET /api/v1/changes`: one resource, four ways to read it. `POST` is a snapshot of frames for a
//! reader that says what it has already.
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
mod pace;
mod poll;
mod request;
mod restored;
mod seat;
mod squeeze;
mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_wire::DigestBody;
use mainstem_wire::api::{ChangesDocument, ProblemDocument};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
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
    restored::look(&api, &caller, wish.since);
    match wish.way {
        Way::Frames { follow } => stream::open(&api, &wish, &caller, follow),
        Way::Poll { wait } => poll::answer(&api, wish, &caller, wait).await,
        Way::Events => events::open(&api, &wish, &caller),
    }
}

/// Bytes of digests: twice 8 bytes for each of 4096 buckets, as base64, and the members' names.
const DIGEST_BYTES_MAX: usize = 96 * 1024;

/// `POST /api/v1/changes`: the same for a reader that has content and no cursor. It sends digests
/// of what it has, and the snapshot leaves out what is the same.
#[utoipa::path(
    post,
    path = "/api/v1/changes",
    tag = "changes",
    params(
        ChangesQuery,
        ("Accept" = Option<String>, Header, description = "`application/x-ndjson`"),
        ("Accept-Encoding" = Option<String>, Header, description = "Frames may come as `zstd`")
    ),
    request_body = DigestBody,
    responses(
        (status = 200, description = "Frames", content((String = "application/x-ndjson"))),
        (status = 422, description = "Not the digests of 1 to 4096 buckets", body = ProblemDocument),
        (status = 503, description = "Too many readers", body = ProblemDocument)
    )
)]
pub(crate) async fn compare(
    State(api): State<Arc<Api>>,
    Params(query): Params<ChangesQuery>,
    headers: HeaderMap,
    caller: Caller,
    Document(body): Document<DigestBody, DIGEST_BYTES_MAX>,
) -> Result<Response, Problem> {
    let wish = Wish::new(&query, &headers, &caller)?.with_digests(&body)?;
    let Way::Frames { follow } = wish.way else {
        return Err(Problem::new(Code::NotAcceptable, "digests go with frames"));
    };
    stream::open(&api, &wish, &caller, follow)
}

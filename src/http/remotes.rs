//! `/api/v1/remotes`: the nodes that this one replicates.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_remote::{MirrorCounters, RemoteView};
use mainstem_wire::api::{ClockDocument, MirrorDocument, Page, RemoteDocument, RemoteNode};

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{Nothing, Params, Segment};
use crate::switch::{Switch, unknown};

/// `GET /api/v1/remotes`.
#[utoipa::path(
    get,
    path = "/api/v1/remotes",
    tag = "remotes",
    responses((status = 200, description = "All of them", body = Page<RemoteDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<RemoteDocument>> {
    let items = api.parts.remotes().into_iter().map(document);
    Json(Page::whole(items.collect()))
}

/// `GET /api/v1/remotes/{name}`.
#[utoipa::path(
    get,
    path = "/api/v1/remotes/{name}",
    tag = "remotes",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The remote", body = RemoteDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    _: Caller,
) -> Result<Json<RemoteDocument>, Problem> {
    let found = api.parts.remote(&name).map(document);
    found.map(Json).ok_or_else(|| unknown("remote", &name))
}

/// `POST /api/v1/remotes/{name}/pause`.
#[utoipa::path(
    post,
    path = "/api/v1/remotes/{name}/pause",
    tag = "remotes",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Paused"))
)]
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let switch = Switch {
        part: "remote",
        verb: "pause",
    };
    switch.by(&api, &caller, &name, |parts| parts.pause_remote(&name))
}

/// `POST /api/v1/remotes/{name}/resume`.
#[utoipa::path(
    post,
    path = "/api/v1/remotes/{name}/resume",
    tag = "remotes",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Resumed, or tried at once"))
)]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let switch = Switch {
        part: "remote",
        verb: "resume",
    };
    switch.by(&api, &caller, &name, |parts| parts.resume_remote(&name))
}

/// `POST /api/v1/remotes/{name}/resync`.
#[utoipa::path(
    post,
    path = "/api/v1/remotes/{name}/resync",
    tag = "remotes",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Its next stream begins with a snapshot"))
)]
pub(crate) async fn resync(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let switch = Switch {
        part: "remote",
        verb: "resync",
    };
    switch.by(&api, &caller, &name, |parts| parts.resync_remote(&name))
}

fn document(view: RemoteView) -> RemoteDocument {
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let clock = view
        .offset_us
        .zip(view.uncertainty_us)
        .map(|(offset, uncertainty)| {
            let (offset, uncertainty) = (offset as f64 / 1e6, uncertainty as f64 / 1e6);
            ClockDocument {
                offset,
                uncertainty,
            }
        });
    RemoteDocument {
        name: view.name,
        prefix: view.prefix,
        node: view.node.map(|(id, name)| RemoteNode {
            id: id.to_string(),
            name,
        }),
        address: view.address,
        state: view.state.as_str().to_owned(),
        cause: view.cause,
        since: view.since,
        next_try: view.next_try,
        lag: view.lag,
        heard: view.heard.map(|age| age.as_secs_f64()),
        clock,
        mirror: mirror(view.counters, view.last_left_out),
    }
}

fn mirror(counters: MirrorCounters, last_left_out: Option<String>) -> MirrorDocument {
    MirrorDocument {
        snapshots: counters.snapshots,
        resumes: counters.resumes,
        resyncs: counters.resyncs,
        rows: counters.rows,
        changes: counters.changes,
        missed: counters.missed,
        left_out: counters.left_out,
        last_left_out,
        events: counters.events,
        events_refused: counters.events_refused,
        looped: counters.looped,
        bad_values: counters.bad_values,
        aliases_left_out: counters.aliases_left_out,
    }
}

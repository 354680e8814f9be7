//! `/api/v1/remotes`: the nodes that this one replicates.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_remote::{MirrorCounters, RemoteView, TunnelView};
use mainstem_wire::api::{
    ClockDocument, MirrorDocument, Page, RemoteDocument, RemoteNode, TunnelDocument,
};
use serde::Deserialize;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{Nothing, Params, Segment};
use crate::switch::{Switch, unknown};
use crate::topology::links::Branches;
use crate::{Api, documents, remote_loggers};

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
    let remotes = api.parts.remotes();
    let found = remotes.iter().find(|remote| remote.name == name);
    let found = found.ok_or_else(|| unknown("remote", &name))?;
    let tree = api.store.tree();
    let path = Branches::new(&tree, &api.store).hops(&found.prefix, &remotes);
    Ok(Json(RemoteDocument {
        path,
        ..document(found.clone())
    }))
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

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResyncQuery {
    /// Everything, also what is the same at both ends.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    full: bool,
}

/// `POST /api/v1/remotes/{name}/resync`.
#[utoipa::path(
    post,
    path = "/api/v1/remotes/{name}/resync",
    tag = "remotes",
    params(("name" = String, Path, description = "The name"), ResyncQuery),
    responses((status = 204, description = "Its next stream begins with a snapshot"))
)]
pub(crate) async fn resync(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(query): Params<ResyncQuery>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let switch = Switch {
        part: "remote",
        verb: "resync",
    };
    switch.by(&api, &caller, &name, |parts| {
        parts.resync_remote(&name, query.full)
    })
}

/// The clock of a remote, once it was measured.
pub(crate) fn clock(view: &RemoteView) -> Option<ClockDocument> {
    let (offset, uncertainty) = view.offset_us.zip(view.uncertainty_us)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let (offset, uncertainty) = (offset as f64 / 1e6, uncertainty as f64 / 1e6);
    Some(ClockDocument {
        offset,
        uncertainty,
        state: view.clock.map(|state| state.as_str().to_owned()),
    })
}

fn document(view: RemoteView) -> RemoteDocument {
    let canary = documents::canary(&view.prefix, std::slice::from_ref(&view));
    let is_late = canary.is_some_and(|canary| canary.late);
    let late = || "its canary no longer changes: values may not flow".to_owned();
    let clock = clock(&view);
    let loggers = view.loggers.as_ref().map(remote_loggers::document);
    RemoteDocument {
        loggers,
        action: view
            .action
            .or_else(|| is_late.then(|| late_action(&view.name))),
        name: view.name,
        prefix: view.prefix,
        node: view.node.map(|(id, name)| RemoteNode {
            id: id.to_string(),
            name,
        }),
        address: view.address,
        state: view.state.as_str().to_owned(),
        cause: view.cause.or_else(|| is_late.then(late)),
        since: view.since,
        next_try: view.next_try,
        lag: view.lag,
        lag_seconds: view.lag_time.map(|lag| lag.as_secs_f64()),
        lag_bytes: view.lag_bytes,
        heard: view.heard.map(|age| age.as_secs_f64()),
        clock,
        canary,
        path: Vec::new(),
        tunnels: view
            .tunnels
            .map(|tunnels| tunnels.into_iter().map(tunnel).collect()),
        mirror: MirrorDocument {
            row_rate: view.row_rate,
            ..mirror(view.counters, view.last_left_out)
        },
    }
}

fn late_action(name: &str) -> String {
    format!(
        "Somebody has to look at the remote (`mainstem doctor` there), then `mainstem remotes \
         resync {name}`."
    )
}

fn tunnel(view: TunnelView) -> TunnelDocument {
    TunnelDocument {
        from: view.from.to_string(),
        token: view.principal,
        since: view.since,
    }
}

fn mirror(counters: MirrorCounters, last_left_out: Option<String>) -> MirrorDocument {
    MirrorDocument {
        snapshots: counters.snapshots,
        digest_resyncs: counters.digest_resyncs,
        same: counters.same,
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
        bytes: counters.bytes,
        row_rate: 0.0,
    }
}

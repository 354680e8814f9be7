//! `/api/v1/adapters`: the connections to devices.

mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_adapter::AdapterView;
use mainstem_wire::api::{
    AdapterDocument, AdapterRates, CauseDocument, DeviceDocument, Page, RoundTrip,
};

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{Nothing, Params, Segment};
use crate::switch::{Switch, unknown};

pub(crate) use trace::{__path_trace, trace};

/// `GET /api/v1/adapters`: the state of an adapter is no process value, so every role sees it.
#[utoipa::path(
    get,
    path = "/api/v1/adapters",
    tag = "adapters",
    responses((status = 200, description = "All of them", body = Page<AdapterDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<AdapterDocument>> {
    let items = api.parts.adapters().into_iter().map(document);
    Json(Page::whole(items.collect()))
}

/// `GET /api/v1/adapters/{name}`.
#[utoipa::path(
    get,
    path = "/api/v1/adapters/{name}",
    tag = "adapters",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The adapter", body = AdapterDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    _: Caller,
) -> Result<Json<AdapterDocument>, Problem> {
    let found = api.parts.adapter(&name).map(document);
    found.map(Json).ok_or_else(|| unknown("adapter", &name))
}

/// `POST /api/v1/adapters/{name}/pause`.
#[utoipa::path(
    post,
    path = "/api/v1/adapters/{name}/pause",
    tag = "adapters",
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
        part: "adapter",
        verb: "pause",
    };
    switch.by(&api, &caller, &name, |parts| parts.pause_adapter(&name))
}

/// `POST /api/v1/adapters/{name}/resume`.
#[utoipa::path(
    post,
    path = "/api/v1/adapters/{name}/resume",
    tag = "adapters",
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
        part: "adapter",
        verb: "resume",
    };
    switch.by(&api, &caller, &name, |parts| parts.resume_adapter(&name))
}

fn document(view: AdapterView) -> AdapterDocument {
    let devices = view.devices.into_iter().map(|device| DeviceDocument {
        name: device.name,
        status: device.quality.status.as_str().to_owned(),
        reason: device.quality.reason.as_str().to_owned(),
    });
    let counted = view.statistics;
    let errors = counted
        .errors
        .into_iter()
        .map(|(code, count)| (code.to_owned(), count));
    AdapterDocument {
        name: view.name,
        kind: view.kind.to_owned(),
        state: view.state.as_str().to_owned(),
        cause: view.cause.map(|cause| CauseDocument {
            code: cause.code.to_owned(),
            message: cause.message,
        }),
        since: view.since,
        next_try: view.next_try,
        peer: counted.peer,
        quality: view.quality.status.as_str().to_owned(),
        reason: view.quality.reason.as_str().to_owned(),
        points: view.points as u64,
        rates: AdapterRates {
            requests: counted.requests,
            samples: counted.samples,
            writes: counted.writes,
            overruns: counted.overruns,
            request_rate: view.request_rate,
            sample_rate: view.sample_rate,
            round_trip: RoundTrip {
                p50: counted
                    .round_trip_p50
                    .map(|trip: Duration| trip.as_secs_f64()),
                p99: counted
                    .round_trip_p99
                    .map(|trip: Duration| trip.as_secs_f64()),
            },
            errors: errors.collect(),
        },
        devices: devices.collect(),
    }
}

//! `/api/v1/adapters`: the connections to devices.

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
use crate::parts::PartError;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// `GET /api/v1/adapters`: those with datapoints that the caller may read something of are not
/// told from others; an adapter's state is no process value.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<AdapterDocument>> {
    let items = api.parts.adapters().into_iter().map(document);
    Json(Page::whole(items.collect()))
}

/// `GET /api/v1/adapters/{name}`.
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    _: Caller,
) -> Result<Json<AdapterDocument>, Problem> {
    let found = api.parts.adapter(&name).map(document);
    found
        .map(Json)
        .ok_or_else(|| switched_nothing("adapter", &name, &PartError::Unknown))
}

/// `POST /api/v1/adapters/{name}/pause`.
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let done = api.parts.pause_adapter(&name);
    api.note(&caller, "adapter.pause", &name, outcome(&done));
    done.map_err(|error| switched_nothing("adapter", &name, &error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/adapters/{name}/resume`.
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let done = api.parts.resume_adapter(&name);
    api.note(&caller, "adapter.resume", &name, outcome(&done));
    done.map_err(|error| switched_nothing("adapter", &name, &error))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn outcome(done: &Result<(), PartError>) -> &'static str {
    if done.is_ok() { "done" } else { "refused" }
}

/// Why a part stayed as it was.
pub(crate) fn switched_nothing(what: &str, name: &str, error: &PartError) -> Problem {
    match error {
        PartError::Unknown => {
            Problem::new(Code::UnknownName, format!("there is no {what} {name:?}"))
        }
        PartError::Busy(_) => Problem::new(Code::Conflict, error.to_string()),
    }
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

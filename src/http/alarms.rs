//! `/api/v1/alarms`: what needs a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_wire::api::{AlarmDocument, Page};

use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};
use crate::{Api, documents};

/// Alarms about what has happened, not about what is so: nothing but a person ends them.
const ENDS_WHEN_SEEN: [&str; 2] = [".restored", ".twin"];

/// `GET /api/v1/alarms`.
#[utoipa::path(
    get,
    path = "/api/v1/alarms",
    tag = "alarms",
    responses((status = 200, description = "All of them", body = Page<AlarmDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<AlarmDocument>> {
    let items = api.health.list().into_iter().map(documents::alarm);
    Json(Page::whole(items.collect()))
}

/// `POST /api/v1/alarms/{id}/acknowledge`: somebody has seen it.
#[utoipa::path(
    post,
    path = "/api/v1/alarms/{id}/acknowledge",
    tag = "alarms",
    params(("id" = String, Path, description = "The id")),
    responses((status = 204, description = "Acknowledged"))
)]
pub(crate) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let known = api.health.acknowledge(&id);
    if ENDS_WHEN_SEEN.iter().any(|what| id.ends_with(what)) {
        api.health.clear(&id);
    }
    api.note(
        &caller,
        "alarm.acknowledge",
        &id,
        if known { "done" } else { "refused" },
    );
    let missing = || Problem::new(Code::UnknownName, format!("there is no alarm {id:?}"));
    known.then_some(StatusCode::NO_CONTENT).ok_or_else(missing)
}

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

/// `GET /api/v1/alarms`.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<AlarmDocument>> {
    let items = api.health.list().into_iter().map(documents::alarm);
    Json(Page::whole(items.collect()))
}

/// `POST /api/v1/alarms/{id}/acknowledge`: somebody has seen it.
pub(crate) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let known = api.health.acknowledge(&id);
    api.note(
        &caller,
        "alarm.acknowledge",
        &id,
        if known { "done" } else { "refused" },
    );
    let missing = || Problem::new(Code::UnknownName, format!("there is no alarm {id:?}"));
    known.then_some(StatusCode::NO_CONTENT).ok_or_else(missing)
}

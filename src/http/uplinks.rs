//! `/api/v1/uplinks`: how this node dials up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_remote::UplinkView;
use mainstem_wire::api::{Page, UplinkDocument};

use crate::Api;
use crate::auth::Caller;
use crate::query::{Nothing, Params};

/// `GET /api/v1/uplinks`.
#[utoipa::path(
    get,
    path = "/api/v1/uplinks",
    tag = "uplinks",
    responses((status = 200, description = "All of them", body = Page<UplinkDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<UplinkDocument>> {
    let items = api.parts.uplinks().into_iter().map(document);
    Json(Page::whole(items.collect()))
}

fn document(view: UplinkView) -> UplinkDocument {
    UplinkDocument {
        name: view.name,
        address: view.address,
        state: view.state.as_str().to_owned(),
        cause: view.cause,
        since: view.since,
        next_try: view.next_try,
        waiting: view.waiting,
        serving: view.serving,
        opened: view.opened,
    }
}

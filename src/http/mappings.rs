//! `/api/v1/mappings`: the mappings of the node file, with what became of their messages. Who may
//! read the id of one as he reads names of datapoints sees it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_mapping::{ItemView, MappingView};
use mainstem_wire::api::{MappingDocument, MappingErrorDocument, MappingItemDocument, Page};

use crate::Api;
use crate::auth::Caller;
use crate::query::{Nothing, Params};

/// `GET /api/v1/mappings`.
#[utoipa::path(
    get,
    path = "/api/v1/mappings",
    tag = "mappings",
    responses((status = 200, description = "In the order of their ids; those whose id the caller may read as a name", body = Page<MappingDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Json<Page<MappingDocument>> {
    let mappings = api
        .parts
        .mappings()
        .map(|mappings| mappings.views())
        .unwrap_or_default();
    let shown = mappings
        .into_iter()
        .filter(|mapping| caller.principal.may_read(&mapping.id));
    Json(Page::whole(shown.map(document).collect()))
}

fn document(view: MappingView) -> MappingDocument {
    MappingDocument {
        id: view.id,
        enabled: view.is_enabled,
        items: view.items.into_iter().map(item).collect(),
    }
}

fn item(view: ItemView) -> MappingItemDocument {
    let error = |(at, message)| MappingErrorDocument { at, message };
    MappingItemDocument {
        subscribe: view.subscribe,
        publish: view.publish,
        ready: view.is_ready,
        cause: view.cause,
        received: view.received,
        published: view.published,
        held: view.held,
        failed: view.failed,
        retained: view.retained,
        looping: view.looping,
        missed: view.missed,
        undelivered: view.undelivered,
        last_error: view.last_error.map(error),
    }
}

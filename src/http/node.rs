//! `GET /api/v1/node`: who answers, and its feed in numbers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_wire::PROTOCOL;
use mainstem_wire::api::{FeedDocument, NodeDocument};

use crate::Api;
use crate::auth::Caller;
use crate::query::{Nothing, Params};

#[utoipa::path(
    get,
    path = "/api/v1/node",
    tag = "node",
    responses((status = 200, description = "Who answers", body = NodeDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<NodeDocument> {
    let (setup, facts) = (api.store.setup(), &api.facts);
    let clock = api.clock();
    Json(NodeDocument {
        id: setup.node.to_string(),
        name: setup.name.to_string(),
        description: facts.description.clone(),
        version: facts.version.to_owned(),
        protocol: PROTOCOL,
        roles: facts.roles.clone(),
        pin: facts.pin.clone(),
        instance: format!("{:016x}", setup.instance),
        epoch: setup.epoch.to_string(),
        started: facts.started,
        uptime: clock.monotonic().since(api.born).as_secs_f64(),
        time: clock.now(),
        feed: feed(&api),
    })
}

fn feed(api: &Api) -> FeedDocument {
    let (store, counters) = (api.store.statistics(), &api.counters);
    FeedDocument {
        points: store.points as u64,
        sources: store.sources as u64,
        head: store.head,
        first: store.first,
        evicted: store.evicted,
        log_bytes: store.log_bytes as u64,
        readers: u64::try_from(counters.readers.get()).unwrap_or(0),
        snapshots: counters.snapshots.get(),
        resumes: counters.resumes.get(),
        rows: counters.rows.get(),
        gaps: counters.gaps.get(),
        missed: counters.missed.get(),
    }
}

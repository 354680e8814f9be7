//! Which route leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::{Api, auth, changes, datapoints, link, node, problem, writes};

/// Everything that the node serves.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let guarded = Router::new()
        .route("/node", get(node::show))
        .route("/datapoints", get(datapoints::list))
        .route(
            "/datapoints/{name}",
            get(datapoints::show).put(datapoints::put),
        )
        .route("/writes", get(writes::list).post(writes::batch))
        .route("/writes/{id}", get(writes::show))
        .route("/changes", get(changes::read))
        .route("/link/beat", post(link::beat))
        .route("/link/writes", post(link::write))
        .route_layer(from_fn_with_state(Arc::clone(api), auth::guard));
    Router::new()
        .nest("/api/v1", guarded)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(Arc::clone(api))
}

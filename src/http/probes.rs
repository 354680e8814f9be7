//! `/healthz`, `/readyz` and `/metrics`: for supervisors and Prometheus.

mod parts;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::Api;
use crate::auth::Caller;
use crate::query::{Nothing, Params};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "probes",
    responses((status = 200, description = "The process answers", body = String))
)]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the node does its work.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "probes",
    responses((status = 200, description = "The node does its work", body = String), (status = 503, description = "Not yet, or not any more", body = String))
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> (StatusCode, &'static str) {
    match api.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

/// `GET /metrics`: for any token.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "probes",
    responses((status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Response {
    let (store, metrics) = (api.store.statistics(), &api.metrics);
    let set = |name: &str, help: &str, value: u64| {
        metrics
            .gauge(name, help)
            .set(i64::try_from(value).unwrap_or(i64::MAX));
    };
    set("points", "Datapoints", store.points as u64);
    set("sources", "Sources", store.sources as u64);
    set("feed_head", "Number of the last entry", store.head);
    set(
        "feed_evicted",
        "Entries evicted from the log",
        store.evicted,
    );
    set(
        "feed_log_bytes",
        "Bytes of the log in memory",
        store.log_bytes as u64,
    );
    set(
        "links_served",
        "Streams with beats",
        api.serving.streams().len() as u64,
    );
    let writes = api.writes.counters();
    set("writes_open", "Writes under way", writes.open);
    set("writes_applied", "Writes applied", writes.applied);
    set(
        "writes_rejected",
        "Writes rejected",
        writes.rejected.values().sum(),
    );
    set("writes_expired", "Writes expired", writes.expired);
    set(
        "writes_unknown",
        "Writes of which nobody knows the outcome",
        writes.unknown,
    );
    set("logins_failed", "Failed logins", api.tokens.failures());
    let text = {
        // Two answers at once would empty each other's rows.
        let _alone = api.scrape.lock();
        parts::fill(metrics, &api.parts.remotes(), &api.parts.adapters());
        metrics.render()
    };
    ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}

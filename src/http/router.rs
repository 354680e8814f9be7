//! Which route leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, on, post};

use crate::{
    Api, adapter_log, adapters, alarms, aliases, auth, bus, changes, connector, data, datapoints,
    dial_up, doctor, events, explain, flowsync, hsyco, link, link_hold, loggers, mappings,
    modbus_servers, node, opcua_server, openapi, pages, probes, problem, readers, remote_loggers,
    remotes, samples, support, tokens, topology, uplinks, variables, writes,
};

/// Everything that the node serves.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let guarded = resources()
        .merge(own())
        .route("/link/support/{*path}", support::inward(api))
        .route_layer(from_fn_with_state(Arc::clone(api), auth::guard));
    let metrics = Router::new()
        .route("/metrics", get(probes::metrics))
        .route_layer(from_fn_with_state(Arc::clone(api), auth::guard));
    Router::new()
        .merge(metrics)
        .route("/healthz", get(probes::alive))
        .route("/readyz", get(probes::ready))
        .route("/", get(pages::index))
        .route("/ui/{*path}", get(pages::file))
        .route("/api/v1/openapi.json", get(openapi::show))
        .route(hsyco::PATH, any(hsyco::read))
        .route("/data", any(data::serve))
        .route("/data/{*path}", any(data::serve))
        .nest("/api/v1", guarded)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn(crate::early::tell))
        .with_state(Arc::clone(api))
}

/// What remote support cannot reach: links, and what would outlast the time that it has.
fn own() -> Router<Arc<Api>> {
    Router::new()
        .route("/link/beat", post(link::beat))
        .route("/link/writes", post(link::write))
        .route("/link/explain", post(explain::pass_on))
        .route("/link/flowsync", post(link_hold::hold))
        .route("/link/doctor", post(doctor::examine))
        .route("/link/loggers/sums", post(loggers::verify::sums))
        .route("/link/loggers", post(loggers::link::watch))
        .route("/link/loggers/rows", post(loggers::link::rows))
        .route("/link/dial-up", get(dial_up::open))
        .route("/adapters/{name}/connector", post(connector::open))
        .route("/adapters/{name}/connector/{session}", post(connector::say))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}", delete(tokens::revoke))
        .route(
            "/support",
            get(support::show)
                .post(support::open)
                .delete(support::close),
        )
}

/// What people and programs use, also over a link if the node is open for remote support. Whoever
/// comes has been recognised before.
pub(crate) fn resources() -> Router<Arc<Api>> {
    Router::new()
        .route("/node", get(node::show))
        .route("/datapoints", get(datapoints::list))
        .route(
            "/datapoints/{name}",
            get(datapoints::show).put(datapoints::put),
        )
        .route("/variables", get(variables::list))
        .route(
            "/variables/{name}",
            get(variables::show)
                .put(variables::put)
                .delete(variables::remove),
        )
        .route("/writes", get(writes::list).post(writes::batch))
        .route("/writes/explain", post(explain::ask))
        .route("/writes/{id}", get(writes::show))
        .route("/events", get(events::list).post(events::raise))
        .route("/events/{id}/reply", post(events::reply))
        .route("/changes", get(changes::read).post(changes::compare))
        .route("/readers", get(readers::list))
        .route("/doctor", get(doctor::show))
        .route("/topology", get(topology::show))
        .route("/samples", post(samples::provide))
        .route("/adapters", get(adapters::list))
        .route("/adapters/{name}", get(adapters::show))
        .route("/adapters/{name}/log", get(adapter_log::show))
        .route("/adapters/{name}/log/follow", get(adapter_log::follow))
        .route("/adapters/{name}/pause", post(adapters::pause))
        .route("/adapters/{name}/resume", post(adapters::resume))
        .route("/adapters/{name}/trace", get(adapters::trace))
        .route("/remotes", get(remotes::list))
        .route("/remotes/{name}", get(remotes::show))
        .route("/remotes/{name}/loggers", get(remote_loggers::list))
        .route("/remotes/{name}/pause", post(remotes::pause))
        .route("/remotes/{name}/resume", post(remotes::resume))
        .route("/remotes/{name}/resync", post(remotes::resync))
        .route(
            "/remotes/{name}/api/{*path}",
            on(support::METHODS, support::outward),
        )
        .route("/uplinks", get(uplinks::list))
        .route("/aliases", get(aliases::list))
        .route("/alarms", get(alarms::list))
        .route("/alarms/{id}/acknowledge", post(alarms::acknowledge))
        .merge(recorded())
        .merge(service())
}

/// What was recorded.
fn recorded() -> Router<Arc<Api>> {
    Router::new()
        .route("/loggers", get(loggers::list))
        .route("/loggers/grid", get(loggers::grid))
        .route("/loggers/{id}", get(loggers::show))
        .route(
            "/loggers/{id}/samples",
            get(loggers::samples).post(loggers::import::post),
        )
        .route("/loggers/{id}/verify", post(loggers::verify::post))
        .route("/loggers/{id}/gaps", get(loggers::gaps::list))
        .route(
            "/loggers/{id}/edits",
            get(loggers::edits::list).post(loggers::edits::post),
        )
        .route("/loggers/{id}/rollups", get(loggers::rollups))
}

/// The bus, and what hangs on it.
fn service() -> Router<Arc<Api>> {
    Router::new()
        .route("/flowsync/transactions", get(flowsync::transactions))
        .route("/flowsync/nodes", get(flowsync::nodes))
        .route("/mappings", get(mappings::list))
        .route("/modbus-servers", get(modbus_servers::list))
        .route("/opcua-server", get(opcua_server::show))
        .route(
            "/opcua-server/certificates",
            get(opcua_server::certificates),
        )
        .route(
            "/opcua-server/certificates/{thumbprint}/trust",
            post(opcua_server::trust),
        )
        .route(
            "/opcua-server/certificates/{thumbprint}/reject",
            post(opcua_server::reject),
        )
        .route("/bus", get(bus::show))
        .route("/bus/publish", post(bus::publish))
        .route("/bus/messages", get(bus::messages))
}

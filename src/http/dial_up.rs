//! `GET /api/v1/link/dial-up`: a node below leaves a connection here, over which it is replicated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mainstem_remote::{TunnelPlace, TunnelRefusal, TunnelView};
use mainstem_wire::api::ProblemDocument;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::arrival::Peer;
use crate::auth::Caller;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::Params;

/// What the connection is turned into.
const PROTOCOL: &str = "mainstem-link";
/// Seconds after which a node may come again that found no place.
const RETRY_AFTER: u64 = 5;

/// What a node that dials up says about its tunnel.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DialUpQuery {
    /// Milliseconds between two signs of life; after three without one the tunnel is dead.
    #[param(minimum = 100, maximum = 60000)]
    keepalive_ms: u64,
}

/// `GET /api/v1/link/dial-up`.
#[utoipa::path(
    get,
    path = "/api/v1/link/dial-up",
    tag = "link",
    params(DialUpQuery),
    responses((status = 101, description = "The connection is a tunnel now"),
        (status = 403, description = "The role lacks `dial_up`", body = ProblemDocument),
        (status = 404, description = "No such remote entry with `dial: up`", body = ProblemDocument),
        (status = 426, description = "Not asked for as a tunnel", body = ProblemDocument),
        (status = 503, description = "Enough tunnels wait", body = ProblemDocument))
)]
pub(crate) async fn open(
    State(api): State<Arc<Api>>,
    Params(query): Params<DialUpQuery>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, Problem> {
    if !(100..=60_000).contains(&query.keepalive_ms) {
        return Err(Problem::new(Code::Query, "keepalive_ms is 100 to 60000"));
    }
    let (entry, from) = entry(&caller)?;
    let asked = request.headers().get(UPGRADE);
    let is_ours =
        asked.is_some_and(|asked| asked.as_bytes().eq_ignore_ascii_case(PROTOCOL.as_bytes()));
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let Some(upgrade) = upgrade.filter(|_| is_ours) else {
        return Err(Problem::new(
            Code::Upgrade,
            "the request asks for no tunnel",
        ));
    };
    let place = place(&api, &caller, &entry, from)?;
    let opening = async move {
        let upgraded = upgrade.await;
        upgraded.map(TokioIo::new).ok()
    };
    let mut grant = Grant::new(&api, &caller);
    let keepalive = Duration::from_millis(query.keepalive_ms);
    place.keep(opening, keepalive, move || grant.holds());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
    Ok(response)
}

/// The remote entry that the caller may serve, and where he is.
fn entry(caller: &Caller) -> Result<(String, SocketAddr), Problem> {
    let role = &caller.principal.role;
    let Some(entry) = &caller.principal.rights.dial_up else {
        let detail = format!("the role {role} lacks the right `dial_up`");
        return Err(Problem::new(Code::Forbidden, detail));
    };
    match caller.arrival.peer {
        Peer::Network(from) => Ok((entry.as_str().to_owned(), from)),
        Peer::Local => Err(Problem::new(Code::Forbidden, "dial over the network")),
    }
}

fn place(
    api: &Api,
    caller: &Caller,
    entry: &str,
    from: SocketAddr,
) -> Result<TunnelPlace, Problem> {
    let view = TunnelView {
        from,
        principal: caller.principal.name.clone(),
        since: api.clock().now(),
    };
    let tunnels = api.parts.tunnels().ok_or(TunnelRefusal::NoEntry);
    let placed = tunnels.and_then(|tunnels| tunnels.place(entry, view));
    placed.map_err(|refusal| {
        let detail = format!("{entry}: {refusal}");
        match refusal {
            TunnelRefusal::NoEntry => Problem::new(Code::UnknownName, detail),
            TunnelRefusal::Full => Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER),
        }
    })
}

//! Who asks: a bearer token, or the socket file.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use mainstem_security::{Principal, Refusal};
use mainstem_store::Filter;

use crate::Api;
use crate::arrival::{Arrival, Peer};
use crate::problem::{Code, Problem};
use crate::support::Pass;

/// Bytes of a token that are looked at.
pub(crate) const TOKEN_BYTES_MAX: usize = 512;

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(crate) arrival: Arrival,
    /// Set on who comes over a link to a node that is open for remote support.
    pub(crate) pass: Option<Arc<Pass>>,
}

impl Caller {
    /// Refuses who may not administer the node.
    pub(crate) fn need_admin(&self) -> Result<(), Problem> {
        self.need(self.principal.rights.admin, "admin")
    }

    /// Refuses who may not open links.
    pub(crate) fn need_link(&self) -> Result<(), Problem> {
        self.need(self.principal.rights.link, "link")
    }

    /// Refuses who may not use the API of the nodes below.
    pub(crate) fn need_remote_support(&self) -> Result<(), Problem> {
        self.need(self.principal.rights.remote_support, "remote_support")
    }

    fn need(&self, has: bool, right: &str) -> Result<(), Problem> {
        let role = &self.principal.role;
        let detail = || format!("the role {role} lacks the right `{right}`");
        has.then_some(())
            .ok_or_else(|| Problem::new(Code::Forbidden, detail()))
    }

    /// What of the node this caller sees.
    pub(crate) fn filter(&self, wanted: mainstem_model::GlobSet) -> Filter {
        let rights = &self.principal.rights;
        Filter::new(rights.read.clone(), wanted).with_variables(rights.variables.read.clone())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal(&"a route stands outside the guard"))
    }
}

/// The guard before all routes but the open ones. Nothing of the body is read before it.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let arrival = *request
        .extensions()
        .get::<Arrival>()
        .ok_or_else(|| Problem::internal(&"a request without an arrival"))?;
    let principal = match arrival.peer {
        Peer::Local => api
            .local_principal()
            .ok_or_else(|| Problem::internal(&"the role admin is missing"))?,
        Peer::Network(address) => {
            let principal = verify(&api, &request, arrival.peer)?;
            come_from(&api, &principal, address)?;
            principal
        }
    };
    let principal = Arc::new(principal);
    request.extensions_mut().insert(Caller {
        principal,
        arrival,
        pass: None,
    });
    Ok(next.run(request).await)
}

/// Refuses who comes from an address that the token or its role is not for.
pub(crate) fn come_from(
    api: &Api,
    principal: &Principal,
    address: SocketAddr,
) -> Result<(), Problem> {
    if principal.may_come_from(address.ip()) {
        return Ok(());
    }
    api.counters.addresses_refused.inc();
    api.refuse_address(principal, address);
    let (name, ip) = (&principal.name, address.ip().to_canonical());
    let detail = format!("{name} (role {}) may not come from {ip}", principal.role);
    Err(Problem::new(Code::Address, detail))
}

fn verify(api: &Api, request: &Request, peer: Peer) -> Result<Principal, Problem> {
    let (scheme, token) = credential(request.headers());
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > TOKEN_BYTES_MAX {
        return Err(Problem::new(
            Code::Unauthorized,
            "the request has no bearer token",
        ));
    }
    verify_token(api, token.trim(), peer)
}

/// What the header `Authorization` says: its scheme and what follows.
pub(crate) fn credential(headers: &http::HeaderMap) -> (&str, &str) {
    let header = headers.get(AUTHORIZATION);
    let text = header.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().split_once(' ').unwrap_or_default()
}

/// Whose token it is.
pub(crate) fn verify_token(api: &Api, token: &str, peer: Peer) -> Result<Principal, Problem> {
    match api.tokens.verify(token, peer.address()) {
        Ok(verified) => {
            if verified.first_login {
                tracing::info!("the administrator's first token was used; its file is gone");
            }
            Ok(verified.principal)
        }
        Err(Refusal::Throttled(seconds)) => {
            let detail = format!("wait {seconds} s");
            Err(Problem::new(Code::Throttled, detail).retry_after(seconds))
        }
        Err(refusal) => Err(Problem::new(Code::Unauthorized, refusal.to_string())),
    }
}

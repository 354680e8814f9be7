//! Who comes to the server nodes: a token, as `Bearer` or as the password of `Basic`, and the rights
//! of its role over the path.

use std::sync::Arc;

use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use mainstem_security::{AuditRecord, Principal};

use super::wrong;
use crate::Api;
use crate::arrival::{Arrival, Peer};
use crate::auth::{Caller, TOKEN_BYTES_MAX, come_from, credential, verify_token};
use crate::problem::{Code, Problem};

/// Recognises who comes.
pub(super) fn admit(api: &Api, request: &Request) -> Result<Caller, Problem> {
    let arrival = *request
        .extensions()
        .get::<Arrival>()
        .ok_or_else(|| Problem::internal(&"a request without an arrival"))?;
    let principal = match arrival.peer {
        Peer::Local => api
            .local_principal()
            .ok_or_else(|| Problem::internal(&"the role admin is missing"))?,
        Peer::Network(address) => {
            let principal = verify(api, request, arrival.peer)?;
            come_from(api, &principal, address)?;
            principal
        }
    };
    Ok(Caller {
        principal: Arc::new(principal),
        arrival,
        pass: None,
    })
}

fn verify(api: &Api, request: &Request, peer: Peer) -> Result<Principal, Problem> {
    let (scheme, rest) = credential(request.headers());
    let missing = || {
        let detail = "send the token as `Authorization: Bearer`, or as the password of `Basic`";
        wrong(Code::Unauthorized, detail)
    };
    if rest.len() > 2 * TOKEN_BYTES_MAX {
        return Err(missing());
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return verify_token(api, rest.trim(), peer);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(missing());
    }
    let decoded = STANDARD.decode(rest.trim()).map_err(|_| missing())?;
    let text = String::from_utf8(decoded).map_err(|_| missing())?;
    let (user, token) = text.split_once(':').ok_or_else(missing)?;
    let principal = verify_token(api, token, peer)?;
    if principal.name == user {
        return Ok(principal);
    }
    Err(wrong(Code::Unauthorized, "the token is not that user's"))
}

/// Refuses who may not use the path, and notes it.
pub(super) fn need(api: &Api, caller: &Caller, method: &Method, path: &str) -> Result<(), Problem> {
    let rights = &caller.principal.rights;
    let lower = path.to_lowercase();
    let (right, is_allowed) = match *method {
        Method::GET => ("read", rights.data.may_read(&lower)),
        _ => ("write", rights.control && rights.data.may_write(&lower)),
    };
    if is_allowed {
        return Ok(());
    }
    api.data.refused.inc();
    let role = &caller.principal.role;
    let detail = match rights.control || right == "read" {
        true => format!("the role {role} has no pattern in `data.{right}` that allows {path}"),
        false => format!("the role {role} writes nothing (`control: false`)"),
    };
    note(api, caller, right, path, &detail);
    Err(wrong(Code::Forbidden, detail))
}

/// The first refusal of an address at once, then one record a minute.
fn note(api: &Api, caller: &Caller, right: &str, path: &str, why: &str) {
    let (peer, now) = (caller.arrival.peer, api.clock().monotonic());
    let Some(before) = api.data.refusals.lock().note(peer.address(), now) else {
        return;
    };
    let detail = match before {
        0 => why.to_owned(),
        more => format!("{why}; {more} more since the last record"),
    };
    api.record(AuditRecord {
        at: api.clock().now(),
        principal: caller.principal.name.clone(),
        address: peer.text(),
        action: format!("data.{right}"),
        target: path.chars().take(255).collect(),
        outcome: "denied".to_owned(),
        detail,
    });
}

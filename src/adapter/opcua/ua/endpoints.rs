//! What a server offers, and which of it is used.

use std::path::Path;

use mainstem_adapter::SessionEnd;
use opcua::client::{ClientConfig, SessionBuilder};
use opcua::core::ResponseMessage;
use opcua::crypto::SecurityPolicy;
use opcua::types::{
    EndpointDescription, Error, GetEndpointsRequest, MessageSecurityMode, RequestHeader,
    StatusCode, UserTokenPolicy, UserTokenType,
};

use super::identity;
use super::open::refused;
use super::socket::Dialer;
use crate::connection::{ConnectionPlan, Mode, Policy};

/// Endpoints of a server that are looked at.
const ENDPOINTS_MAX: usize = 100;
/// GetEndpoints over a channel of its own without security (part 4, 5.5.4).
pub(super) async fn ask(
    plan: &ConnectionPlan,
    config: &ClientConfig,
    folder: &Path,
) -> Result<Vec<EndpointDescription>, Error> {
    let store = identity::session_store(folder, None, None)
        .map_err(|error| Error::new(StatusCode::BadUnexpectedError, error.to_string()))?;
    let dialer = Dialer::new(&plan.url);
    let channel = SessionBuilder::new(config)
        .with_connector(dialer.clone())
        .connect_to_endpoint_directly(plan.url.as_str())?
        .build_channel(store)?;
    let mut traffic = channel.connect_no_retry(&dialer).await?;
    let request = GetEndpointsRequest {
        request_header: RequestHeader {
            request_handle: 1,
            ..Default::default()
        },
        endpoint_url: plan.url.as_str().into(),
        ..Default::default()
    };
    let answer = channel.send(request, plan.request_timeout);
    tokio::pin!(answer);
    let response = loop {
        tokio::select! {
            response = &mut answer => break response?,
            // A closed transport fails the request, which ends the loop.
            _ = traffic.poll() => {}
        }
    };
    match response {
        ResponseMessage::GetEndpoints(response)
            if response.response_header.service_result.is_good() =>
        {
            Ok(response.endpoints.unwrap_or_default())
        }
        other => Err(Error::new(
            StatusCode::BadUnknownResponse,
            format!(
                "instead of its endpoints the server sent {}",
                other.type_name()
            ),
        )),
    }
}

/// The endpoint that the configuration asks for, with the one way to log in that will be used.
pub(super) fn choose(
    plan: &ConnectionPlan,
    offered: &[EndpointDescription],
) -> Result<EndpointDescription, SessionEnd> {
    let (policy, mode) = security(plan);
    let fits = |endpoint: &EndpointDescription| {
        endpoint.security_policy_uri.as_ref() == policy.to_uri()
            && endpoint.security_mode == mode
            && endpoint.endpoint_url.as_ref().starts_with("opc.tcp:")
    };
    let Some(mut endpoint) = offered
        .iter()
        .take(ENDPOINTS_MAX)
        .find(|one| fits(one))
        .cloned()
    else {
        let message = format!(
            "the server at {} offers no endpoint with {policy} and {mode}; it offers {}",
            plan.url,
            describe(offered)
        );
        return Err(refused("no_matching_endpoint", message));
    };
    let kind = match plan.user {
        Some(_) => UserTokenType::UserName,
        None => UserTokenType::Anonymous,
    };
    let tokens = endpoint.user_identity_tokens.take().unwrap_or_default();
    let Some(token) = best_token(&endpoint, kind, tokens) else {
        let who = if plan.user.is_some() {
            "user names"
        } else {
            "anonymous sessions"
        };
        let message = format!("the server at {} takes no {who} at this endpoint", plan.url);
        return Err(refused("access_denied", message));
    };
    endpoint.user_identity_tokens = Some(vec![token]);
    // Servers announce the name that they have for themselves, which may mean nothing here.
    endpoint.endpoint_url = plan.url.as_str().into();
    Ok(endpoint)
}

// A password travels encrypted if the server has any way for it that is not deprecated. The
// stack itself refuses to send it in the clear over a channel that is only signed.
fn best_token(
    endpoint: &EndpointDescription,
    kind: UserTokenType,
    tokens: Vec<UserTokenPolicy>,
) -> Option<UserTokenPolicy> {
    let effective = |token: &UserTokenPolicy| {
        let uri = match token.security_policy_uri.as_ref() {
            "" => endpoint.security_policy_uri.as_ref(),
            uri => uri,
        };
        SecurityPolicy::from_uri(uri)
    };
    let rank = |token: &UserTokenPolicy| match effective(token) {
        SecurityPolicy::Basic256Sha256
        | SecurityPolicy::Aes128Sha256RsaOaep
        | SecurityPolicy::Aes256Sha256RsaPss => Some(0),
        SecurityPolicy::None => Some(1),
        _ if kind == UserTokenType::Anonymous => Some(2),
        _ => None,
    };
    let fitting = tokens.into_iter().filter(|token| token.token_type == kind);
    fitting
        .filter_map(|token| Some((rank(&token)?, token)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, token)| token)
}

fn security(plan: &ConnectionPlan) -> (SecurityPolicy, MessageSecurityMode) {
    let policy = match plan.policy {
        Policy::None => SecurityPolicy::None,
        Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
    };
    let mode = match plan.mode {
        Mode::None => MessageSecurityMode::None,
        Mode::Sign => MessageSecurityMode::Sign,
        Mode::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
    };
    (policy, mode)
}

fn describe(offered: &[EndpointDescription]) -> String {
    let mut words: Vec<_> = offered
        .iter()
        .take(ENDPOINTS_MAX)
        .map(|endpoint| {
            let uri = endpoint.security_policy_uri.as_ref();
            let policy = uri.rsplit('#').next().unwrap_or(uri);
            format!("{policy}/{}", endpoint.security_mode)
        })
        .collect();
    words.sort();
    words.dedup();
    if words.is_empty() {
        "nothing".into()
    } else {
        words.join(", ")
    }
}

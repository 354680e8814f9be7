//! What a server offers, and which of it is used.

use std::path::Path;

use mainstem_adapter::SessionEnd;
use opcua::client::{AsyncSecureChannel, ClientConfig, Session, SessionBuilder};
use opcua::core::ResponseMessage;
use opcua::crypto::SecurityPolicy;
use opcua::types::{
    DateTime, EndpointDescription, Error, GetEndpointsRequest, MessageSecurityMode, RequestHeader,
    StatusCode, UserTokenPolicy, UserTokenType,
};

use super::identity;
use super::open::refused;
use super::socket::{Dialer, Wire};
use super::user;
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
    let dialer = Dialer::new(&plan.url, &Wire::default());
    let channel = SessionBuilder::new(config)
        .with_connector(dialer.clone())
        .connect_to_endpoint_directly(plan.url.as_str())?
        .build_channel(store)?;
    let mut traffic = channel.connect_no_retry(&dialer).await?;
    let answer = request(plan, &channel);
    tokio::pin!(answer);
    loop {
        tokio::select! {
            offered = &mut answer => break offered,
            // A closed transport fails the request, which ends the loop.
            _ = traffic.poll() => {}
        }
    }
}

async fn request(
    plan: &ConnectionPlan,
    channel: &AsyncSecureChannel,
) -> Result<Vec<EndpointDescription>, Error> {
    let request = GetEndpointsRequest {
        request_header: RequestHeader {
            request_handle: channel.request_handle(),
            // Some servers (open62541) refuse requests without it.
            timestamp: DateTime::now(),
            ..Default::default()
        },
        endpoint_url: plan.url.as_str().into(),
        ..Default::default()
    };
    match channel.send(request, plan.request_timeout).await? {
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

/// Asks again over a session whose server is known, where what was chosen depended on an answer
/// that anybody could have changed on the way (part 4, 5.7.2.1): a stronger endpoint that was kept
/// from us ends the session.
pub(super) async fn confirm(
    plan: &ConnectionPlan,
    session: &Session,
    chosen: &EndpointDescription,
) -> Result<Result<(), SessionEnd>, Error> {
    let offered = request(plan, session.channel()).await?;
    let best = match choose(plan, &offered) {
        Ok(best) => best,
        Err(end) => return Ok(Err(end)),
    };
    if best.security_policy_uri == chosen.security_policy_uri {
        return Ok(Ok(()));
    }
    let message = format!(
        "somebody between us and the server at {} takes endpoints out of its list: it offers {}, \
         and only {} arrived; find out who, or name the policy with securityPolicy",
        plan.url,
        policy_of(&best),
        policy_of(chosen)
    );
    Ok(Err(refused("downgraded", message)))
}

/// The endpoint that the configuration asks for, with the one way to log in that will be used.
pub(super) fn choose(
    plan: &ConnectionPlan,
    offered: &[EndpointDescription],
) -> Result<EndpointDescription, SessionEnd> {
    let mode = mode(plan);
    let fits = |endpoint: &EndpointDescription, policy: SecurityPolicy| {
        endpoint.security_policy_uri.as_ref() == policy.to_uri()
            && endpoint.security_mode == mode
            && endpoint.endpoint_url.as_ref().starts_with("opc.tcp:")
    };
    let offered = &offered[..offered.len().min(ENDPOINTS_MAX)];
    let best = |policy: &Policy| offered.iter().find(|one| fits(one, uri_of(*policy)));
    let Some(mut endpoint) = plan.policies.iter().find_map(best).cloned() else {
        return Err(refused("no_matching_endpoint", no_match(plan, offered)));
    };
    let kind = user::kind(&plan.user);
    let tokens = endpoint.user_identity_tokens.take().unwrap_or_default();
    let Some(mut token) = best_token(&endpoint, kind, tokens) else {
        let who = match kind {
            UserTokenType::Anonymous => "anonymous sessions",
            UserTokenType::Certificate => "users with certificates",
            _ => "user names",
        };
        let message = format!("the server at {} takes no {who} at this endpoint", plan.url);
        return Err(refused("access_denied", message));
    };
    // The stack would sign nothing for a user's certificate if the token leaves its policy to the
    // endpoint (part 4, 7.42: an empty URI means the endpoint's).
    if token.security_policy_uri.as_ref().is_empty() {
        token.security_policy_uri = endpoint.security_policy_uri.clone();
    }
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
        SecurityPolicy::None if kind != UserTokenType::Certificate => Some(1),
        _ if kind == UserTokenType::Anonymous => Some(2),
        _ => None,
    };
    let fitting = tokens.into_iter().filter(|token| token.token_type == kind);
    fitting
        .filter_map(|token| Some((rank(&token)?, token)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, token)| token)
}

/// The policy of an endpoint.
pub(super) fn policy_of(endpoint: &EndpointDescription) -> SecurityPolicy {
    SecurityPolicy::from_uri(endpoint.security_policy_uri.as_ref())
}

fn uri_of(policy: Policy) -> SecurityPolicy {
    match policy {
        Policy::None => SecurityPolicy::None,
        Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
        Policy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
        Policy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
    }
}

fn mode(plan: &ConnectionPlan) -> MessageSecurityMode {
    match plan.mode {
        Mode::None => MessageSecurityMode::None,
        Mode::Sign => MessageSecurityMode::Sign,
        Mode::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
    }
}

// What was asked for, what there is, and the one way on that nobody may take silently.
fn no_match(plan: &ConnectionPlan, offered: &[EndpointDescription]) -> String {
    let wanted = match plan.policies[..] {
        [policy] => uri_of(policy).to_string(),
        _ => "a security policy that is not deprecated".to_owned(),
    };
    let none = MessageSecurityMode::None;
    let hint = if !plan.is_open() && offered.iter().any(|one| one.security_mode == none) {
        "; if everybody who can reach this network may read and change what is said there, write \
         securityPolicy: None (adapters try and browse: -o securityPolicy=None)"
    } else {
        ""
    };
    format!(
        "the server at {} offers no endpoint with {wanted} and {}; it offers {}{hint}",
        plan.url,
        mode(plan),
        describe(offered)
    )
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

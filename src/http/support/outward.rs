//! `/api/v1/remotes/{name}/api/{path}`: the API of a node below, over the link to it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use mainstem_remote::{SupportBody, SupportError};
use mainstem_wire::api::ProblemDocument;
use tokio_util::sync::CancellationToken;

use super::passage;
use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::switch::unknown;

/// Seconds after which a request that found no place may come again.
const RETRY_AFTER: u64 = 1;

/// `/api/v1/remotes/{name}/api/{path}`.
#[utoipa::path(
    method(get, put, post, delete),
    path = "/api/v1/remotes/{name}/api/{path}",
    tag = "support",
    params(("name" = String, Path, description = "The remote's name here"),
        ("path" = String, Path, description = "The path behind /api/v1/ there, slashes and all")),
    responses((status = 200, description = "What the remote answers"),
        (status = 403, description = "The role lacks `remote_support`, or the remote is not open", body = ProblemDocument),
        (status = 503, description = "There is no communication with the remote", body = ProblemDocument))
)]
pub(crate) async fn outward(
    State(api): State<Arc<Api>>,
    Path((name, _)): Path<(String, String)>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.need_remote_support()?;
    let target = format!("{name} {} {}", request.method(), shown(&request));
    let answer = forward(&api, &caller, &name, request).await;
    let (outcome, detail) = match &answer {
        Ok(response) => (response.status().as_u16().to_string(), String::new()),
        Err(problem) => ("refused".to_owned(), problem.document().detail),
    };
    api.note_with(&caller, "support.request", &target, &outcome, detail);
    answer
}

/// What stands behind the name and `/api`.
fn below(request: &Request) -> Option<&str> {
    let text = request.uri().path_and_query()?.as_str();
    let rest = text.strip_prefix("/remotes/")?;
    rest.split_once("/api/").map(|(_, rest)| rest)
}

fn shown(request: &Request) -> String {
    let path = below(request).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    format!("/{}", path.chars().take(200).collect::<String>())
}

async fn forward(
    api: &Api,
    caller: &Caller,
    name: &str,
    request: Request,
) -> Result<Response, Problem> {
    let path = below(&request).ok_or_else(|| Problem::new(Code::Path, "no path of the remote"))?;
    let uri = format!("/api/v1/link/support/{path}");
    let uri = uri
        .parse()
        .map_err(|_| Problem::new(Code::Path, "the path of the remote is none"))?;
    let mut headers = passage::request_headers(request.headers());
    headers.insert(
        passage::ORIGINATORS,
        passage::told(&originators(api, caller))?,
    );
    let bytes_max = usize::try_from(api.limits.body_bytes).unwrap_or(usize::MAX);
    let (parts, body) = request.into_parts();
    let body: SupportBody = Limited::new(body, bytes_max)
        .map_err(std::io::Error::other)
        .boxed_unsync();
    let mut onward = http::Request::new(body);
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = uri;
    *onward.headers_mut() = headers;
    let sent = api.parts.forward(name, onward);
    let answer = sent.ok_or_else(|| unknown("remote", name))?.await;
    let (response, place) = answer.map_err(|error| refused(name, &error))?;
    if response.status() == StatusCode::UNAUTHORIZED {
        // It is this node's token that is not taken; the caller's own is not concerned.
        let detail = format!("{name} does not know the token of this node");
        return Err(Problem::new(Code::NoOwner, detail));
    }
    let mut response = response.map(Body::new);
    passage::strip(response.headers_mut());
    let never = CancellationToken::new();
    Ok(response.map(|body| passage::bounded(body, place, never)))
}

/// Who asks: he himself, or who asked the nodes before and the neighbour that brought it.
fn originators(api: &Api, caller: &Caller) -> Vec<String> {
    let node = &api.store.setup().name;
    match &caller.pass {
        None => vec![format!(
            "{}@{node}",
            caller.principal.name.replace(',', "_")
        )],
        Some(pass) => {
            let mut names = pass.originators.clone();
            names.push(format!("{}@{node}", pass.neighbour.replace(',', "_")));
            names
        }
    }
}

fn refused(name: &str, error: &SupportError) -> Problem {
    let detail = format!("{name}: {error}");
    match error {
        SupportError::NotReachable | SupportError::Silent => Problem::new(Code::NoOwner, detail),
        SupportError::Busy => Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER),
        SupportError::OneWay | SupportError::NotANode => Problem::new(Code::Conflict, detail),
    }
}

//! `/api/v1/link/support/{path}`: a request of somebody at a node above, brought by the
//! neighbour whose link it is. It meets the same routes as any other, with the rights of the role
//! that this node names for it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, on};
use http::Uri;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use mainstem_security::Principal;
use mainstem_wire::api::ProblemDocument;

use super::passage;
use super::window::Admitted;
use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::router::resources;

/// Seconds after which a request that found no place may come again.
const RETRY_AFTER: u64 = 1;

/// Who comes over a link: the names that were claimed, and the neighbour that brought them.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(super) originators: Vec<String>,
    pub(super) neighbour: String,
}

/// The route, with the routes behind it.
pub(crate) fn inward(api: &Arc<Api>) -> MethodRouter<Arc<Api>> {
    let inner = resources()
        .fallback(crate::problem::not_found)
        .method_not_allowed_fallback(crate::problem::method_not_allowed)
        .with_state(Arc::clone(api));
    on(
        passage::METHODS,
        move |State(api): State<Arc<Api>>, caller: Caller, request: Request| {
            let inner = inner.clone();
            async move { answer(&api, caller, request, inner).await }
        },
    )
}

/// `/api/v1/link/support/{path}`: a request of somebody at a node above, brought by a neighbour.
#[utoipa::path(
    method(get, put, post, delete),
    path = "/api/v1/link/support/{path}",
    tag = "link",
    params(("path" = String, Path, description = "The path behind /api/v1/"),
        ("mainstem-originators" = String, Header,
            description = "Who asks, from the first node on: `<principal>@<node>`, with commas between")),
    responses((status = 200, description = "What the route behind it answers"),
        (status = 403, description = "Not open for remote support", body = ProblemDocument),
        (status = 422, description = "Nobody or too many are named as who asks", body = ProblemDocument))
)]
#[expect(dead_code, reason = "the description of a route that is a closure")]
pub(crate) fn described() {}

async fn answer(
    api: &Arc<Api>,
    caller: Caller,
    request: Request,
    inner: Router,
) -> Result<Response, Problem> {
    caller.need_link()?;
    let originators = passage::heard(request.headers())?;
    let target = target(&request);
    let detail = format!(
        "for {} through {}",
        originators.join(", "),
        caller.principal.name
    );
    let (pass, admitted) = match admit(api, &caller, originators) {
        Ok(admitted) => admitted,
        Err(problem) => {
            api.note_with(&caller, "support.request", &target, "refused", detail);
            return Err(problem);
        }
    };
    let Ok(place) = Arc::clone(&api.support.under_way).try_acquire_owned() else {
        let detail = "too many requests of remote support are under way";
        return Err(Problem::new(Code::Busy, detail).retry_after(RETRY_AFTER));
    };
    let over = admitted.over.clone();
    let supporter = supporter(&caller, pass, admitted);
    let noted = supporter.clone();
    let request = rebuilt(request, supporter)?;
    let answered = TowerToHyperService::new(inner).call(request);
    let response = tokio::select! {
        answered = answered => answered.into_response(),
        () = over.cancelled() => closed().into_response(),
    };
    let outcome = response.status().as_u16().to_string();
    api.note_with(&noted, "support.request", &target, &outcome, detail);
    Ok(response.map(|body| passage::bounded(body, place, over)))
}

fn admit(
    api: &Api,
    caller: &Caller,
    originators: Vec<String>,
) -> Result<(Pass, Admitted), Problem> {
    if caller.principal.rights.link_reads_only {
        let detail = crate::link::one_way_sentence(&caller.principal.role);
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let admitted = api.support_admits().ok_or_else(closed)?;
    let neighbour = caller.principal.name.clone();
    let pass = Pass {
        originators,
        neighbour,
    };
    Ok((pass, admitted))
}

fn closed() -> Problem {
    Problem::new(
        Code::SupportClosed,
        "nobody has opened it, or its time is over",
    )
}

/// Whoever asked, as this node sees him.
fn supporter(caller: &Caller, pass: Pass, admitted: Admitted) -> Caller {
    let first = pass.originators.first().map_or("", String::as_str);
    let principal = Principal {
        from: mainstem_security::AddressList::default(),
        name: format!("support:{first}"),
        role: admitted.role,
        rights: admitted.rights,
        provide: None,
    };
    Caller {
        principal: Arc::new(principal),
        arrival: caller.arrival,
        pass: Some(Arc::new(pass)),
    }
}

/// Method and path, for the audit.
fn target(request: &Request) -> String {
    let path = request.uri().path();
    let path = path.strip_prefix("/link/support").unwrap_or(path);
    let path: String = path.chars().take(200).collect();
    format!("{} {path}", request.method())
}

/// The request as the routes behind it see it: nothing of the route that it came by is left.
fn rebuilt(request: Request, supporter: Caller) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let text = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let text = text.strip_prefix("/link/support").unwrap_or(text);
    let uri: Uri = text
        .parse()
        .map_err(|_| Problem::new(Code::Path, "the path behind the route is none"))?;
    let mut request = Request::new(Body::new(body));
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri;
    *request.version_mut() = parts.version;
    *request.headers_mut() = passage::request_headers(&parts.headers);
    let extensions = request.extensions_mut();
    extensions.insert(supporter.arrival);
    extensions.insert(supporter);
    Ok(request)
}

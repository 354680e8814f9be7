//! `/api/v1/opcua-server`: how the OPC UA server stands, and the certificates of its clients.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_wire::api::{CertificateDocument, OpcuaServerDocument, Page};

use crate::Api;
use crate::auth::Caller;
use crate::parts::CertificateRefusal;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// `GET /api/v1/opcua-server`.
#[utoipa::path(
    get,
    path = "/api/v1/opcua-server",
    tag = "opcua-server",
    responses((status = 200, description = "How it stands", body = OpcuaServerDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<OpcuaServerDocument> {
    Json(api.parts.opcua_server().await.unwrap_or_default())
}

/// `GET /api/v1/opcua-server/certificates`: those that wait first.
#[utoipa::path(
    get,
    path = "/api/v1/opcua-server/certificates",
    tag = "opcua-server",
    responses((status = 200, description = "All of them", body = Page<CertificateDocument>))
)]
pub(crate) async fn certificates(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<Page<CertificateDocument>>, Problem> {
    caller.need_admin()?;
    let listed = api.parts.opcua_certificates().await;
    Ok(Json(Page::whole(listed.map_err(refused)?)))
}

/// `POST /api/v1/opcua-server/certificates/{thumbprint}/trust`: its client may come in.
#[utoipa::path(
    post,
    path = "/api/v1/opcua-server/certificates/{thumbprint}/trust",
    tag = "opcua-server",
    params(("thumbprint" = String, Path, description = "Its SHA-256")),
    responses((status = 204, description = "Trusted; counts at the client's next try"))
)]
pub(crate) async fn trust(
    State(api): State<Arc<Api>>,
    Segment(thumbprint): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    decide(&api, &caller, thumbprint, true).await
}

/// `POST /api/v1/opcua-server/certificates/{thumbprint}/reject`: its client may not come in, and
/// does not wait any more.
#[utoipa::path(
    post,
    path = "/api/v1/opcua-server/certificates/{thumbprint}/reject",
    tag = "opcua-server",
    params(("thumbprint" = String, Path, description = "Its SHA-256")),
    responses((status = 204, description = "Refused from the client's next try on"))
)]
pub(crate) async fn reject(
    State(api): State<Arc<Api>>,
    Segment(thumbprint): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    decide(&api, &caller, thumbprint, false).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    thumbprint: String,
    trusted: bool,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let target: String = thumbprint.chars().take(100).collect();
    let decided = api
        .parts
        .decide_opcua_certificate(thumbprint, trusted)
        .await;
    let action = if trusted {
        "certificate.trust"
    } else {
        "certificate.reject"
    };
    let outcome = if decided.is_ok() { "done" } else { "refused" };
    api.note(caller, action, &target, outcome);
    decided.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(refusal: CertificateRefusal) -> Problem {
    match refusal {
        CertificateRefusal::Off => {
            let detail = "this node has no OPC UA server: see `Server::Opcua` in its node file";
            Problem::new(Code::UnknownName, detail)
        }
        CertificateRefusal::Unknown(detail) => Problem::new(Code::UnknownName, detail),
        CertificateRefusal::Malformed(detail) => Problem::new(Code::Path, detail),
        CertificateRefusal::Disk(detail) => Problem::internal(&detail),
    }
}

//! Remote support: the API of a node is reachable through its concentrator, over their link, while
//! its own administrator has opened it.

mod inward;
mod outward;
mod passage;
mod window;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_model::quantity::parse_duration;
use mainstem_wire::api::{NewSupportDocument, ProblemDocument, SupportDocument};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params};

pub(crate) use inward::{__path_described, Pass, inward};
pub(crate) use outward::{__path_outward, outward};
pub(crate) use passage::{METHODS, ORIGINATORS_MAX};
pub(crate) use window::Support;
pub use window::SupportConfig;
use window::{DURATION_MAX, DURATION_MIN};

/// Bytes of a wish to open the node.
const BYTES_MAX: usize = 4096;

/// `GET /api/v1/support`.
#[utoipa::path(
    get,
    path = "/api/v1/support",
    tag = "support",
    responses((status = 200, description = "Whether the node is open", body = SupportDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<SupportDocument> {
    Json(api.support_document())
}

/// `POST /api/v1/support`: opens the node for a time, or changes the time.
#[utoipa::path(
    post,
    path = "/api/v1/support",
    tag = "support",
    request_body = NewSupportDocument,
    responses((status = 200, description = "It is open", body = SupportDocument),
        (status = 409, description = "The node file has no section `support:`", body = ProblemDocument),
        (status = 422, description = "Not 1 s to 24 h", body = ProblemDocument))
)]
pub(crate) async fn open(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<NewSupportDocument, BYTES_MAX>,
) -> Result<Json<SupportDocument>, Problem> {
    caller.need_admin()?;
    let duration = parse_duration(&asked.duration).ok();
    let duration = duration.filter(|asked| (DURATION_MIN..=DURATION_MAX).contains(asked));
    let Some(duration) = duration else {
        let detail = "for: a duration of 1 s to 24 h, such as 2h";
        return Err(Problem::new(Code::Member, detail));
    };
    api.open_support(&caller, duration)?;
    Ok(Json(api.support_document()))
}

/// `DELETE /api/v1/support`: closes the node at once, with what is under way.
#[utoipa::path(
    delete,
    path = "/api/v1/support",
    tag = "support",
    responses((status = 200, description = "It is closed", body = SupportDocument))
)]
pub(crate) async fn close(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<SupportDocument>, Problem> {
    caller.need_admin()?;
    api.close_support(&caller);
    Ok(Json(api.support_document()))
}

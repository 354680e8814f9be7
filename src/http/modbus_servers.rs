//! `/api/v1/modbus-servers`: how the Modbus servers of this node stand.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_wire::api::{ModbusServerDocument, Page};

use crate::Api;
use crate::auth::Caller;
use crate::query::{Nothing, Params};

/// `GET /api/v1/modbus-servers`: those that run.
#[utoipa::path(
    get,
    path = "/api/v1/modbus-servers",
    tag = "modbus-servers",
    responses((status = 200, description = "All of them", body = Page<ModbusServerDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _: Caller,
) -> Json<Page<ModbusServerDocument>> {
    Json(Page::whole(api.parts.modbus_servers()))
}

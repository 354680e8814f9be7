//! What a concentrator needs beside the changes: beats.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_wire::{Beat, BeatAnswer};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::Problem;
use crate::query::{Nothing, Params};

/// Bytes of a beat.
const BEAT_BYTES_MAX: usize = 4096;

/// `POST /api/v1/link/beat`: heartbeat, acknowledgement, lag and clocks in one exchange.
pub(crate) async fn beat(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(beat): Document<Beat, BEAT_BYTES_MAX>,
) -> Result<Json<BeatAnswer>, Problem> {
    caller.need_link()?;
    Ok(Json(api.serving.beat(
        &caller.principal.name,
        &beat,
        caller.arrival.at,
    )))
}

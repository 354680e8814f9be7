//! What a concentrator needs beside the changes: beats, and writes that it passes on.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mainstem_model::{Monotonic, WriteState};
use mainstem_wire::api::ProblemDocument;
use mainstem_wire::api::write::{LinkWrite, WriteDocument};
use mainstem_wire::{Beat, BeatAnswer};
use mainstem_write::{BUDGET_MAX, Entry, Request};

use crate::auth::Caller;
use crate::body::Document;
use crate::problem::Problem;
use crate::query::{Nothing, Params};
use crate::{Api, write_answer};

/// Bytes of a beat.
const BEAT_BYTES_MAX: usize = 4096;
/// Bytes of a write.
const WRITE_BYTES_MAX: usize = 512 * 1024;
/// Beyond the deadline of a write, its outcome needs the way back over all nodes below.
const WAY_BACK: Duration = Duration::from_secs(5);
/// The reason of a write whose age cannot be told.
const NO_CLOCK_MAPPING: &str = "no_clock_mapping";
/// The reason of a write over a link that is for reading only.
pub(crate) const ONE_WAY: &str = "one_way";

/// `POST /api/v1/link/beat`: heartbeat, acknowledgement, lag and clocks in one exchange.
#[utoipa::path(
    post,
    path = "/api/v1/link/beat",
    tag = "link",
    request_body = Beat,
    responses((status = 200, description = "The server's stamps", body = BeatAnswer))
)]
pub(crate) async fn beat(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(beat): Document<Beat, BEAT_BYTES_MAX>,
) -> Result<Json<BeatAnswer>, Problem> {
    caller.need_link()?;
    let answer = api
        .serving
        .beat(&caller.principal.name, &beat, caller.arrival.at);
    Ok(Json(answer))
}

/// `POST /api/v1/link/writes`: a write that a neighbour passes on, answered when it is final.
#[utoipa::path(
    post,
    path = "/api/v1/link/writes",
    tag = "link",
    request_body = LinkWrite,
    responses((status = 200, description = "The write, once it is final", body = WriteDocument),
        (status = 404, description = "No such datapoint", body = ProblemDocument),
        (status = 422, description = "A reused identity, or too long a name of who asked", body = ProblemDocument),
        (status = 503, description = "The node stops", body = ProblemDocument))
)]
pub(crate) async fn write(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(write): Document<LinkWrite, WRITE_BYTES_MAX>,
) -> Result<Json<WriteDocument>, Problem> {
    caller.need_link()?;
    if caller.principal.rights.link_reads_only {
        api.note(&caller, "write", &write.name, "denied");
        return Ok(Json(one_way(&api, &caller, write)));
    }
    let Some(deadline) = deadline(&api, &caller, &write) else {
        return Ok(Json(unmapped(&api, write)));
    };
    let longest = Duration::from_micros(write.budget_us).min(BUDGET_MAX) + WAY_BACK;
    let (id, principal) = (write.id, (*caller.principal).clone());
    let request = Request {
        space: write.kind,
        name: write.name,
        value: write.value,
        pulse: write.pulse_us.map(Duration::from_micros),
        key: None,
        budget: Duration::ZERO,
        entry: Entry::Link {
            principal,
            id,
            deadline,
            originators: write.originators,
        },
    };
    let record = api.writes.submit(request).await;
    let record = record.map_err(|refusal| write_answer::refused(&refusal))?;
    let ended = match record.is_final() {
        true => None,
        false => api.writes.wait(id, &caller.principal, longest).await,
    };
    Ok(Json(WriteDocument::from(&*ended.unwrap_or(record))))
}

/// The sender's stamp on this node's clock, plus what was left, less what is not sure. In doubt a
/// write is too late: late ones are never carried out.
fn deadline(api: &Api, caller: &Caller, write: &LinkWrite) -> Option<Monotonic> {
    let budget = Duration::from_micros(write.budget_us).min(BUDGET_MAX);
    until(api, caller, (write.session, write.sent), budget)
}

/// The same of any request of a neighbour.
pub(crate) fn until(
    api: &Api,
    caller: &Caller,
    (session, stamp): (u64, u64),
    budget: Duration,
) -> Option<Monotonic> {
    let who = &caller.principal.name;
    let now = caller.arrival.at;
    let (sent, uncertainty) = api.serving.map_stamp(who, session, stamp, now)?;
    Some(sent.after(budget.saturating_sub(uncertainty)))
}

/// The neighbour's role takes no write over a link, whatever is written.
fn one_way(api: &Api, caller: &Caller, write: LinkWrite) -> WriteDocument {
    let message = one_way_sentence(&caller.principal.role);
    rejected(api, write, ONE_WAY, message)
}

/// Why no write comes over a link that is for reading only.
pub(crate) fn one_way_sentence(role: &str) -> String {
    format!("role {role}: its links are for reading only (`link: read`)")
}

fn unmapped(api: &Api, write: LinkWrite) -> WriteDocument {
    tracing::warn!(id = %write.id, name = %write.name, "a write over a link without a clock mapping");
    let message = "no beat of this link has told how the clocks map: nothing late is carried out";
    rejected(api, write, NO_CLOCK_MAPPING, message.to_owned())
}

fn rejected(api: &Api, write: LinkWrite, reason: &str, message: String) -> WriteDocument {
    WriteDocument {
        asked_as: None,
        id: write.id,
        kind: write.kind,
        name: write.name,
        state: WriteState::Rejected,
        reason: Some(reason.to_owned()),
        message: Some(message),
        hop: None,
        verified: false,
        hops: Vec::new(),
        deadline: api.clock().now(),
        key: None,
    }
}

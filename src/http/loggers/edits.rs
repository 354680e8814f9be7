//! `/api/v1/loggers/{id}/edits`: new versions of a stretch of a series, and which there were.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_datalogger::recorder::BROUGHT_ROWS_MAX;
use mainstem_datalogger::{Edit, Logged, NOTE_BYTES_MAX, Row};
use mainstem_model::Timestamp;
use mainstem_wire::api::history::{EditDocument, EditRequest};
use mainstem_wire::api::{Page, ProblemDocument};

use super::import::sample::{Sample, Taker};
use super::owned::{bring, own_series};
use super::{answer, find, import};
use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// Bytes of an edit.
const BYTES_MAX: usize = 4 << 20;

/// `GET /api/v1/loggers/{id}/edits`: the newest thousand that are held.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/{id}/edits",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series")),
    responses((status = 200, description = "In the order in which they were made", body = Page<EditDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<Page<EditDocument>>, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    let edits = tokio::task::spawn_blocking(move || book.sink().edits(view.series)).await;
    let edits = edits.map_err(|error| Problem::internal(&error))?;
    let edits = edits.map_err(|error| answer::unreadable(&error))?;
    let items = edits.iter().filter_map(told).collect();
    Ok(Json(Page::whole(items)))
}

fn told(row: &Row) -> Option<EditDocument> {
    let Logged::Edit(edit) = &row.value else {
        return None;
    };
    Some(EditDocument {
        version: row.row,
        from: Timestamp::from_micros(row.time),
        to: Timestamp::from_micros(edit.to),
        at: Timestamp::from_micros(row.received.unwrap_or(row.time)),
        note: edit.note.to_string(),
    })
}

/// `POST /api/v1/loggers/{id}/edits`.
#[utoipa::path(
    post,
    path = "/api/v1/loggers/{id}/edits",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series")),
    request_body = EditRequest,
    responses((status = 200, description = "It is stored, and roll-ups are being repaired", body = EditDocument),
        (status = 403, description = "The role may not", body = ProblemDocument),
        (status = 409, description = "The series is recorded elsewhere", body = ProblemDocument),
        (status = 422, description = "The stretch or a row is not valid", body = ProblemDocument))
)]
pub(crate) async fn post(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
    Document(body): Document<EditRequest, BYTES_MAX>,
) -> Result<Json<EditDocument>, Problem> {
    let (book, view) = own_series(&api, &caller, &id, "logger.edit")?;
    let now = api.clock().now();
    let taker = Taker {
        value_type: view.value_type,
        zone: None,
        now,
    };
    let samples = checked(&body, &taker).map_err(|text| Problem::new(Code::Member, text))?;
    let who = &caller.principal.name;
    let note = format!("{who}: {}", body.reason.trim());
    if note.len() > NOTE_BYTES_MAX {
        let detail = format!(
            "the reason has at most {} bytes",
            NOTE_BYTES_MAX - who.len() - 2
        );
        return Err(Problem::new(Code::Member, detail));
    }
    let (from, to) = (body.from.micros(), body.to.micros());
    let (count, span) = (samples.len(), format!("{} to {}", body.from, body.to));
    let edit = Row {
        series: view.series,
        row: 0,
        time: from,
        received: Some(now.micros()),
        value: Logged::Edit(Arc::new(Edit {
            to,
            note: note.clone().into(),
        })),
        quality: 0,
    };
    let mut rows = vec![edit];
    rows.extend(import::rows(view.series, samples, now));
    let stored = bring(&book, view.series, rows).await;
    let outcome = if stored.is_ok() { "ok" } else { "unknown" };
    let detail = format!("{span}, {count} rows: {}", body.reason.trim());
    api.note_with(&caller, "logger.edit", &id, outcome, detail);
    Ok(Json(EditDocument {
        version: stored?,
        from: body.from,
        to: body.to,
        at: now,
        note,
    }))
}

fn checked(body: &EditRequest, taker: &Taker) -> Result<Vec<Sample>, String> {
    let (from, to) = (body.from.micros(), body.to.micros());
    taker.within(from)?;
    taker.within(to.saturating_sub(1))?;
    if from >= to {
        return Err("from is not before to".into());
    }
    if body.reason.trim().is_empty() {
        return Err("an edit needs a reason".into());
    }
    if body.rows.len() >= BROUGHT_ROWS_MAX {
        return Err(format!(
            "an edit has at most {} rows: edit a shorter stretch",
            BROUGHT_ROWS_MAX - 1
        ));
    }
    let samples = body.rows.iter().map(|row| {
        let sample =
            import::document(row, taker).map_err(|text| format!("{}: {text}", row.time))?;
        match (from..to).contains(&sample.time) {
            true => Ok(sample),
            false => Err(format!("{}: it is not within the stretch", row.time)),
        }
    });
    samples.collect()
}

//! `/api/v1/loggers`: what was recorded. Who may read a datapoint may read what was recorded of it.

mod answer;
mod asked;
pub(crate) mod edits;
pub(crate) mod gaps;
mod grid;
pub(crate) mod import;
pub(crate) mod link;
mod owned;
mod row;
mod slot;
pub(crate) mod verify;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_model::{Name, Timestamp};
use mainstem_wire::api::{LoggerDocument, Page};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::query::{self, Nothing, Params, Segment};
use asked::{RollupsQuery, SamplesQuery};
use grid::GridQuery;

/// Series in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Series in one part of a list at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoggersQuery {
    /// Entries at the most: 1 to 10000, 1000 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Series behind this one: the `next` of the part before.
    after: Option<String>,
}

/// `GET /api/v1/loggers`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers",
    tag = "loggers",
    params(LoggersQuery),
    responses((status = 200, description = "In the order of their names", body = Page<LoggerDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(asked): Params<LoggersQuery>,
    caller: Caller,
) -> Result<Json<Page<LoggerDocument>>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = asked.after.as_deref().map(Name::new).transpose();
    let mut after = after.map_err(|error| Problem::new(Code::Query, format!("after: {error}")))?;
    let Some(book) = api.parts.loggers() else {
        return Ok(Json(Page::whole(Vec::new())));
    };
    let mut items = Vec::new();
    loop {
        let part = book.list(after.as_ref(), LIMIT_MAX);
        let is_last = part.len() < LIMIT_MAX;
        for view in part {
            if items.len() == limit {
                let next = after.map(|name| name.to_string());
                return Ok(Json(Page { items, next }));
            }
            after = Some(view.name.clone());
            if may_read(&api, &caller, &view) {
                items.push(document(&book, view));
            }
        }
        if is_last {
            return Ok(Json(Page { items, next: None }));
        }
    }
}

/// `GET /api/v1/loggers/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/{id}",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series")),
    responses((status = 200, description = "The series", body = LoggerDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<LoggerDocument>, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    let (sink, series) = (Arc::clone(book.sink()), view.series);
    let extent = tokio::task::spawn_blocking(move || sink.extent(series)).await;
    let extent = extent.map_err(|error| Problem::internal(&error))?;
    let extent = extent.map_err(|error| answer::unreadable(&error))?;
    let times = extent.times;
    Ok(Json(LoggerDocument {
        rows: Some(extent.rows),
        oldest: times.map(|(oldest, _)| Timestamp::from_micros(oldest)),
        newest: times.map(|(_, newest)| Timestamp::from_micros(newest)),
        ..document(&book, view)
    }))
}

/// `GET /api/v1/loggers/{id}/samples`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/{id}/samples",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series"), SamplesQuery),
    responses((status = 200, description = "Rows in the order of their times", content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv")
    )))
)]
pub(crate) async fn samples(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(asked): Params<SamplesQuery>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    let wish = asked.wish(&view, &headers, api.clock().now())?;
    book.sink()
        .readable()
        .map_err(|error| answer::unreadable(&error))?;
    answer::stream(&api, wish.form, move |out| row::tell(&book, &wish, out))
}

/// `GET /api/v1/loggers/{id}/rollups`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/{id}/rollups",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series"), RollupsQuery),
    responses((status = 200, description = "Slots in the order of their beginnings", content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv")
    )))
)]
pub(crate) async fn rollups(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(asked): Params<RollupsQuery>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    let wish = asked.wish(&view, book.zone(), &headers, api.clock().now())?;
    book.sink()
        .readable()
        .map_err(|error| answer::unreadable(&error))?;
    answer::stream(&api, wish.form, move |out| slot::tell(&book, &wish, out))
}

/// `GET /api/v1/loggers/grid`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/grid",
    tag = "loggers",
    params(GridQuery),
    responses((status = 200, description = "A line for each slot, a cell for each series", content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv")
    )))
)]
pub(crate) async fn grid(
    State(api): State<Arc<Api>>,
    Params(asked): Params<GridQuery>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    let names = asked.names()?;
    let found = names.into_iter().map(|name| find(&api, &caller, name));
    let (books, views): (Vec<_>, Vec<_>) =
        found.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let wish = asked.wish(&views, &headers, api.clock().now())?;
    let none = || Problem::new(Code::Query, "series are 1 to 32 names");
    let book = books.into_iter().next().ok_or_else(none)?;
    answer::stream(&api, wish.form, move |out| grid::tell(&book, wish, out))
}

fn find(api: &Api, caller: &Caller, id: &str) -> Result<(Arc<Book>, LoggerView), Problem> {
    let missing = || Problem::new(Code::UnknownName, format!("there is no logger {id:?}"));
    let book = api.parts.loggers().ok_or_else(missing)?;
    let view = book.get(id).filter(|view| may_read(api, caller, view));
    Ok((Arc::clone(&book), view.ok_or_else(missing)?))
}

pub(crate) fn may_read(api: &Api, caller: &Caller, view: &LoggerView) -> bool {
    let read = &caller.principal.rights.read;
    let name = view.datapoint.as_str();
    match api.store.find(name) {
        Some(found) => api.store.decide(read, &found).allowed,
        // The datapoint is not there; its name decides.
        None => read.allows(name),
    }
}

fn document(book: &Book, view: LoggerView) -> LoggerDocument {
    let has_ended = book.has_ended(&view.name);
    LoggerDocument {
        id: view.name.to_string(),
        datapoint: view.datapoint.to_string(),
        kind: view.kind.as_str().to_owned(),
        samples: view.samples.as_str().to_owned(),
        minutes: view.minutes,
        zone: book.zone_name(),
        unit: view.unit.map(Into::into),
        description: view.description.map(Into::into),
        value_type: view.value_type.map(|value_type| value_type.to_string()),
        recording: view.recording,
        ended: has_ended,
        rows: None,
        oldest: None,
        newest: None,
    }
}

//! `/api/v1/remotes/{name}/loggers`: how the data loggers of a remote stand here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_remote::LoggersView;
use mainstem_wire::api::{Page, RemoteLoggersDocument, ReplicatedLoggerDocument};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{self, Params, Segment};
use crate::switch::unknown;

/// Series in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Series in one part of a list at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteLoggersQuery {
    /// Entries at the most: 1 to 10000, 1000 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Series behind this one: the `next` of the part before.
    after: Option<String>,
}

/// `GET /api/v1/remotes/{name}/loggers`.
#[utoipa::path(
    get,
    path = "/api/v1/remotes/{name}/loggers",
    tag = "remotes",
    operation_id = "loggers",
    params(("name" = String, Path, description = "The name"), RemoteLoggersQuery),
    responses((status = 200, description = "In the order of their names",
        body = Page<ReplicatedLoggerDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<RemoteLoggersQuery>,
    _: Caller,
) -> Result<Json<Page<ReplicatedLoggerDocument>>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let remote = api
        .parts
        .remote(&name)
        .ok_or_else(|| unknown("remote", &name))?;
    let Some(loggers) = remote.loggers else {
        return Ok(Json(Page::whole(Vec::new())));
    };
    let after = asked.after.unwrap_or_default();
    let behind = loggers.standing.series.iter();
    let mut behind = behind.filter(|series| series.name > after).peekable();
    let items: Vec<_> = behind
        .by_ref()
        .take(limit)
        .map(|series| ReplicatedLoggerDocument {
            name: series.name.clone(),
            watermark: series.watermark,
            last: series.last,
            lag: series.lag,
            lag_seconds: series.behind.map(|behind| behind.as_secs_f64()),
        })
        .collect();
    let more = behind.peek().is_some();
    let next = items.last().filter(|_| more).map(|last| last.name.clone());
    Ok(Json(Page { items, next }))
}

/// All of them in one document.
pub(crate) fn document(view: &LoggersView) -> RemoteLoggersDocument {
    let standing = &view.standing;
    RemoteLoggersDocument {
        state: view.state.as_str().to_owned(),
        cause: view.cause.clone(),
        series: standing.series.len() as u64,
        lag: view.lag(),
        lag_seconds: view.behind().map(|behind| behind.as_secs_f64()),
        rows: standing.rows,
        live: standing.live,
        gone: standing.gone,
        bytes: view.bytes,
    }
}

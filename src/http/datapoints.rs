//! `/api/v1/datapoints`: the latest values, by name, and writes to them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_model::{Name, quantity};
use mainstem_store::ListQuery;
use mainstem_wire::api::write::WriteRequestDocument;
use mainstem_wire::api::{Page, PointDocument};
use serde::Deserialize;

use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{self, Params, Segment};
use crate::write_answer::{Asked, IDEMPOTENCY_KEY};
use crate::{Api, documents, write_answer};

/// Datapoints in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Datapoints in one part of a list at the most.
const LIMIT_MAX: usize = 10_000;
/// Bytes of one write: a value with escapes, and what stands beside it.
const WRITE_BYTES_MAX: usize = 512 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatapointsQuery {
    limit: Option<usize>,
    after: Option<String>,
    prefix: Option<String>,
    glob: Option<String>,
    #[serde(default)]
    meta: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatapointQuery {
    #[serde(default = "yes")]
    meta: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteQuery {
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    wait: Option<Duration>,
}

/// `GET /api/v1/datapoints`.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(asked): Params<DatapointsQuery>,
    caller: Caller,
) -> Result<Json<Page<PointDocument>>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = asked.after.as_deref().map(Name::new).transpose();
    let after = after.map_err(|error| Problem::new(Code::Query, format!("after: {error}")))?;
    let filter = caller.filter(query::wanted(
        asked.prefix.as_deref(),
        asked.glob.as_deref(),
    )?);
    let search = ListQuery {
        after,
        limit,
        ..ListQuery::default()
    };
    let (found, next) = api.store.list(&search, &filter);
    let items = found
        .into_iter()
        .map(|view| documents::point(view, asked.meta));
    Ok(Json(Page {
        items: items.collect(),
        next: next.map(|name| name.as_str().to_owned()),
    }))
}

/// `GET /api/v1/datapoints/{name}`.
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<DatapointQuery>,
    caller: Caller,
) -> Result<Json<PointDocument>, Problem> {
    Name::new(&name).map_err(|error| Problem::new(Code::Path, error.to_string()))?;
    let view = api
        .store
        .point(&name)
        .filter(|_| caller.principal.may_read(&name));
    let missing = || Problem::new(Code::UnknownName, format!("there is no datapoint {name:?}"));
    Ok(Json(documents::point(
        view.ok_or_else(missing)?,
        asked.meta,
    )))
}

/// `PUT /api/v1/datapoints/{name}`: a write, and what became of it.
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<WriteQuery>,
    caller: Caller,
    headers: HeaderMap,
    Document(body): Document<WriteRequestDocument, WRITE_BYTES_MAX>,
) -> Result<Response, Problem> {
    Name::new(&name).map_err(|error| Problem::new(Code::Path, error.to_string()))?;
    let key = write_answer::key(headers.get(&IDEMPOTENCY_KEY), body.key)?;
    let budget = write_answer::budget(body.deadline_ms, body.deadline.as_deref())?;
    let asked = Asked {
        name,
        value: body.value,
        key,
        budget,
        wait: write_answer::patience(&api, asked.wait, budget),
    };
    let record = write_answer::carry(&api, &caller, asked).await?;
    write_answer::response(&record)
}

//! `/api/v1/datapoints`: the latest values, by name, and writes to them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_model::Name;
use mainstem_store::ListQuery;
use mainstem_wire::api::write::{WriteDocument, WriteRequestDocument};
use mainstem_wire::api::{Page, PointDocument, ProblemDocument, form};
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

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatapointsQuery {
    /// Entries at the most: 1 to 10000, 1000 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Names behind this one: the `next` of the part before.
    after: Option<String>,
    /// Names that begin so.
    prefix: Option<String>,
    /// An ordered list of patterns with commas between: `*` is one segment, `**` any number, `!`
    /// denies. Not together with `prefix`.
    glob: Option<String>,
    /// With definitions.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    meta: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatapointQuery {
    /// With the definition; true unless given.
    #[serde(default = "yes")]
    #[param(value_type = Option<bool>)]
    meta: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteQuery {
    /// How long the answer waits for the outcome; a little longer than the deadline unless given.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "5s")]
    wait: Option<Duration>,
}

/// `GET /api/v1/datapoints`.
#[utoipa::path(
    get,
    path = "/api/v1/datapoints",
    tag = "datapoints",
    params(DatapointsQuery),
    responses((status = 200, description = "A part of the list, in the order of the names", body = Page<PointDocument>))
)]
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
#[utoipa::path(
    get,
    path = "/api/v1/datapoints/{name}",
    tag = "datapoints",
    params(("name" = String, Path, description = "The name"), DatapointQuery),
    responses((status = 200, description = "The datapoint", body = PointDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    Params(asked): Params<DatapointQuery>,
    caller: Caller,
) -> Result<Json<PointDocument>, Problem> {
    Name::new(&name).map_err(|error| Problem::new(Code::Path, error.to_string()))?;
    let missing = || Problem::new(Code::UnknownName, format!("there is no datapoint {name:?}"));
    let found = api.store.find(&name).ok_or_else(missing)?;
    if !api
        .store
        .decide(&caller.principal.rights.read, &found)
        .allowed
    {
        return Err(missing());
    }
    let document = documents::point(found.view, asked.meta);
    Ok(Json(PointDocument {
        asked_as: found.asked_as.map(|old| old.to_string()),
        ..document
    }))
}

/// `PUT /api/v1/datapoints/{name}`: a write, and what became of it.
#[utoipa::path(
    put,
    path = "/api/v1/datapoints/{name}",
    tag = "datapoints",
    params(("name" = String, Path, description = "The name"),
        ("Idempotency-Key" = Option<String>, Header, description = "One key is one write"),
        WriteQuery),
    request_body = WriteRequestDocument,
    responses((status = 200, description = "Applied", body = WriteDocument),
        (status = 202, description = "Open; `Location` tells where to look", body = WriteDocument),
        (status = 403, description = "A filter or the access denies it", body = ProblemDocument),
        (status = 404, description = "No such datapoint", body = ProblemDocument),
        (status = 409, description = "The device refused it", body = ProblemDocument),
        (status = 422, description = "Type, limits or a reused key", body = ProblemDocument),
        (status = 503, description = "Nothing carries it out now", body = ProblemDocument),
        (status = 504, description = "Expired or unknown; the outcome is in the body", body = ProblemDocument)
    )
)]
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
        pulse: write_answer::pulse(body.pulse.as_deref())?,
        key,
        budget,
        wait: write_answer::patience(&api, asked.wait, budget),
    };
    let record = write_answer::carry(&api, &caller, asked).await?;
    write_answer::response(&record)
}

//! `/api/v1/writes`: batches of writes, and what became of those that are kept.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use mainstem_model::quantity::show_duration;
use mainstem_model::{GlobSet, Name, NameError, Timestamp, WriteId, WriteState};
use mainstem_wire::api::write::{
    BATCH_WRITES_MAX, BatchItemDocument, BatchWriteDocument, KeptDocument, WriteDocument,
    WriteEntry, WritesDocument,
};
use mainstem_wire::api::{BatchResult, BatchResultDocument, ProblemDocument, form};
use mainstem_write::{WriteQuery, WriteRecord};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{self, Nothing, Params, Segment};
use crate::write_answer::{self, Asked};

/// Writes in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 100;
/// Writes in one part of a list at the most.
const LIMIT_MAX: usize = 1000;
/// Bytes of a batch.
const BATCH_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WritesQuery {
    /// Entries at the most: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the part before.
    #[param(format = "uint64", maximum = 18446744073709551615u64)]
    after: Option<u64>,
    /// Only those without an outcome.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    open: bool,
    /// The datapoint that they are for.
    name: Option<String>,
    /// The same as an ordered list of patterns; not together with `name`.
    glob: Option<String>,
    /// Who asked for them here: a client, or the neighbour that they came from.
    principal: Option<String>,
    /// How far they came.
    #[param(value_type = Option<String>, example = "applied")]
    state: Option<WriteState>,
    /// Those that came then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Those that came earlier.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchQuery {
    /// How long the answer waits for the outcomes.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "5s")]
    wait: Option<Duration>,
}

/// `GET /api/v1/writes`: newest first, one's own, and for administrators everybody's; of datapoints
/// that one may read. The answer says how far back it reaches.
#[utoipa::path(
    get,
    path = "/api/v1/writes",
    tag = "writes",
    params(WritesQuery),
    responses((status = 200, description = "Newest first", body = WritesDocument))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(asked): Params<WritesQuery>,
    caller: Caller,
) -> Result<Json<WritesDocument>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let wanted = wanted(&asked)?;
    let found = api
        .writes
        .list(&caller.principal, &wanted, asked.after, limit);
    let reach = api.writes.reach();
    Ok(Json(WritesDocument {
        items: entries(&api, &found.items),
        next: found.next.map(|place| place.to_string()),
        kept: KeptDocument {
            oldest: reach.oldest,
            writes: reach.writes as u64,
            writes_max: reach.writes_max as u64,
            kept_for: show_duration(reach.kept_for),
        },
    }))
}

fn wanted(asked: &WritesQuery) -> Result<WriteQuery, Problem> {
    let names = match (&asked.name, &asked.glob) {
        (Some(_), Some(_)) => {
            let detail = "give `name` or `glob`, not both";
            return Err(Problem::new(Code::Query, detail));
        }
        (Some(name), None) => {
            let wrong =
                |error: &dyn std::fmt::Display| Problem::new(Code::Query, format!("name: {error}"));
            Name::new(name).map_err(|error| wrong(&error))?;
            GlobSet::new(&[name]).map_err(|error| wrong(&error))?
        }
        (None, glob) => query::wanted(None, glob.as_deref())?,
    };
    Ok(WriteQuery {
        names,
        principal: asked.principal.clone(),
        state: asked.state,
        from: asked.from,
        to: asked.to,
        open: asked.open,
    })
}

fn entries(api: &Api, records: &[Arc<WriteRecord>]) -> Vec<WriteEntry> {
    let values = api.writes.values(records);
    let each = records.iter().zip(values);
    each.map(|(record, value)| WriteEntry {
        write: WriteDocument::from(&**record),
        principal: record.principal.clone(),
        address: record.address.clone(),
        originators: record.originators.clone(),
        at: record.at,
        value: value.map(String::from),
    })
    .collect()
}

/// `GET /api/v1/writes/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/writes/{id}",
    tag = "writes",
    params(("id" = String, Path, description = "The id of the write")),
    responses((status = 200, description = "The write", body = WriteEntry))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<WriteEntry>, Problem> {
    let found = id.parse().ok().map(WriteId);
    let found = found.and_then(|id| api.writes.get(id, &caller.principal));
    let missing = || Problem::new(Code::UnknownName, "no write that you may see has this id");
    let found = [found.ok_or_else(missing)?];
    let entry = entries(&api, &found).pop();
    entry.map(Json).ok_or_else(missing)
}

/// `POST /api/v1/writes`: independent writes, each with an outcome of its own.
#[utoipa::path(
    post,
    path = "/api/v1/writes",
    tag = "writes",
    params(BatchQuery),
    request_body = BatchWriteDocument,
    responses((status = 200, description = "One entry for each write", body = BatchResultDocument),
        (status = 422, description = "A deadline out of range", body = ProblemDocument))
)]
pub(crate) async fn batch(
    State(api): State<Arc<Api>>,
    Params(asked): Params<BatchQuery>,
    caller: Caller,
    Document(body): Document<BatchWriteDocument, BATCH_BYTES_MAX>,
) -> Result<Json<BatchResultDocument>, Problem> {
    if body.writes.len() > BATCH_WRITES_MAX {
        let detail = format!("a batch has at most {BATCH_WRITES_MAX} writes");
        return Err(Problem::new(Code::Json, detail));
    }
    let budget = write_answer::budget(body.deadline_ms, body.deadline.as_deref())?;
    let wait = write_answer::patience(&api, asked.wait, budget);
    let writes = body.writes.into_iter();
    let results = writes.map(|item| one(&api, &caller, item, budget, wait));
    Ok(Json(BatchResultDocument {
        items: join_all(results).await,
    }))
}

async fn one(
    api: &Api,
    caller: &Caller,
    item: BatchItemDocument,
    budget: Duration,
    wait: Duration,
) -> BatchResult {
    let name = item.name.clone();
    match carried(api, caller, item, budget, wait).await {
        Ok(record) => result(name, &record),
        Err(problem) => BatchResult {
            name,
            status: problem.status(),
            write: None,
            problem: Some(problem.document()),
        },
    }
}

async fn carried(
    api: &Api,
    caller: &Caller,
    item: BatchItemDocument,
    budget: Duration,
    wait: Duration,
) -> Result<Arc<WriteRecord>, Problem> {
    let wrong = |error: NameError| Problem::new(Code::Value, error.to_string());
    Name::new(&item.name).map_err(wrong)?;
    let asked = Asked {
        space: item.kind,
        name: item.name,
        value: item.value,
        pulse: write_answer::pulse(item.pulse.as_deref())?,
        key: item.key,
        budget,
        wait,
    };
    write_answer::carry(api, caller, asked).await
}

fn result(name: String, record: &WriteRecord) -> BatchResult {
    let problem = write_answer::failure(record);
    let done = if record.state() == WriteState::Applied {
        200
    } else {
        202
    };
    BatchResult {
        name,
        status: problem.as_ref().map_or(done, Problem::status),
        write: Some(WriteDocument::from(record)),
        problem: problem.map(|problem| problem.document()),
    }
}

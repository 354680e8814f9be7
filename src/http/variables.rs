//! `/api/v1/variables`: GUI variables by name, and writes to them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use mainstem_model::{Name, Space};
use mainstem_store::{ListQuery, VariableError};
use mainstem_wire::api::write::WriteDocument;
use mainstem_wire::api::{Page, ProblemDocument, SetVariableDocument, VariableDocument};
use serde::Deserialize;

use crate::auth::Caller;
use crate::body::Document;
use crate::datapoints::{WRITE_BYTES_MAX, WriteQuery};
use crate::problem::{Code, Problem};
use crate::query::{self, Nothing, Params, Segment};
use crate::write_answer::{Asked, IDEMPOTENCY_KEY};
use crate::{Api, documents, write_answer};

/// Variables in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Variables in one part of a list at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariablesQuery {
    /// Entries at the most: 1 to 10000, 1000 unless given. A part with long texts has fewer.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Names behind this one: the `next` of the part before.
    after: Option<String>,
    /// Names that begin so.
    prefix: Option<String>,
    /// An ordered list of patterns with commas between: `*` is one segment, `**` any number, `!`
    /// denies. Not together with `prefix`.
    glob: Option<String>,
}

/// `GET /api/v1/variables`.
#[utoipa::path(
    get,
    path = "/api/v1/variables",
    tag = "variables",
    params(VariablesQuery),
    responses((status = 200, description = "A part of the list, in the order of the names", body = Page<VariableDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(asked): Params<VariablesQuery>,
    caller: Caller,
) -> Result<Json<Page<VariableDocument>>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = asked.after.as_deref().map(Name::new).transpose();
    let after = after.map_err(|error| Problem::new(Code::Query, format!("after: {error}")))?;
    let wanted = query::wanted(asked.prefix.as_deref(), asked.glob.as_deref())?;
    let search = ListQuery {
        after,
        limit,
        ..ListQuery::default()
    };
    let (found, next) = api.store.list_variables(&search, &caller.filter(wanted));
    Ok(Json(Page {
        items: found.into_iter().map(documents::variable).collect(),
        next: next.map(|name| name.as_str().to_owned()),
    }))
}

/// `GET /api/v1/variables/{name}`.
#[utoipa::path(
    get,
    path = "/api/v1/variables/{name}",
    tag = "variables",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The variable", body = VariableDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<VariableDocument>, Problem> {
    path(&name)?;
    let name = api.store.variable_called(&name);
    let view = api.store.variable(&name);
    let view = view.filter(|_| caller.principal.may_read_variable(&name));
    let view = view.ok_or_else(|| missing(&name))?;
    Ok(Json(documents::variable(view)))
}

/// `PUT /api/v1/variables/{name}`: a write, and what became of it. Below the prefix of a link it
/// travels to its owner; otherwise this node is the owner, and makes it if it is not there.
#[utoipa::path(
    put,
    path = "/api/v1/variables/{name}",
    tag = "variables",
    params(("name" = String, Path, description = "The name"),
        ("Idempotency-Key" = Option<String>, Header, description = "One key is one write"),
        WriteQuery),
    request_body = SetVariableDocument,
    responses((status = 200, description = "Applied", body = WriteDocument),
        (status = 202, description = "Open; `Location` tells where to look", body = WriteDocument),
        (status = 403, description = "A filter denies it", body = ProblemDocument),
        (status = 404, description = "No such variable for this role", body = ProblemDocument),
        (status = 409, description = "The owner refused it", body = ProblemDocument),
        (status = 422, description = "No text, too long, no room, or a reused key", body = ProblemDocument),
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
    Document(body): Document<SetVariableDocument, WRITE_BYTES_MAX>,
) -> Result<Response, Problem> {
    path(&name)?;
    let key = write_answer::key(headers.get(&IDEMPOTENCY_KEY), body.key)?;
    let budget = write_answer::budget(body.deadline_ms, body.deadline.as_deref())?;
    let asked = Asked {
        space: Space::Variable,
        name,
        value: body.value,
        pulse: None,
        key,
        budget,
        wait: write_answer::patience(&api, asked.wait, budget),
    };
    let record = write_answer::carry(&api, &caller, asked).await?;
    write_answer::response(&record)
}

/// `DELETE /api/v1/variables/{name}`: takes one of this node's own out.
#[utoipa::path(
    delete,
    path = "/api/v1/variables/{name}",
    tag = "variables",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "It is no more"),
        (status = 403, description = "The role may not, or it is another node's", body = ProblemDocument),
        (status = 404, description = "No such variable for this role", body = ProblemDocument)
    )
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Segment(name): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let parsed = path(&name)?;
    let done = take_out(&api, &caller, &parsed);
    let outcome = if done.is_ok() { "ok" } else { "refused" };
    api.note(&caller, "variable.remove", &name, outcome);
    done.map(|()| StatusCode::NO_CONTENT)
}

fn take_out(api: &Api, caller: &Caller, name: &Name) -> Result<(), Problem> {
    let principal = &caller.principal;
    if !principal.may_read_variable(name.as_str()) {
        return Err(missing(name.as_str()));
    }
    let decision = principal.may_write_variable(name.as_str());
    if !decision.allowed {
        let who = &principal.name;
        let detail = format!("{who} may not remove {name}: {}", decision.rule);
        return Err(Problem::new(Code::Policy, detail));
    }
    api.store
        .remove_variable(name)
        .map_err(|error| match error {
            VariableError::Unknown(_) => missing(name.as_str()),
            _ => Problem::new(Code::Policy, format!("{error}: remove it there")),
        })
}

fn path(name: &str) -> Result<Name, Problem> {
    Name::new(name).map_err(|error| Problem::new(Code::Path, error.to_string()))
}

fn missing(name: &str) -> Problem {
    Problem::new(Code::UnknownName, format!("there is no variable {name:?}"))
}

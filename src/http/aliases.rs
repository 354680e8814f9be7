//! `GET /api/v1/aliases`: old names that still lead somewhere, and whether somebody needs them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_model::Name;
use mainstem_store::AliasView;
use mainstem_wire::api::{AliasDocument, Page};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::query::{self, Params};

/// Aliases in one part of a list, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Aliases in one part of a list at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasesQuery {
    /// Entries at the most: 1 to 10000, 1000 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Old names behind this one: the `next` of the part before.
    after: Option<String>,
}

/// `GET /api/v1/aliases`.
#[utoipa::path(
    get,
    path = "/api/v1/aliases",
    tag = "datapoints",
    params(AliasesQuery),
    responses((status = 200, description = "In the order of the old names", body = Page<AliasDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Params(asked): Params<AliasesQuery>,
    caller: Caller,
) -> Result<Json<Page<AliasDocument>>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = asked.after.as_deref().map(Name::new).transpose();
    let after = after.map_err(|error| Problem::new(Code::Query, format!("after: {error}")))?;
    let read = &caller.principal.rights.read;
    // Who may read nothing below either name learns neither.
    let is_his = |alias: &AliasView| {
        let names = [&alias.from, &alias.to];
        names
            .into_iter()
            .any(|name| read.may_allow_below(name.as_str()))
            && after.as_ref().is_none_or(|after| alias.from > *after)
    };
    let mut all = api.store.aliases();
    all.retain(is_his);
    let next = (all.len() > limit).then(|| all[limit - 1].from.to_string());
    let items = all
        .into_iter()
        .take(limit)
        .map(|alias| document(&api, &alias));
    Ok(Json(Page {
        items: items.collect(),
        next,
    }))
}

fn document(api: &Api, alias: &AliasView) -> AliasDocument {
    AliasDocument {
        from: alias.from.to_string(),
        to: alias.to.to_string(),
        via: alias.via.map(|link| api.store.path(link)),
        uses: alias.uses,
        last_used: alias.last_used,
        leads_somewhere: alias.leads_somewhere,
    }
}

//! `GET /api/v1/topology`: the tree of nodes, links, adapters and devices as this node sees it,
//! with a version, so that who has it already is told so.

mod hidden;
pub(crate) mod links;
mod sources;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use mainstem_model::{GlobSet, Name};
use mainstem_remote::{ClockState, RemoteView};
use mainstem_store::{ListQuery, Tree};
use mainstem_wire::api::Page;
use mainstem_wire::api::topology::{PointEntry, TopologyDocument};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::documents;
use crate::problem::{Code, Problem};
use crate::query::{self, Params};

/// Datapoints in one part, unless `limit` says less.
const LIMIT_DEFAULT: usize = 1000;
/// Datapoints in one part at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, Hash, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopologyQuery {
    /// With the names and definitions of the datapoints, in parts.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    datapoints: bool,
    /// Datapoints at the most: 1 to 10000, 1000 unless given.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
    /// The `next` of the part before.
    after: Option<String>,
}

/// `GET /api/v1/topology`.
#[utoipa::path(
    get,
    path = "/api/v1/topology",
    tag = "topology",
    params(TopologyQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what one has")),
    responses((status = 200, description = "The tree as this node sees it", body = TopologyDocument),
        (status = 304, description = "Nothing has changed but the lag and the clocks of links"))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Params(asked): Params<TopologyQuery>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = asked.after.as_deref().map(Name::new).transpose();
    let after = after.map_err(|error| Problem::new(Code::Query, format!("after: {error}")))?;
    // The links are looked at first: what changes after that gives another tag the next time.
    let remotes = api.parts.remotes();
    let mut tree = api.store.tree();
    let hidden = hidden::take_out(&mut tree, &remotes);
    let version = format!("{}-{}", api.store.setup().epoch, tree.topotime);
    let tag = tag(&version, &remotes, &asked, &caller);
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|has| names(has, &tag))
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let datapoints = asked.datapoints.then(|| {
        let search = ListQuery {
            after,
            limit,
            ..ListQuery::default()
        };
        let mut page = points(&api, &caller, &search);
        page.items.retain(|entry| !hidden.contains(&entry.source));
        page
    });
    let document = document(&api, &tree, &remotes, version, datapoints);
    Ok(([(ETAG, tag)], Json(document)).into_response())
}

/// What two answers that say the same have in common. The lag and the clocks of links change all the time, so
/// the tag is a weak one.
fn tag(
    version: &str,
    remotes: &[RemoteView],
    asked: &TopologyQuery,
    caller: &Caller,
) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    for remote in remotes {
        let state = (remote.state.as_str(), &remote.cause, remote.since);
        remote.clock.map(ClockState::as_str).hash(&mut hasher);
        (&remote.name, state, remote.next_try).hash(&mut hasher);
    }
    asked.hash(&mut hasher);
    caller.principal.role.hash(&mut hasher);
    let text = format!("W/\"{version}-{:016x}\"", hasher.finish());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// Whether a header `If-None-Match` names a tag.
fn names(header: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(header), Ok(tag)) = (header.to_str(), tag.to_str()) else {
        return false;
    };
    let opaque = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    header.split(',').any(|one| opaque(one) == opaque(tag))
}

fn document(
    api: &Api,
    tree: &Tree,
    remotes: &[RemoteView],
    version: String,
    datapoints: Option<Page<PointEntry>>,
) -> TopologyDocument {
    let branches = links::Branches::new(tree, &api.store);
    let kinds = sources::entries(tree);
    TopologyDocument {
        version,
        topotime: tree.topotime,
        node: api.store.setup().node.to_string(),
        nodes: branches.nodes(),
        links: branches.links(remotes),
        adapters: kinds.adapters,
        devices: kinds.devices,
        others: kinds.others,
        datapoints,
    }
}

fn points(api: &Api, caller: &Caller, search: &ListQuery) -> Page<PointEntry> {
    let filter = caller.filter(GlobSet::everything());
    let (found, next) = api.store.list(search, &filter);
    let items = found.into_iter().map(|view| PointEntry {
        name: view.name.as_str().to_owned(),
        source: view.source.0,
        meta: documents::definition(&view.definition, view.owner),
    });
    Page {
        items: items.collect(),
        next: next.map(|name| name.as_str().to_owned()),
    }
}

//! `/api/v1/flowsync`: requests that are held, those that have ended, and the server nodes behind
//! them. Who may read the name of a server node, as he reads datapoints, sees them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mainstem_flowsync::{EndedView, NodeView, OpenView};
use mainstem_wire::api::{FlowNodeDocument, Page, TransactionDocument, TransactionsDocument};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{self, Nothing, Params};

/// Entries of each list, unless `limit` says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Entries of each list at the most.
const LIMIT_MAX: usize = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransactionsQuery {
    /// Entries of each list at the most: 1 to 10000, 100 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Only those of one server node.
    node: Option<String>,
}

/// `GET /api/v1/flowsync/transactions`.
#[utoipa::path(
    get,
    path = "/api/v1/flowsync/transactions",
    tag = "flowsync",
    params(TransactionsQuery),
    responses((status = 200, description = "What is held, and what has ended", body = TransactionsDocument))
)]
pub(crate) async fn transactions(
    State(api): State<Arc<Api>>,
    Params(asked): Params<TransactionsQuery>,
    caller: Caller,
) -> Result<Json<TransactionsDocument>, Problem> {
    let limit = query::limit(asked.limit, LIMIT_DEFAULT, LIMIT_MAX)?;
    let wanted = |node: &str| {
        asked.node.as_deref().is_none_or(|wanted| wanted == node) && caller.principal.may_read(node)
    };
    let Some(flow) = api.parts.flowsync() else {
        return Ok(Json(TransactionsDocument {
            open_count: 0,
            open: Vec::new(),
            ended: Vec::new(),
        }));
    };
    let open = flow
        .open(usize::MAX)
        .into_iter()
        .filter(|held| wanted(held.node.as_str()));
    let open: Vec<OpenView> = open.collect();
    let ended = flow
        .ended(LIMIT_MAX)
        .into_iter()
        .filter(|ended| wanted(ended.node.as_str()));
    Ok(Json(TransactionsDocument {
        open_count: open.len() as u64,
        open: open.iter().take(limit).map(held).collect(),
        ended: ended.take(limit).map(over).collect(),
    }))
}

/// `GET /api/v1/flowsync/nodes`.
#[utoipa::path(
    get,
    path = "/api/v1/flowsync/nodes",
    tag = "flowsync",
    responses((status = 200, description = "In the order of their names", body = Page<FlowNodeDocument>))
)]
pub(crate) async fn nodes(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Json<Page<FlowNodeDocument>> {
    let nodes = api
        .parts
        .flowsync()
        .map(|flow| flow.nodes())
        .unwrap_or_default();
    let shown = nodes
        .into_iter()
        .filter(|node| caller.principal.may_read(node.name.as_str()));
    Json(Page::whole(shown.map(document).collect()))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn held(view: &OpenView) -> TransactionDocument {
    TransactionDocument {
        id: view.id.to_string(),
        node: view.node.to_string(),
        principal: view.caller.principal.to_string(),
        protocol: view.caller.protocol.as_str().to_owned(),
        state: "held".to_owned(),
        opened: view.opened,
        held_ms: milliseconds(view.held),
        left_ms: Some(milliseconds(view.left)),
        code: None,
        message: None,
    }
}

fn over(view: EndedView) -> TransactionDocument {
    TransactionDocument {
        id: view.id.to_string(),
        node: view.node.to_string(),
        principal: view.caller.principal.to_string(),
        protocol: view.caller.protocol.as_str().to_owned(),
        state: view.ending.as_str().to_owned(),
        opened: view.opened,
        held_ms: milliseconds(view.took),
        left_ms: None,
        code: view.code,
        message: view.message.map(|text| text.to_string()),
    }
}

fn document(view: NodeView) -> FlowNodeDocument {
    let named = |(name, count): (&str, u64)| (name.to_owned(), count);
    FlowNodeDocument {
        name: view.name.to_string(),
        topic: view.topic,
        timeout_ms: u64::try_from(view.timeout.as_millis()).unwrap_or(u64::MAX),
        ready: view.away.is_none(),
        cause: view.away.map(|cause| cause.to_string()),
        open: view.open as u64,
        ended: view
            .ended
            .into_iter()
            .map(|(how, count)| named((how.as_str(), count)))
            .collect(),
        strays: view
            .strays
            .into_iter()
            .map(|(why, count)| named((why.as_str(), count)))
            .collect(),
        refused: view.busy,
        missed: view.missed,
    }
}

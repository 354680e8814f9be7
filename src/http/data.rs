//! Everything below `/data`: server nodes of the node's own HTTPS address. What a client brings is
//! told on the bus, what was told there is shown, and a held request is answered from there.

mod answer;
mod asked;
mod gate;
mod table;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Method;
use mainstem_flowsync::{Caller as Asker, Node, Outcome, Protocol, Teller, Watcher};
use mainstem_model::Name;
use mainstem_telemetry::{Counter, Metrics};
use parking_lot::{Mutex, RwLock};

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem, not_found};
use crate::refusals::Refusals;
use table::Table;

/// A server node below `/data`.
#[derive(Clone, Debug)]
pub struct DataNode {
    /// What it is called.
    pub name: Name,
    /// POST, PUT or GET.
    pub method: Method,
    /// The whole path, `/data/…`, compared without regard to case. A level `:name` fits any one,
    /// which the message tells among `params`.
    pub path: String,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// What it does.
    pub does: DataUse,
}

/// What a server node does with a request.
#[derive(Clone, Debug)]
pub enum DataUse {
    /// Tells what the client brings, if there is a teller; answers with the last value that was
    /// told on the bus, if there is a watcher.
    Exchange {
        /// For `serverReceives`.
        teller: Option<Arc<Teller>>,
        /// For `serverProvides`.
        watcher: Option<Arc<Watcher>>,
    },
    /// Holds the request until it is answered over the bus.
    Transaction(Arc<Node>),
}

/// The server nodes that are in force.
pub(crate) struct Data {
    table: RwLock<Arc<Table>>,
    refusals: Mutex<Refusals>,
    requests: Counter,
    refused: Counter,
}

impl Data {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            table: RwLock::default(),
            refusals: Mutex::default(),
            requests: metrics.counter("data_requests", "Requests to server nodes below /data"),
            refused: metrics.counter(
                "data_refused",
                "Requests to server nodes below /data that the role does not allow",
            ),
        }
    }
}

impl Api {
    /// Takes over the server nodes of a configuration. Requests that are held at one that is gone
    /// end with it.
    pub fn set_data(&self, nodes: Vec<DataNode>) {
        *self.data.table.write() = Arc::new(Table::new(nodes));
    }
}

/// Whatever comes below `/data`.
pub(crate) async fn serve(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, Problem> {
    let caller = gate::admit(&api, &request)?;
    let path = asked::path(request.uri())?;
    let table = Arc::clone(&api.data.table.read());
    // Who may not use a path is not told whether something is there.
    gate::need(&api, &caller, request.method(), &path)?;
    let Some(found) = table.find(request.method(), &path) else {
        let methods = table.methods(&path);
        if methods.is_empty() {
            return Err(not_found(request.uri().clone()).await);
        }
        return Err(asked::other_method(request.method(), &methods));
    };
    api.data.requests.inc();
    let node = Arc::clone(found.node);
    let value = asked::value(request, &node, found.params).await?;
    match &node.does {
        DataUse::Transaction(held) => {
            let asker = asker(&caller);
            let outcome = tokio::select! {
                outcome = held.hold(&value, asker) => outcome,
                () = api.stopping.cancelled() => Outcome::Stopping,
            };
            answer::held(outcome)
        }
        DataUse::Exchange { teller, watcher } => {
            if let Some(teller) = teller {
                teller
                    .tell(&value)
                    .await
                    .map_err(|error| answer::not_told(&error))?;
            }
            match watcher {
                Some(watcher) => answer::shown(watcher, teller.is_some()),
                None => Ok(http::StatusCode::NO_CONTENT.into_response()),
            }
        }
    }
}

fn asker(caller: &Caller) -> Asker {
    Asker {
        principal: caller.principal.name.as_str().into(),
        protocol: Protocol::Http,
    }
}

/// A request that asks for what the node cannot make of it.
fn wrong(code: Code, detail: impl Into<String>) -> Problem {
    Problem::new(code, detail)
}

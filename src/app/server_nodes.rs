//! The HTTP server nodes of the node file, and the requests that they hold.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use anyhow::Context;
use mainstem_bus::{Bus, Qos, Topic};
use mainstem_config::NodeConfig;
use mainstem_flowsync::{AnsweredBy, FlowSetup, FlowSync, Levels, NodeSpec, Tree};
use mainstem_http::{DataNode, DataUse, Parts};
use mainstem_model::{Monotonic, Name};
use mainstem_service::{HttpMethod, HttpNode, HttpServer};
use mainstem_telemetry::Metrics;
use mainstem_wire::api::{LinkHeld, LinkHold};
use parking_lot::Mutex;

use super::node::Ground;
use super::report::ReloadReport;

/// How long the start waits until the replies of a server node are subscribed.
const READY_PATIENCE: Duration = Duration::from_secs(2);

/// A server node with what it was made from.
type Made = ((HttpServer, HttpNode), DataNode);

/// The server nodes that run.
pub(super) struct ServerNodes {
    /// There as soon as there is a bus.
    flow: OnceLock<Arc<FlowSync>>,
    levels: Arc<Levels>,
    metrics: Metrics,
    running: Mutex<BTreeMap<String, Made>>,
}

/// The links of this node, for requests that go down.
struct Links(Weak<dyn Parts>);

impl Tree for Links {
    fn hold(
        &self,
        ask: LinkHold,
        deadline: Monotonic,
    ) -> Option<std::pin::Pin<Box<dyn Future<Output = LinkHeld> + Send>>> {
        self.0.upgrade()?.hold_below(ask, deadline)
    }
}

impl ServerNodes {
    pub(super) fn new(ground: &Ground) -> Self {
        let levels = Levels::new(Arc::clone(&ground.store), Arc::clone(&ground.audit));
        Self {
            flow: OnceLock::new(),
            levels: Arc::new(levels),
            metrics: ground.metrics.clone(),
            running: Mutex::default(),
        }
    }

    /// The requests that are held; nothing while there is no bus.
    pub(super) fn flow(&self) -> Option<&Arc<FlowSync>> {
        self.flow.get()
    }

    /// The server nodes below `/data`.
    pub(super) fn served(&self) -> Vec<DataNode> {
        let running = self.running.lock();
        running.values().map(|(_, node)| node.clone()).collect()
    }

    fn start(&self, bus: Arc<dyn Bus>, config: &NodeConfig) -> Arc<FlowSync> {
        let flow = self.flow.get_or_init(|| {
            let flow = FlowSync::start(FlowSetup {
                bus,
                clock: Arc::clone(self.levels.clock()),
                limits: config.flowsync.clone(),
                metrics: self.metrics.clone(),
            });
            flow.join_tree(Arc::clone(&self.levels), config.flowsync.from_below.clone());
            Arc::new(flow)
        });
        Arc::clone(flow)
    }

    /// Requests may go down the links of these parts.
    pub(super) fn set_tree(&self, parts: &Arc<dyn Parts>) {
        self.levels.set_tree(Arc::new(Links(Arc::downgrade(parts))));
    }

    /// Makes what is served the same as what is configured; what did not change keeps what it
    /// holds.
    pub(super) async fn apply(
        &self,
        config: &NodeConfig,
        bus: Option<Arc<dyn Bus>>,
        report: &mut ReloadReport,
    ) {
        let Some(bus) = bus else {
            return;
        };
        let flow = self.start(bus, config);
        let mut before = std::mem::take(&mut *self.running.lock());
        let mut now = BTreeMap::new();
        for node in &config.services.http_nodes {
            let servers = &config.services.http_servers;
            let server = servers.iter().find(|server| server.id == node.head.server);
            let Some(server) = server.filter(|server| {
                server.target_state.is_enabled() && node.head.target_state.is_enabled()
            }) else {
                continue;
            };
            let (id, from) = (node.head.id.clone(), (server.clone(), node.clone()));
            match before.remove(&id) {
                Some(made) if made.0 == from => {
                    now.insert(id.clone(), made);
                    report.unchanged.push(id);
                }
                _ => match make(&flow, server, node) {
                    Ok(made) => {
                        now.insert(id.clone(), (from, made));
                        report.started.push(id);
                    }
                    Err(error) => report.failed.push((id, format!("{error:#}"))),
                },
            }
        }
        for (id, (_, gone)) in before {
            end(&gone);
            if !now.contains_key(&id) {
                report.removed.push(id);
            }
        }
        let nodes: Vec<DataNode> = now.values().map(|(_, node)| node.clone()).collect();
        *self.running.lock() = now;
        ready(&nodes).await;
    }

    /// Answers everything that is held, and ends.
    pub(super) async fn stop(&self) {
        if let Some(flow) = self.flow.get() {
            flow.stop().await;
        }
    }
}

fn make(flow: &FlowSync, server: &HttpServer, node: &HttpNode) -> anyhow::Result<DataNode> {
    let head = &node.head;
    let name = Name::new(&head.id).context("its id")?;
    let topic = Topic::new(&head.topic).context("its topic")?;
    let qos = match head.qos.level() {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    let does = match &head.transaction {
        Some(transaction) => {
            let mut spec = NodeSpec::new(name.clone(), topic);
            spec.timeout = transaction.timeout;
            spec.timeout_error_code = transaction.timeout_error_code.into();
            spec.timeout_error_message = transaction.timeout_error_message.as_str().into();
            spec.qos = qos;
            spec.answered_by = match &transaction.answered_by {
                mainstem_service::AnsweredBy::Here => AnsweredBy::Here,
                mainstem_service::AnsweredBy::Above => AnsweredBy::Above,
                mainstem_service::AnsweredBy::Below(name) => AnsweredBy::Below(name.clone()),
            };
            DataUse::Transaction(Arc::new(flow.node(spec).context("its topics")?))
        }
        None => {
            let operation = head.operation;
            let watcher = operation.provides().then(|| flow.watcher(&topic));
            let tells = operation.receives();
            let teller = tells.then(|| flow.teller(topic, qos, head.retain));
            DataUse::Exchange {
                teller: teller.map(Arc::new),
                watcher: watcher.map(Arc::new),
            }
        }
    };
    Ok(DataNode {
        name,
        method: match node.method {
            HttpMethod::Get => http::Method::GET,
            HttpMethod::Post => http::Method::POST,
            HttpMethod::Put => http::Method::PUT,
        },
        path: node.path.clone(),
        body_bytes_max: server.request_max_body_size,
        does,
    })
}

fn end(node: &DataNode) {
    if let DataUse::Transaction(held) = &node.does {
        held.end();
    }
}

/// Waits for a moment until the replies of all are subscribed; those that are not refuse requests.
async fn ready(nodes: &[DataNode]) {
    let all = async {
        for node in nodes {
            if let DataUse::Transaction(held) = &node.does {
                held.ready(READY_PATIENCE).await;
            }
        }
    };
    if tokio::time::timeout(READY_PATIENCE, all).await.is_err() {
        tracing::warn!("not all server nodes have the subscription of their replies yet");
    }
}

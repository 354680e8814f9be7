//! The server nodes of the node file, tied to the bus.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use mainstem_bus::{Qos, Topic};
use mainstem_flowsync::{Caller, FlowSync, Node, NodeSpec, Outcome, Protocol, Teller, Watcher};
use mainstem_model::Name;
use mainstem_opcua_server::{ArgumentSpec, Held, ServerNode, ServerNodeKind, Tie, TieUse};
use mainstem_service::{Argument, OpcuaNode, OpcuaNodeType};
use serde_json::value::RawValue;

/// How one node is tied to the bus.
#[derive(Debug, Default)]
struct Tied {
    held: Option<Node>,
    teller: Option<Teller>,
    watcher: Option<Watcher>,
}

impl Tie for Tied {
    fn use_of(&self) -> TieUse {
        TieUse {
            provides: self.watcher.is_some(),
            receives: self.teller.is_some(),
            holds: self.held.is_some(),
        }
    }

    fn hold<'a>(&'a self, value: Box<RawValue>, principal: &'a str) -> BoxFuture<'a, Held> {
        Box::pin(async move {
            let Some(node) = &self.held else {
                return Held::Away;
            };
            let caller = Caller {
                principal: principal.into(),
                protocol: Protocol::OpcUa,
            };
            told(node.hold(&value, caller).await)
        })
    }

    fn tell(&self, value: Box<RawValue>) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            match &self.teller {
                Some(teller) => teller.tell(&value).await.is_ok(),
                None => false,
            }
        })
    }

    fn last(&self) -> Result<Option<(Arc<RawValue>, Duration)>, ()> {
        let Some(watcher) = &self.watcher else {
            return Ok(None);
        };
        let shown = watcher.last().map_err(|_| ())?;
        Ok(shown.map(|shown| (shown.value, shown.age)))
    }
}

fn told(outcome: Outcome) -> Held {
    match outcome {
        Outcome::Value(value) => Held::Value(value),
        Outcome::Error { code, .. } => Held::Failed(code),
        Outcome::TimedOut { code, .. } => Held::TimedOut(code),
        Outcome::Busy => Held::Busy,
        Outcome::Stopping => Held::Stopping,
        _ => Held::Away,
    }
}

/// The nodes of a file; without a bus they are there, and say that it is away.
pub(super) fn make(
    nodes: &[OpcuaNode],
    flow: Option<&Arc<FlowSync>>,
) -> anyhow::Result<Vec<ServerNode>> {
    let enabled = nodes
        .iter()
        .filter(|node| node.head.target_state.is_enabled());
    enabled
        .map(|node| one(node, flow).with_context(|| format!("the server node {}", node.head.id)))
        .collect()
}

fn one(node: &OpcuaNode, flow: Option<&Arc<FlowSync>>) -> anyhow::Result<ServerNode> {
    let head = &node.head;
    let kind = match node.node_type {
        OpcuaNodeType::Object => ServerNodeKind::Object,
        OpcuaNodeType::Variable => ServerNodeKind::Variable {
            data_type: data_type(node),
            initial: node.initial_value.clone(),
            tie: tie(node, flow)?,
        },
        OpcuaNodeType::Method => ServerNodeKind::Method {
            inputs: node.input_arguments.iter().map(argument).collect(),
            outputs: node.output_arguments.iter().map(argument).collect(),
            tie: tie(node, flow)?,
        },
    };
    Ok(ServerNode {
        name: head.id.clone(),
        parent: (head.parent != head.server).then(|| head.parent.clone()),
        node_id: node.node_id.clone(),
        browse_name: node.browse_name.clone(),
        kind,
    })
}

fn data_type(node: &OpcuaNode) -> String {
    let wire = node.serialize_data_type.map(|wire| format!("{wire:?}"));
    wire.or_else(|| node.data_type.clone())
        .unwrap_or_else(|| "String".to_owned())
}

fn argument(argument: &Argument) -> ArgumentSpec {
    ArgumentSpec {
        name: argument.name.clone(),
        description: argument.description.clone().unwrap_or_default(),
        data_type: format!("{:?}", argument.data_type),
        is_array: argument.value_rank > 0,
    }
}

fn tie(node: &OpcuaNode, flow: Option<&Arc<FlowSync>>) -> anyhow::Result<Arc<dyn Tie>> {
    let head = &node.head;
    let Some(flow) = flow else {
        return Ok(Arc::new(Tied::default()));
    };
    let topic = Topic::new(&head.topic).context("its topic")?;
    let qos = match head.qos.level() {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    let Some(transaction) = &head.transaction else {
        let tells = head.operation.receives();
        return Ok(Arc::new(Tied {
            held: None,
            teller: tells.then(|| flow.teller(topic.clone(), qos, head.retain)),
            watcher: head.operation.provides().then(|| flow.watcher(&topic)),
        }));
    };
    let mut spec = NodeSpec::new(Name::new(&head.id).context("its id")?, topic);
    spec.timeout = transaction.timeout;
    spec.timeout_error_code = transaction.timeout_error_code.into();
    spec.timeout_error_message = transaction.timeout_error_message.as_str().into();
    spec.qos = qos;
    spec.answered_by = match &transaction.answered_by {
        mainstem_service::AnsweredBy::Here => mainstem_flowsync::AnsweredBy::Here,
        mainstem_service::AnsweredBy::Above => mainstem_flowsync::AnsweredBy::Above,
        mainstem_service::AnsweredBy::Below(name) => {
            mainstem_flowsync::AnsweredBy::Below(name.clone())
        }
    };
    let held = flow.node(spec).context("its topics")?;
    Ok(Arc::new(Tied {
        held: Some(held),
        ..Tied::default()
    }))
}

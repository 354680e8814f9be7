//! What a mapping's `endpoint:` means: the topics on which a resource talks and listens.

use std::collections::BTreeMap;

use mainstem_service::{EndpointAddress, EndpointOperation, NodeHead, Operation, Services};
use serde_json::Value;

use crate::load::Draft;
use crate::names::type_of;
use crate::nearest::nearest;
use crate::tree::join;

/// Which way messages go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the resource.
    From,
    /// To the resource.
    To,
}

/// The topics of a resource.
struct Ends {
    from: Result<String, &'static str>,
    to: Result<String, &'static str>,
}

/// The resources that mappings can refer to.
pub(super) struct References {
    ends: BTreeMap<String, Ends>,
    /// Resources that can be meant though something in them is wrong.
    known: Vec<String>,
}

impl References {
    pub(super) fn new(draft: &Draft<'_>, services: &Services) -> Self {
        let mut ends = BTreeMap::new();
        for endpoint in &services.endpoints {
            ends.insert(endpoint.id.clone(), of_endpoint(endpoint));
        }
        let http = services.http_nodes.iter().map(|node| &node.head);
        let opcua = services.opcua_nodes.iter().map(|node| &node.head);
        for head in http.chain(opcua) {
            ends.insert(head.id.clone(), of_node(head));
        }
        let all = draft.json.get("resources").and_then(Value::as_object);
        let can_be_meant = |resource: &Value| {
            // A node of a Modbus server has a datapoint and no topic.
            let has_topic = |kind: &str| kind.starts_with("Node::") && kind != "Node::Modbus";
            type_of(resource).is_some_and(|kind| kind == "Endpoint" || has_topic(kind))
        };
        let known = all.into_iter().flatten();
        let known = known.filter(|(_, resource)| can_be_meant(resource));
        let known = known.map(|(id, _)| id.clone()).collect();
        Self { ends, known }
    }

    /// The topic of a resource in one direction; none where a problem was told.
    pub(super) fn topic(
        &self,
        draft: &mut Draft<'_>,
        id: &str,
        way: Way,
        pointer: &str,
    ) -> Option<String> {
        let at = join(pointer, "endpoint");
        let Some(ends) = self.ends.get(id) else {
            self.unknown(draft, id, &at);
            return None;
        };
        let end = match way {
            Way::From => &ends.from,
            Way::To => &ends.to,
        };
        match end {
            Ok(topic) => Some(topic.clone()),
            Err(why) => {
                let expected = match way {
                    Way::From => "a resource that publishes something",
                    Way::To => "a resource that takes something",
                };
                draft.problem(&at, format!("`{id}` {why}"), expected);
                None
            }
        }
    }

    fn unknown(&self, draft: &mut Draft<'_>, id: &str, at: &str) {
        // What is wrong with the resource itself was told there.
        if self.known.iter().any(|known| known == id) {
            return;
        }
        let other = draft.json.get("resources").and_then(|all| all.get(id));
        let message = match other.and_then(type_of) {
            Some(other) => format!("`{id}` is of type {other}"),
            None => format!("there is no endpoint or node `{id}`"),
        };
        let near = nearest(id, self.known.iter().map(String::as_str));
        let expected = "the id of an `Endpoint` or a `Node`";
        draft.unknown(at, message, expected, near);
    }
}

fn of_endpoint(endpoint: &EndpointAddress) -> Ends {
    let from = match endpoint.operation {
        EndpointOperation::Subscribe => endpoint.topic.clone(),
        EndpointOperation::Read | EndpointOperation::Write => endpoint.result_topic(),
    };
    let to = match endpoint.operation {
        EndpointOperation::Read => Ok(endpoint.read_topic()),
        _ if endpoint.is_writable => Ok(endpoint.write_topic()),
        _ => Err("only tells its value: `access: rw` makes it writable"),
    };
    Ends { from: Ok(from), to }
}

fn of_node(head: &NodeHead) -> Ends {
    if head.operation == Operation::Transaction {
        return Ends {
            from: Ok(head.request_topic()),
            to: Ok(head.reply_topic()),
        };
    }
    let topic = || head.topic.clone();
    Ends {
        from: head
            .operation
            .receives()
            .then(topic)
            .ok_or("only provides: its clients bring nothing"),
        to: head
            .operation
            .provides()
            .then(topic)
            .ok_or("only receives: its clients ask for nothing"),
    }
}

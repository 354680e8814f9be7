//! Asks a server what its nodes are, and walks its address space. Reads and browses only: nothing
//! is called, written or subscribed to.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::explore::{BrowseAsk, ExploreError, Finds, Found, Target};
use mainstem_adapter::{Problem, Statistics};
use mainstem_model::{Access, Scalar, ValueType};
use opcua::types::{
    AttributeId, BrowseDirection, DataValue, Error, NodeClass, NodeId, ObjectId,
    ReferenceDescription, ReferenceTypeId, Variant, VariantScalarTypeId as Type,
};
use serde_json::json;

use super::browse::local;
use super::link::{Link, Server};
use super::open::open;
use super::requests::Requests;
use super::to_device::NodeType;
use crate::connection::ConnectionPlan;
use crate::node_address::NodeAddress;

/// Nodes whose attributes are read in one request.
const PAGE: usize = 50;
/// Places that wait to be looked at; the widest server has fewer folders than this.
const WAITING_MAX: usize = 100_000;
/// Characters of a value shown beside its node.
const SAMPLE_CHARS_MAX: usize = 60;
/// What is read of each variable.
const ATTRIBUTES: [AttributeId; 5] = [
    AttributeId::DataType,
    AttributeId::ValueRank,
    AttributeId::Value,
    AttributeId::UserAccessLevel,
    AttributeId::Description,
];
/// The bits of an access level (part 3, 8.57).
const CURRENT_READ: u8 = 1;
const CURRENT_WRITE: u8 = 2;

/// A session for questions.
struct Visit {
    link: Link,
    requests: Requests,
    server: Server,
}

impl Visit {
    async fn begin(plan: &ConnectionPlan, ask: &BrowseAsk) -> Result<Self, ExploreError> {
        ask.trace
            .note(|| format!("opens a session with {}", plan.url));
        let mut link = open(plan, &ask.spec.folder, Duration::ZERO).await?;
        let statistics = Arc::new(Statistics::default());
        let mut requests = link.requests(plan, &statistics, &ask.clock);
        requests.timeout = requests.timeout.min(ask.patience);
        let server = link.drive(Server::learn(&requests)).await?;
        Ok(Self {
            link,
            requests,
            server,
        })
    }

    async fn attributes(&mut self, nodes: &[NodeId]) -> Result<Vec<Vec<DataValue>>, ExploreError> {
        let what = nodes
            .iter()
            .flat_map(|node| ATTRIBUTES.map(|attribute| (node.clone(), attribute)));
        let page = self.server.read_max.max(ATTRIBUTES.len());
        let what: Vec<_> = what.collect();
        let mut found = Vec::new();
        for part in what.chunks(page / ATTRIBUTES.len() * ATTRIBUTES.len()) {
            found.extend(self.link.drive(self.requests.read(part.to_vec())).await?);
        }
        let rows = found.chunks(ATTRIBUTES.len());
        Ok(rows.map(<[DataValue]>::to_vec).collect())
    }
}

/// Gives targets the types that their nodes have. What has none, or is not there, is read as JSON,
/// and the server says the rest.
pub(crate) async fn learn_types(
    plan: &ConnectionPlan,
    ask: &BrowseAsk,
    targets: &mut [Target],
) -> Result<(), ExploreError> {
    let mut visit = Visit::begin(plan, ask).await?;
    for target in targets
        .iter_mut()
        .filter(|target| target.value_type.is_none())
    {
        let address = target.operation["nodeId"].as_str();
        let address = address.and_then(|text| text.parse::<NodeAddress>().ok());
        let node = address.and_then(|address| visit.server.node(&address));
        let known = match node {
            Some(node) => visit
                .attributes(&[node])
                .await?
                .first()
                .and_then(|row| value_type(row)),
            None => None,
        };
        target.value_type = Some(known.unwrap_or(Scalar::Json.into()));
    }
    visit.link.close().await;
    Ok(())
}

/// A place that waits to be looked at.
struct Place {
    node: NodeId,
    path: Vec<String>,
    depth: usize,
}

/// Walks from the objects folder, or from where it was asked to begin.
pub(crate) async fn walk(
    plan: &ConnectionPlan,
    ask: &BrowseAsk,
    finds: &mut Finds,
) -> Result<(), ExploreError> {
    let mut visit = Visit::begin(plan, ask).await?;
    let start = match &ask.start {
        None => ObjectId::ObjectsFolder.into(),
        Some(text) => {
            let wrong = |message: String| {
                let expected = "a node id such as ns=2;s=Line1";
                ExploreError::Wrong(vec![Problem::new("", message, expected)])
            };
            let address: NodeAddress = text
                .parse()
                .map_err(|error| wrong(format!("{text}: {error}")))?;
            let node = visit.server.node(&address);
            node.ok_or_else(|| wrong(format!("{text}: the server has no such namespace")))?
        }
    };
    let mut walk = Walk {
        seen: HashSet::from([start.clone()]),
        waiting: VecDeque::from([Place {
            node: start,
            path: Vec::new(),
            depth: 0,
        }]),
        // The server's own diagnostics are hundreds of variables that nobody looks for here.
        skip_server: ask.start.is_none(),
    };
    while let Some(place) = walk.waiting.pop_front() {
        if walk.look(&mut visit, &place, finds).await?.is_break() {
            break;
        }
    }
    visit.link.close().await;
    Ok(())
}

struct Walk {
    seen: HashSet<NodeId>,
    waiting: VecDeque<Place>,
    skip_server: bool,
}

impl Walk {
    async fn look(
        &mut self,
        visit: &mut Visit,
        place: &Place,
        finds: &mut Finds,
    ) -> Result<ControlFlow<()>, ExploreError> {
        if finds.visit(&place.path.join("/")).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let asked = references(&visit.requests, &place.node);
        let references = visit.link.drive(asked).await?;
        let mut variables = Vec::new();
        for reference in references {
            let (name, class) = (name_of(&reference), reference.node_class);
            let Some(node) = local(reference) else {
                continue;
            };
            let is_server = self.skip_server && node == NodeId::from(ObjectId::Server);
            if is_server || !self.seen.insert(node.clone()) {
                continue;
            }
            let path: Vec<String> = place.path.iter().cloned().chain([name]).collect();
            if class == NodeClass::Variable {
                variables.push((node.clone(), path.clone()));
            }
            let has_below = matches!(class, NodeClass::Object | NodeClass::Variable);
            if !has_below || !finds.descend(place.depth + 1) {
                continue;
            }
            if self.waiting.len() >= WAITING_MAX {
                finds.cut(mainstem_adapter::explore::Cut::Visited);
                continue;
            }
            self.waiting.push_back(Place {
                node,
                path,
                depth: place.depth + 1,
            });
        }
        for page in variables.chunks(PAGE) {
            let nodes: Vec<NodeId> = page.iter().map(|(node, _)| node.clone()).collect();
            let rows = visit.attributes(&nodes).await?;
            for ((node, path), row) in page.iter().zip(rows) {
                if finds.add(found(node, path.clone(), &row)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

async fn references(
    requests: &Requests,
    node: &NodeId,
) -> Result<Vec<ReferenceDescription>, Error> {
    requests
        .references(
            node,
            BrowseDirection::Forward,
            ReferenceTypeId::HierarchicalReferences,
        )
        .await
}

fn name_of(reference: &ReferenceDescription) -> String {
    let name = reference.browse_name.name.as_ref();
    match name {
        "" => reference.display_name.text.as_ref().to_owned(),
        name => name.to_owned(),
    }
}

fn found(node: &NodeId, path: Vec<String>, row: &[DataValue]) -> Found {
    let [_, _, value, level, description] = row else {
        return bare(node, path, Some("the server tells nothing about it".into()));
    };
    let known = value_type(row);
    let level = match level.value {
        Some(Variant::Byte(level)) => level,
        _ => CURRENT_READ,
    };
    let status = value.status.unwrap_or_default();
    let obstacle = if level & CURRENT_READ == 0 {
        Some("this user may not read it".to_owned())
    } else if known.is_none() {
        Some("its type is one that the server does not tell".to_owned())
    } else if status.is_bad()
        && value.value.is_none()
        && status.sub_code().name() != "BadWaitingForInitialData"
    {
        Some(format!(
            "the server gives no value: {}",
            status.sub_code().name()
        ))
    } else {
        None
    };
    let description = match &description.value {
        Some(Variant::LocalizedText(text)) => text.text.as_ref().to_owned(),
        _ => String::new(),
    };
    Found {
        value_type: known,
        access: match level & CURRENT_WRITE {
            0 => Access::Read,
            _ => Access::ReadWrite,
        },
        description: Some(description).filter(|text| !text.is_empty()),
        sample: value.value.as_ref().and_then(sample),
        ..bare(node, path, obstacle)
    }
}

fn bare(node: &NodeId, path: Vec<String>, obstacle: Option<String>) -> Found {
    Found {
        path,
        address: node.to_string(),
        operation: json!({ "nodeId": node.to_string() }),
        value_type: None,
        access: Access::Read,
        unit: None,
        description: None,
        sample: None,
        obstacle,
    }
}

/// The type of the datapoint; structures and the like are JSON.
fn value_type(row: &[DataValue]) -> Option<ValueType> {
    let [data_type, rank, value, ..] = row else {
        return None;
    };
    let known = NodeType::learn(data_type, rank, value)?;
    let scalar = match known.scalar {
        Type::Boolean => Scalar::Bool,
        Type::SByte => Scalar::I8,
        Type::Byte => Scalar::U8,
        Type::Int16 => Scalar::I16,
        Type::UInt16 => Scalar::U16,
        Type::Int32 => Scalar::I32,
        Type::UInt32 => Scalar::U32,
        Type::Int64 => Scalar::I64,
        Type::UInt64 => Scalar::U64,
        Type::Float => Scalar::F32,
        Type::Double => Scalar::F64,
        Type::String | Type::LocalizedText => Scalar::Text,
        Type::DateTime => Scalar::Time,
        Type::ByteString => Scalar::Bytes,
        _ => return Some(Scalar::Json.into()),
    };
    Some(ValueType {
        scalar,
        array: known.array,
    })
}

fn sample(value: &Variant) -> Option<String> {
    let text = match value {
        Variant::Empty => return None,
        Variant::ByteString(bytes) => format!("{} bytes", bytes.as_ref().len()),
        Variant::Array(array) => format!("{} elements", array.values.len()),
        Variant::ExtensionObject(_) => "a structure".to_owned(),
        other => other.to_string(),
    };
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SAMPLE_CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    Some(shown)
}

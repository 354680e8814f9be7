//! The plant's nodes inside the server: reads, writes with a strict type check, publishing.

use async_trait::async_trait;
use opcua::server::address_space::{AddressSpace, NodeType, VariableBuilder, add_namespaces};
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{InMemoryNodeManager, InMemoryNodeManagerImpl};
use opcua::server::node_manager::{
    ParsedReadValueId, ParsedWriteValue, RequestContext, ServerContext, WriteNode,
};
use opcua::server::{ServerHandle, SubscriptionCache};
use opcua::sync::RwLock;
use opcua::types::{
    AttributeId, DataValue, DateTime, Identifier, NodeId, ObjectId, QualifiedName, StatusCode,
    TimestampsToReturn, Variant, VariantTypeId,
};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::NAMESPACE_URI;
use super::faults::OpcuaFaults;
use super::nodes::{NODES, NodeSpec, Origin, Sample};
use crate::clock::{PLANT_STEP, SharedPlant};

/// Name of the node manager in the server's own messages.
const NAME: &str = "plant";
/// Id and name of the folder that holds the variables.
const FOLDER: &str = "Plant";

/// The node manager of the plant's namespace.
pub(super) struct PlantSpace {
    namespace: u16,
    plant: SharedPlant,
    faults: OpcuaFaults,
}

impl PlantSpace {
    /// Registers the namespace and fills it.
    pub(super) fn new(
        context: &ServerContext,
        space: &mut AddressSpace,
        plant: SharedPlant,
        faults: OpcuaFaults,
    ) -> Self {
        let indexes = add_namespaces(context, space, &[NAMESPACE_URI]);
        let namespace = indexes.first().copied().unwrap_or_default();
        let this = Self {
            namespace,
            plant,
            faults,
        };
        this.add_nodes(space);
        this
    }

    pub(super) fn namespace(&self) -> u16 {
        self.namespace
    }

    fn add_nodes(&self, space: &mut AddressSpace) {
        let folder = NodeId::new(self.namespace, FOLDER);
        let name = self.browse_name(FOLDER);
        space.add_folder(&folder, name, FOLDER, &ObjectId::ObjectsFolder.into());
        let sample = self.sample();
        for spec in NODES {
            let id = self.node_id(spec);
            let data_type = NodeId::new(0, spec.scalar as u32);
            let value = match &spec.origin {
                Origin::Sensor(read) | Origin::Command(read, _) => read(&sample),
                Origin::Scratch(first) => first(),
            };
            let mut variable = VariableBuilder::new(&id, self.browse_name(spec.id), spec.id)
                .data_type(data_type)
                .value(value)
                .organized_by(&folder);
            if spec.writable() {
                variable = variable.writable();
            }
            variable.insert(space);
        }
    }

    fn node_id(&self, spec: &NodeSpec) -> NodeId {
        NodeId::new(self.namespace, spec.id)
    }

    fn browse_name(&self, name: &str) -> QualifiedName {
        QualifiedName::new(self.namespace, name)
    }

    fn sample(&self) -> Sample {
        let plant = self.plant.snapshot();
        let last_change = self.plant.wall_clock(plant.last_change);
        Sample { plant, last_change }
    }

    /// Takes the plant's values of this moment into the nodes and tells the subscribers.
    fn refresh(&self, space: &RwLock<AddressSpace>, subscriptions: &SubscriptionCache) {
        // The lock comes before the sample: a write between the two would be undone for a step.
        let mut space = space.write();
        let sample = self.sample();
        let ids: Vec<NodeId> = NODES
            .iter()
            .filter_map(|spec| {
                let value = match &spec.origin {
                    Origin::Sensor(read) | Origin::Command(read, _) => read(&sample),
                    Origin::Scratch(_) => return None,
                };
                let id = self.node_id(spec);
                let value = stamped(value, self.faults.status(spec.id));
                set(&mut space, &id, value).then_some(id)
            })
            .collect();
        notify(&space, subscriptions, &ids);
    }

    /// Carries out one write and returns its status.
    fn write_one(&self, space: &mut AddressSpace, asked: &ParsedWriteValue) -> StatusCode {
        let Some(spec) = find(&asked.node_id) else {
            return StatusCode::BadNodeIdUnknown;
        };
        if let Err(status) = admit(spec, asked) {
            return status;
        }
        if let Some(refusal) = self.faults.write_refusal(spec.id) {
            return refusal;
        }
        let value = asked.value.value.clone().unwrap_or_default();
        if let Origin::Command(_, write) = &spec.origin
            && let Err(status) = self.plant.with(|plant| write(plant, &value))
        {
            return status;
        }
        self.faults.count_write(spec.id);
        let value = stamped(value, self.faults.status(spec.id));
        set(space, &asked.node_id, value);
        StatusCode::Good
    }
}

#[async_trait]
impl InMemoryNodeManagerImpl for PlantSpace {
    async fn init(&self, _space: &mut AddressSpace, _context: ServerContext) {}

    fn name(&self) -> &str {
        NAME
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        vec![NamespaceMetadata {
            namespace_uri: NAMESPACE_URI.to_owned(),
            namespace_index: self.namespace,
            ..Default::default()
        }]
    }

    async fn read_values(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        nodes: &[&ParsedReadValueId],
        max_age: f64,
        timestamps: TimestampsToReturn,
    ) -> Vec<DataValue> {
        if self.faults.hold().await {
            let late = DataValue {
                status: Some(StatusCode::BadTimeout),
                ..Default::default()
            };
            return vec![late; nodes.len()];
        }
        let space = space.read();
        let read = |node: &&ParsedReadValueId| space.read(context, node, max_age, timestamps);
        nodes.iter().map(read).collect()
    }

    async fn write(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        nodes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        if self.faults.hold().await {
            for node in nodes {
                node.set_status(StatusCode::BadTimeout);
            }
            return Ok(());
        }
        let mut space = space.write();
        let mut written = Vec::new();
        for node in nodes {
            let status = self.write_one(&mut space, node.value());
            if status.is_good() {
                written.push(node.value().node_id.clone());
            }
            node.set_status(status);
        }
        notify(&space, &context.subscriptions, &written);
        Ok(())
    }
}

/// Publishes the plant every step, for ever.
pub(super) async fn publish(handle: ServerHandle) {
    let managers = handle.node_managers();
    let Some(manager) = managers.get_of_type::<InMemoryNodeManager<PlantSpace>>() else {
        warn!("the plant's nodes are missing, so their values stand still");
        return;
    };
    let mut ticks = interval(PLANT_STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if !manager.inner().faults.is_frozen() {
            manager
                .inner()
                .refresh(manager.address_space(), handle.subscriptions());
        }
    }
}

fn find(id: &NodeId) -> Option<&'static NodeSpec> {
    let Identifier::String(name) = &id.identifier else {
        return None;
    };
    NODES.iter().find(|spec| spec.id == name.as_ref())
}

/// Whether a write may be carried out. The server's own check lets a scalar of any type pass, so
/// the type is compared here and must be exactly the node's.
fn admit(spec: &NodeSpec, asked: &ParsedWriteValue) -> Result<(), StatusCode> {
    if asked.attribute_id != AttributeId::Value || !spec.writable() {
        return Err(StatusCode::BadNotWritable);
    }
    if asked.index_range.has_range() {
        return Err(StatusCode::BadWriteNotSupported);
    }
    match asked.value.value.as_ref().map(Variant::type_id) {
        Some(VariantTypeId::Scalar(scalar)) if scalar == spec.scalar => Ok(()),
        _ => Err(StatusCode::BadTypeMismatch),
    }
}

fn stamped(value: Variant, status: Option<StatusCode>) -> DataValue {
    let now = DateTime::now();
    DataValue {
        value: Some(value),
        status: Some(status.unwrap_or(StatusCode::Good)),
        source_timestamp: Some(now),
        server_timestamp: Some(now),
        ..Default::default()
    }
}

fn set(space: &mut AddressSpace, id: &NodeId, value: DataValue) -> bool {
    match space.find_mut(id) {
        Some(NodeType::Variable(variable)) => {
            variable.set_data_value(value);
            true
        }
        _ => false,
    }
}

fn notify(space: &AddressSpace, subscriptions: &SubscriptionCache, ids: &[NodeId]) {
    let items = ids.iter().map(|id| (id, AttributeId::Value));
    subscriptions.maybe_notify(items, |id, attribute, range, encoding| {
        let node = space.find(id)?.as_node();
        node.get_attribute(TimestampsToReturn::Both, attribute, range, encoding)
    });
}

//! The server nodes within the library.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use mainstem_security::Principal;
use opcua::server::SubscriptionCache;
use opcua::server::address_space::AddressSpace;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::InMemoryNodeManagerImpl;
use opcua::server::node_manager::{
    MethodCall, ParsedReadValueId, RequestContext, ServerContext, WriteNode,
};
use opcua::sync::RwLock;
use opcua::types::{
    AttributeId, DataValue, NodeId, ObjectId, StatusCode, TimestampsToReturn, Variant,
    VariantScalarTypeId,
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::insert::insert;
use super::values::{aged, failed, raw, type_of};
use super::{Held, ServerNode, ServerNodeKind, answer, json, scalar};
use crate::users::Users;

/// How often it is looked for values that were told.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const NAME: &str = "server nodes";

/// A node by its id.
struct Place {
    name: String,
    kind: ServerNodeKind,
}

/// All server nodes.
pub(crate) struct ServerNodes {
    users: Arc<Users>,
    uri: String,
    namespace: u16,
    places: HashMap<NodeId, Place>,
    /// What a held write was answered with.
    answered: Mutex<HashMap<NodeId, Variant>>,
}

impl ServerNodes {
    /// Puts the nodes into the space, parents before children.
    pub(crate) fn new(
        nodes: Vec<ServerNode>,
        users: Arc<Users>,
        uri: &str,
        namespace: u16,
        space: &mut AddressSpace,
    ) -> Self {
        space.add_namespace(uri, namespace);
        let mut places = HashMap::new();
        let mut ids: HashMap<String, NodeId> = HashMap::new();
        for node in nodes {
            let wished = node.node_id.as_deref().and_then(|id| id.parse().ok());
            // An id in another namespace would be another room's.
            let id = wished.filter(|id: &NodeId| id.namespace == namespace);
            let id = id.unwrap_or_else(|| NodeId::new(namespace, node.name.clone()));
            let above = node
                .parent
                .as_ref()
                .and_then(|parent| ids.get(parent))
                .cloned();
            let above = above.unwrap_or_else(|| ObjectId::ObjectsFolder.into());
            insert(space, &node, &id, &above, namespace);
            ids.insert(node.name.clone(), id.clone());
            let (name, kind) = (node.name, node.kind);
            places.insert(id, Place { name, kind });
        }
        Self {
            users,
            uri: uri.to_owned(),
            namespace,
            places,
            answered: Mutex::default(),
        }
    }

    /// Tells monitored items what was told on the bus, until it is told to stop.
    pub(crate) async fn follow(&self, subscriptions: &SubscriptionCache, stop: CancellationToken) {
        let provided: Vec<&NodeId> = self
            .places
            .iter()
            .filter(|(_, p)| p.provides())
            .map(|(id, _)| id)
            .collect();
        if provided.is_empty() {
            return;
        }
        let mut seen: HashMap<&NodeId, (Option<Variant>, Option<StatusCode>)> = HashMap::new();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let mut changed = Vec::new();
            for id in &provided {
                let now = self.value(id);
                let key = (now.value.clone(), now.status);
                if seen.insert(*id, key.clone()) != Some(key) {
                    changed.push((now, *id, AttributeId::Value));
                }
            }
            subscriptions.notify_data_change(changed.into_iter());
        }
    }

    fn user(&self, context: &RequestContext) -> Result<Arc<Principal>, StatusCode> {
        let user = self.users.principal(context.user_token());
        user.ok_or(StatusCode::BadUserAccessDenied)
    }

    /// The value of a variable as it is now.
    fn value(&self, id: &NodeId) -> DataValue {
        let Some(ServerNodeKind::Variable {
            data_type,
            initial,
            tie,
        }) = self.places.get(id).map(|place| &place.kind)
        else {
            return failed(StatusCode::BadAttributeIdInvalid);
        };
        if let Some(answered) = self.answered.lock().get(id) {
            return DataValue::new_now(answered.clone());
        }
        let wanted = scalar(data_type).unwrap_or(VariantScalarTypeId::String);
        let typed = |value: &serde_json::Value| json::read(value, wanted, value.is_array());
        match tie.last() {
            Err(()) => failed(StatusCode::BadCommunicationError),
            Ok(Some((told, age))) => {
                let value = serde_json::from_str(told.get()).ok();
                match value.as_ref().and_then(typed) {
                    Some(value) => aged(value, age),
                    None => failed(StatusCode::BadDecodingError),
                }
            }
            Ok(None) => match initial.as_ref().and_then(typed) {
                Some(value) => DataValue::new_now(value),
                None => failed(StatusCode::BadWaitingForInitialData),
            },
        }
    }

    async fn write_one(&self, user: &Principal, node: &WriteNode) -> StatusCode {
        let asked = node.value();
        let Some(place) = self.places.get(&asked.node_id) else {
            return StatusCode::BadNodeIdUnknown;
        };
        let ServerNodeKind::Variable { data_type, tie, .. } = &place.kind else {
            return StatusCode::BadNotWritable;
        };
        let does = tie.use_of();
        if asked.attribute_id != AttributeId::Value || !(does.receives || does.holds) {
            return StatusCode::BadNotWritable;
        }
        if !may_act(user, &place.name) {
            return StatusCode::BadUserAccessDenied;
        }
        let value = asked.value.value.as_ref();
        let value = value.filter(|value| type_of(value) == scalar(data_type));
        let Some(json) = value.and_then(json::told).and_then(|json| raw(&json)) else {
            return StatusCode::BadTypeMismatch;
        };
        if does.holds {
            let held = tie.hold(json, &user.name).await;
            self.keep(&asked.node_id, data_type, &held);
            return answer::status(&held);
        }
        match tie.tell(json).await {
            true => StatusCode::Good,
            false => StatusCode::BadCommunicationError,
        }
    }

    /// What a held write was answered with is what the variable has then.
    fn keep(&self, id: &NodeId, data_type: &str, held: &Held) {
        let Held::Value(told) = held else { return };
        let value = serde_json::from_str::<serde_json::Value>(told.get()).ok();
        let wanted = scalar(data_type);
        let value = value.zip(wanted);
        let value = value.and_then(|(value, wanted)| json::read(&value, wanted, value.is_array()));
        if let Some(value) = value {
            self.answered.lock().insert(id.clone(), value);
        }
    }

    async fn call_one(&self, user: &Principal, call: &MethodCall) -> Called {
        let place = self.places.get(call.method_id());
        let Some((
            name,
            ServerNodeKind::Method {
                inputs,
                outputs,
                tie,
            },
        )) = place.map(|place| (&place.name, &place.kind))
        else {
            return Called::of(StatusCode::BadMethodInvalid);
        };
        if !may_act(user, name) {
            return Called::of(StatusCode::BadUserAccessDenied);
        }
        let message = match answer::message(inputs, call.arguments()) {
            Ok(message) => message,
            Err((status, arguments)) => {
                return Called {
                    arguments,
                    ..Called::of(status)
                };
            }
        };
        let Some(message) = raw(&message) else {
            return Called::of(StatusCode::BadInternalError);
        };
        let held = tie.hold(message, &user.name).await;
        let Held::Value(value) = &held else {
            return Called::of(answer::status(&held));
        };
        let value = serde_json::from_str(value.get()).unwrap_or_default();
        match answer::outputs(outputs, &value) {
            Ok(outputs) => Called {
                outputs,
                ..Called::of(StatusCode::Good)
            },
            Err(status) => Called::of(status),
        }
    }
}

/// What became of a call.
struct Called {
    status: StatusCode,
    arguments: Vec<StatusCode>,
    outputs: Vec<Variant>,
}

impl Called {
    fn of(status: StatusCode) -> Self {
        Self {
            status,
            arguments: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

impl Place {
    fn provides(&self) -> bool {
        matches!(&self.kind, ServerNodeKind::Variable { tie, .. } if tie.use_of().provides)
    }
}

#[async_trait]
impl InMemoryNodeManagerImpl for ServerNodes {
    async fn init(&self, _space: &mut AddressSpace, _context: ServerContext) {}

    fn name(&self) -> &str {
        NAME
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        vec![NamespaceMetadata {
            namespace_uri: self.uri.clone(),
            namespace_index: self.namespace,
            ..NamespaceMetadata::default()
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
        let user = self.user(context);
        let space = space.read();
        let read = |node: &&ParsedReadValueId| match (&user, self.places.get(&node.node_id)) {
            (Err(status), _) => failed(*status),
            (Ok(user), Some(place)) if !user.may_read(&place.name) => {
                failed(StatusCode::BadUserAccessDenied)
            }
            (_, Some(_)) => self.value(&node.node_id),
            // The arguments of a method, say.
            (_, None) => space.read(context, node, max_age, timestamps),
        };
        nodes.iter().map(read).collect()
    }

    async fn write(
        &self,
        context: &RequestContext,
        _space: &RwLock<AddressSpace>,
        nodes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        let statuses = join_all(nodes.iter().map(|node| self.write_one(&user, node))).await;
        for (node, status) in nodes.iter_mut().zip(statuses) {
            node.set_status(status);
        }
        Ok(())
    }

    async fn call(
        &self,
        context: &RequestContext,
        _space: &RwLock<AddressSpace>,
        methods: &mut [&mut &mut MethodCall],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        // Calls of one request are held side by side.
        let called = join_all(methods.iter().map(|call| self.call_one(&user, call))).await;
        for (call, called) in methods.iter_mut().zip(called) {
            if !called.arguments.is_empty() {
                call.set_argument_error(called.arguments);
            }
            call.set_status(called.status);
            call.set_outputs(called.outputs);
        }
        Ok(())
    }
}

fn may_act(user: &Principal, name: &str) -> bool {
    user.rights.control && user.may_write(name).allowed
}

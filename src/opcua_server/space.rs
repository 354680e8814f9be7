//! The address space: computed from the store when somebody asks, and never kept. So it costs
//! nothing while nobody looks, and a datapoint that appears is there at once.

mod attributes;
mod past;
mod place;
mod references;
mod writing;

use std::sync::Arc;

use async_trait::async_trait;
use mainstem_security::Principal;
use mainstem_store::Store;
use mainstem_write::WriteDesk;
use opcua::nodes::DefaultTypeTree;
use opcua::server::CreateMonitoredItem;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::{
    BrowseNode, BrowsePathItem, ExternalReferenceRequest, HistoryNode, MonitoredItemRef,
    MonitoredItemUpdateRef, NodeManager, ReadNode, RequestContext, ServerContext, WriteNode,
    impl_translate_browse_paths_using_browse,
};
use opcua::types::{
    AttributeId, MonitoringMode, NodeId, ReadProcessedDetails, ReadRawModifiedDetails, StatusCode,
    TimestampsToReturn,
};

use crate::history::History;
use crate::users::Users;
use crate::watch::Watch;

/// URI of the namespace of the datapoints.
pub(crate) const NAMESPACE: &str = "urn:mainstem:datapoints";
/// Name of the node manager in the library's own messages.
const NAME: &str = "datapoints";

/// The nodes of one server.
pub(crate) struct Space {
    pub(crate) store: Arc<Store>,
    pub(crate) users: Arc<Users>,
    pub(crate) writes: Arc<WriteDesk>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) watch: Arc<Watch>,
    /// The index of the datapoints' namespace.
    pub(crate) namespace: u16,
}

impl Space {
    /// Whose rights decide; nobody's once they are lost.
    fn user(&self, context: &RequestContext) -> Result<Arc<Principal>, StatusCode> {
        let user = self.users.principal(context.user_token());
        user.ok_or(StatusCode::BadUserAccessDenied)
    }
}

#[async_trait]
impl NodeManager for Space {
    fn owns_node(&self, id: &NodeId) -> bool {
        id.namespace == self.namespace
    }

    fn name(&self) -> &str {
        NAME
    }

    fn namespaces_for_user(&self, _context: &RequestContext) -> Vec<NamespaceMetadata> {
        vec![NamespaceMetadata {
            namespace_uri: NAMESPACE.to_owned(),
            namespace_index: self.namespace,
            ..NamespaceMetadata::default()
        }]
    }

    async fn init(&self, _types: &mut DefaultTypeTree, _context: ServerContext) {}

    async fn resolve_external_references(
        &self,
        context: &RequestContext,
        items: &mut [&mut ExternalReferenceRequest],
    ) {
        let Ok(user) = self.user(context) else { return };
        for item in items {
            if let Some(place) = self.place(&user, item.node_id()) {
                item.set(self.metadata(&place));
            }
        }
    }

    async fn read(
        &self,
        context: &RequestContext,
        _max_age: f64,
        timestamps: TimestampsToReturn,
        nodes: &mut [&mut ReadNode],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        for node in nodes {
            let value = self.attribute(&user, node.node());
            node.set_result(attributes::stamped(value, timestamps));
        }
        Ok(())
    }

    async fn browse(
        &self,
        context: &RequestContext,
        nodes: &mut [BrowseNode],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        let types = context.type_tree().read();
        for node in nodes {
            self.browse_one(&user, &*types, node);
        }
        Ok(())
    }

    async fn translate_browse_paths_to_node_ids(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut BrowsePathItem],
    ) -> Result<(), StatusCode> {
        impl_translate_browse_paths_using_browse(self, context, nodes).await
    }

    async fn write(
        &self,
        context: &RequestContext,
        nodes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        // Each is a write of its own, and none waits for another.
        let statuses = nodes.iter().map(|node| self.write_one(&user, node.value()));
        let statuses = futures_util::future::join_all(statuses).await;
        for (node, status) in nodes.iter_mut().zip(statuses) {
            node.set_status(status);
        }
        Ok(())
    }

    async fn history_read_raw_modified(
        &self,
        context: &RequestContext,
        details: &ReadRawModifiedDetails,
        nodes: &mut [&mut HistoryNode],
        timestamps: TimestampsToReturn,
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        self.read_raw(&user, details, nodes, timestamps).await
    }

    async fn history_read_processed(
        &self,
        context: &RequestContext,
        details: &ReadProcessedDetails,
        nodes: &mut [&mut HistoryNode],
        timestamps: TimestampsToReturn,
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        self.read_processed(&user, details, nodes, timestamps).await
    }

    async fn create_monitored_items(
        &self,
        context: &RequestContext,
        items: &mut [&mut CreateMonitoredItem],
    ) -> Result<(), StatusCode> {
        let user = self.user(context)?;
        for item in items {
            let wanted = item.item_to_monitor();
            let now = self.attribute(&user, wanted);
            if matches!(
                now.status,
                Some(StatusCode::BadNodeIdUnknown | StatusCode::BadAttributeIdInvalid)
            ) {
                item.set_status(now.status.unwrap_or_default());
                continue;
            }
            // Only the value changes; other attributes keep what they are told first.
            let is_value = wanted.attribute_id == AttributeId::Value;
            let name = is_value.then(|| self.watched(wanted)).flatten();
            if let Some(name) = name
                && !self.watch.add(context, item, &name, &now)
            {
                item.set_status(StatusCode::BadTooManyMonitoredItems);
                continue;
            }
            item.set_initial_value(now);
            item.set_status(StatusCode::Good);
        }
        Ok(())
    }

    async fn modify_monitored_items(
        &self,
        _context: &RequestContext,
        items: &[&MonitoredItemUpdateRef],
    ) {
        for item in items {
            self.watch.modify(item);
        }
    }

    async fn set_monitoring_mode(
        &self,
        _context: &RequestContext,
        mode: MonitoringMode,
        items: &[&MonitoredItemRef],
    ) {
        for item in items {
            self.watch.set_mode(item.handle(), mode);
        }
    }

    async fn delete_monitored_items(&self, _context: &RequestContext, items: &[&MonitoredItemRef]) {
        for item in items {
            self.watch.remove(item.handle());
        }
    }
}

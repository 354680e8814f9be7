//! Questions about the address space, each with a bounded answer.

use opcua::client::UARequest;
use opcua::client::services::{Browse, BrowseNext};
use opcua::types::{
    BrowseDescription, BrowseDirection, BrowseResultMaskFlags, ByteString, Error, NodeId,
    ReferenceDescription, ReferenceTypeId,
};

use super::requests::Requests;

/// References of one node that are looked at.
const REFERENCES_MAX: usize = 1000;
/// Pieces in which a server may hand out the references of one node.
const PIECES_MAX: usize = 20;

impl Requests {
    /// The nodes that a node refers to (or that refer to it) by one type of reference and its
    /// subtypes; none if the server will not say.
    pub(super) async fn references(
        &self,
        node: &NodeId,
        direction: BrowseDirection,
        reference: ReferenceTypeId,
    ) -> Result<Vec<ReferenceDescription>, Error> {
        let description = BrowseDescription {
            node_id: node.clone(),
            browse_direction: direction,
            reference_type_id: reference.into(),
            include_subtypes: true,
            node_class_mask: 0,
            result_mask: BrowseResultMaskFlags::all().bits().into(),
        };
        let browse = Browse::new(&self.session)
            .nodes_to_browse(vec![description])
            .timeout(self.timeout)
            .send(self.session.channel())
            .await?;
        let mut found = Vec::new();
        let mut results = browse.results;
        for _ in 0..PIECES_MAX {
            let Some(result) = results.take().and_then(|mut results| results.pop()) else {
                break;
            };
            found.extend(result.references.into_iter().flatten());
            let point: ByteString = result.continuation_point;
            if point.is_null_or_empty() || found.len() >= REFERENCES_MAX {
                break;
            }
            let next = BrowseNext::new(&self.session)
                .continuation_points(vec![point])
                .timeout(self.timeout)
                .send(self.session.channel())
                .await?;
            results = next.results;
        }
        found.truncate(REFERENCES_MAX);
        Ok(found)
    }

    /// The first of [`Self::references`] that is a node of this server.
    pub(super) async fn referred(
        &self,
        node: &NodeId,
        direction: BrowseDirection,
        reference: ReferenceTypeId,
    ) -> Result<Option<NodeId>, Error> {
        let found = self.references(node, direction, reference).await?;
        Ok(found.into_iter().find_map(local))
    }
}

/// The node of a reference, unless it is at another server.
pub(super) fn local(reference: ReferenceDescription) -> Option<NodeId> {
    let is_here = reference.node_id.server_index == 0 && reference.node_id.namespace_uri.is_null();
    is_here.then_some(reference.node_id.node_id)
}

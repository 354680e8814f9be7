//! What leads from one node to others.

use mainstem_security::Principal;
use opcua::nodes::TypeTree;
use opcua::server::node_manager::{AddReferenceResult, BrowseNode, NodeMetadata};
use opcua::types::{
    ExpandedNodeId, LocalizedText, NodeClass, NodeId, ObjectId, QualifiedName,
    ReferenceDescription, ReferenceTypeId, StatusCode,
};

use super::Space;
use super::place::{Place, Property, type_definition};

/// Names looked up at a time while a level is told.
const PART_MAX: usize = 1_000;

/// Where an answer that was too long goes on.
struct Rest {
    /// So many references before the children were told.
    fixed: usize,
    /// The place behind the last child.
    after: Option<String>,
}

impl Space {
    /// Answers for one node: for our own, and for the folder of the standard that holds ours.
    pub(super) fn browse_one(&self, user: &Principal, types: &dyn TypeTree, node: &mut BrowseNode) {
        if *node.node_id() == ObjectId::ObjectsFolder {
            if node.allows_forward() && node.take_continuation_point::<Rest>().is_none() {
                self.tell(types, node, organizes(self.metadata(&Place::Root)));
            }
            return;
        }
        if node.node_id().namespace != self.namespace {
            return;
        }
        let Some(place) = self.place(user, node.node_id()) else {
            node.set_status(StatusCode::BadNodeIdUnknown);
            return;
        };
        node.set_status(StatusCode::Good);
        let rest = node.take_continuation_point::<Rest>();
        let rest = rest.map_or(
            Rest {
                fixed: 0,
                after: None,
            },
            |rest| *rest,
        );
        let told = rest.fixed;
        for (number, reference) in self.fixed(&place, node).into_iter().enumerate().skip(told) {
            if !self.tell(types, node, reference) {
                let rest = Rest {
                    fixed: number,
                    after: None,
                };
                node.set_next_continuation_point(Box::new(rest));
                return;
            }
        }
        if node.allows_forward() {
            self.children(user, types, &place, node, rest.after);
        }
    }

    /// Adds a reference; false if there is no room for it.
    fn tell(
        &self,
        types: &dyn TypeTree,
        node: &mut BrowseNode,
        reference: ReferenceDescription,
    ) -> bool {
        !matches!(node.add(types, reference), AddReferenceResult::Full(_))
    }

    /// What a place leads to beside its children.
    fn fixed(&self, place: &Place, node: &BrowseNode) -> Vec<ReferenceDescription> {
        let mut found = Vec::new();
        if node.allows_forward() {
            found.push(type_reference(place));
            if let Place::Point(point) = place {
                for property in Property::of(&point.definition) {
                    let property = Place::Property(point.clone(), property);
                    let metadata = self.metadata(&property);
                    found.push(metadata.into_ref_desc(true, ReferenceTypeId::HasProperty));
                }
            }
        }
        if node.allows_inverse() {
            found.push(self.parent(place));
        }
        found
    }

    fn parent(&self, place: &Place) -> ReferenceDescription {
        let path = match place {
            Place::Root => return objects_folder(),
            Place::Property(point, _) => {
                let metadata = self.metadata(&Place::Point(point.clone()));
                return metadata.into_ref_desc(false, ReferenceTypeId::HasProperty);
            }
            Place::Folder(path) => path.as_str(),
            Place::Point(point) => point.name.as_str(),
        };
        let above = path.rsplit_once('.').map(|(above, _)| above);
        let (place, kind) = match above {
            None => (Place::Root, ReferenceTypeId::Organizes),
            Some(above) => match self.store.point(above) {
                Some(point) => (Place::Point(Box::new(point)), ReferenceTypeId::HasComponent),
                None => (Place::Folder(above.to_owned()), ReferenceTypeId::Organizes),
            },
        };
        self.metadata(&place).into_ref_desc(false, kind)
    }

    fn children(
        &self,
        user: &Principal,
        types: &dyn TypeTree,
        place: &Place,
        node: &mut BrowseNode,
        mut after: Option<String>,
    ) {
        let (path, kind) = match place {
            Place::Root => (None, ReferenceTypeId::Organizes),
            Place::Folder(path) => (Some(path.as_str()), ReferenceTypeId::Organizes),
            Place::Point(point) => (Some(point.name.as_str()), ReferenceTypeId::HasComponent),
            Place::Property(..) => return,
        };
        loop {
            // One more than there is room for shows whether there is more to tell.
            let most = node.remaining().clamp(1, PART_MAX);
            let level = self
                .store
                .level(path, after.as_deref(), &user.rights.read, most);
            if level.branches.is_empty() {
                return;
            }
            if node.remaining() == 0 {
                let rest = Rest {
                    fixed: usize::MAX,
                    after,
                };
                node.set_next_continuation_point(Box::new(rest));
                return;
            }
            for branch in level.branches {
                let child = match self.point(user, &branch.path).filter(|_| branch.is_point) {
                    Some(point) => Place::Point(point),
                    None => Place::Folder(branch.path),
                };
                let reference = self.metadata(&child).into_ref_desc(true, kind);
                self.tell(types, node, reference);
            }
            match level.next {
                Some(next) => after = Some(next),
                None => return,
            }
        }
    }
}

fn organizes(metadata: NodeMetadata) -> ReferenceDescription {
    metadata.into_ref_desc(true, ReferenceTypeId::Organizes)
}

fn objects_folder() -> ReferenceDescription {
    ReferenceDescription {
        reference_type_id: ReferenceTypeId::Organizes.into(),
        is_forward: false,
        node_id: ExpandedNodeId::new(ObjectId::ObjectsFolder),
        browse_name: QualifiedName::new(0, "Objects"),
        display_name: LocalizedText::new("", "Objects"),
        node_class: NodeClass::Object,
        type_definition: ExpandedNodeId::new(opcua::types::ObjectTypeId::FolderType),
    }
}

fn type_reference(place: &Place) -> ReferenceDescription {
    let id = type_definition(place);
    let class = super::place::node_class(place);
    let node_class = match class {
        NodeClass::Object => NodeClass::ObjectType,
        _ => NodeClass::VariableType,
    };
    ReferenceDescription {
        reference_type_id: ReferenceTypeId::HasTypeDefinition.into(),
        is_forward: true,
        browse_name: QualifiedName::new(0, type_name(&id)),
        display_name: LocalizedText::new("", type_name(&id)),
        node_id: ExpandedNodeId::new(id),
        node_class,
        type_definition: ExpandedNodeId::null(),
    }
}

fn type_name(id: &NodeId) -> &'static str {
    use opcua::types::Identifier;
    match id.identifier {
        Identifier::Numeric(61) => "FolderType",
        Identifier::Numeric(63) => "BaseDataVariableType",
        Identifier::Numeric(68) => "PropertyType",
        Identifier::Numeric(2368) => "AnalogItemType",
        Identifier::Numeric(17_497) => "AnalogUnitType",
        _ => "AnalogUnitRangeType",
    }
}

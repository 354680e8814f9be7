//! Which node an id stands for. Ids are the names of datapoints and of the paths above them, so
//! they stay the same whatever comes and goes.

use mainstem_model::{Definition, Limits};
use mainstem_security::Principal;
use mainstem_store::PointView;
use opcua::server::node_manager::{NodeMetadata, ParsedReadValueId};
use opcua::types::{
    ExpandedNodeId, Identifier, LocalizedText, NodeClass, NodeId, ObjectTypeId, QualifiedName,
    VariableTypeId,
};

use super::Space;

/// What the folder above all datapoints is called.
pub(super) const ROOT: &str = "Datapoints";
/// The number of that folder.
const ROOT_ID: u32 = 1;
/// Between the name of a datapoint and that of its property; no name has it.
const MARK: char = '!';

/// A node.
pub(super) enum Place {
    /// The folder above all datapoints.
    Root,
    /// A path with datapoints below it.
    Folder(String),
    /// A datapoint.
    Point(Box<PointView>),
    /// What a datapoint has beside its value.
    Property(Box<PointView>, Property),
}

/// What a datapoint has beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    /// Its unit.
    Units,
    /// The range for writes.
    Range,
}

impl Property {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Units => "EngineeringUnits",
            Self::Range => "EURange",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Units, Self::Range]
            .into_iter()
            .find(|property| property.name() == name)
    }

    /// Those that a datapoint has.
    pub(super) fn of(definition: &Definition) -> impl Iterator<Item = Self> {
        let units = definition.unit.as_ref().map(|_| Self::Units);
        let range = range(definition).map(|_| Self::Range);
        units.into_iter().chain(range)
    }
}

/// The range of a datapoint's numbers, if it has both ends.
pub(super) fn range(definition: &Definition) -> Option<(f64, f64)> {
    let Limits { min, max } = definition.limits?;
    Some((min?, max?))
}

impl Space {
    /// The node with an id, if there is one and somebody may see it.
    pub(super) fn place(&self, user: &Principal, id: &NodeId) -> Option<Place> {
        if id.namespace != self.namespace {
            return None;
        }
        let name = match &id.identifier {
            Identifier::Numeric(ROOT_ID) => return Some(Place::Root),
            Identifier::String(name) => name.as_ref(),
            _ => return None,
        };
        if let Some((name, property)) = name.split_once(MARK) {
            let point = self.point(user, name)?;
            let wanted = Property::parse(property)?;
            let has = Property::of(&point.definition).any(|property| property == wanted);
            return has.then_some(Place::Property(point, wanted));
        }
        if let Some(point) = self.point(user, name) {
            return Some(Place::Point(point));
        }
        let has_below = self.store.has_below(name, &user.rights.read);
        has_below.then(|| Place::Folder(name.to_owned()))
    }

    /// A datapoint that somebody may read.
    pub(super) fn point(&self, user: &Principal, name: &str) -> Option<Box<PointView>> {
        let found = self.store.find(name)?;
        let may_read = self.store.decide(&user.rights.read, &found).allowed;
        // An old name leads somewhere else; here it is no name.
        let is_itself = found.asked_as.is_none();
        (may_read && is_itself).then(|| Box::new(found.view))
    }

    /// The datapoint whose value somebody wants to watch.
    pub(super) fn watched(&self, wanted: &ParsedReadValueId) -> Option<String> {
        match &wanted.node_id.identifier {
            Identifier::String(name) if !name.as_ref().contains(MARK) => {
                Some(name.as_ref().to_owned())
            }
            _ => None,
        }
    }

    /// The id of a place.
    pub(super) fn id(&self, place: &Place) -> NodeId {
        match place {
            Place::Root => NodeId::new(self.namespace, ROOT_ID),
            Place::Folder(path) => NodeId::new(self.namespace, path.clone()),
            Place::Point(point) => NodeId::new(self.namespace, point.name.as_str().to_owned()),
            Place::Property(point, property) => {
                let name = format!("{}{MARK}{}", point.name, property.name());
                NodeId::new(self.namespace, name)
            }
        }
    }

    /// What a reference to a place tells of it.
    pub(super) fn metadata(&self, place: &Place) -> NodeMetadata {
        NodeMetadata {
            node_id: ExpandedNodeId::new(self.id(place)),
            type_definition: ExpandedNodeId::new(type_definition(place)),
            browse_name: self.browse_name(place),
            display_name: LocalizedText::new("", segment(place)),
            node_class: node_class(place),
        }
    }

    pub(super) fn browse_name(&self, place: &Place) -> QualifiedName {
        // Properties are the standard's own.
        let namespace = match place {
            Place::Property(..) => 0,
            _ => self.namespace,
        };
        QualifiedName::new(namespace, segment(place).to_owned())
    }
}

/// The last part of a place's name.
pub(super) fn segment(place: &Place) -> &str {
    let path = match place {
        Place::Root => ROOT,
        Place::Folder(path) => path,
        Place::Point(point) => point.name.as_str(),
        Place::Property(_, property) => property.name(),
    };
    path.rsplit_once('.').map_or(path, |(_, last)| last)
}

pub(super) fn node_class(place: &Place) -> NodeClass {
    match place {
        Place::Root | Place::Folder(_) => NodeClass::Object,
        Place::Point(_) | Place::Property(..) => NodeClass::Variable,
    }
}

pub(super) fn type_definition(place: &Place) -> NodeId {
    match place {
        Place::Root | Place::Folder(_) => ObjectTypeId::FolderType.into(),
        Place::Property(..) => VariableTypeId::PropertyType.into(),
        Place::Point(point) => {
            let definition = &point.definition;
            let is_number = definition.value_type.scalar.is_numeric();
            let kind = match (definition.unit.is_some(), range(definition).is_some()) {
                (true, true) if is_number => VariableTypeId::AnalogUnitRangeType,
                (true, false) if is_number => VariableTypeId::AnalogUnitType,
                (false, true) if is_number => VariableTypeId::AnalogItemType,
                _ => VariableTypeId::BaseDataVariableType,
            };
            kind.into()
        }
    }
}

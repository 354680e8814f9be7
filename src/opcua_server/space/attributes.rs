//! The attributes of nodes (part 3, 5).

use mainstem_model::Definition;
use mainstem_security::Principal;
use mainstem_store::PointView;
use opcua::server::node_manager::ParsedReadValueId;
use opcua::types::{
    AttributeId, DataTypeId, DataValue, DateTime, EUInformation, ExtensionObject, LocalizedText,
    NodeId, NumericRange, Range, StatusCode, TimestampsToReturn, UAString, Variant,
};

use super::Space;
use super::place::{self, Place, Property};
use crate::limits::SAMPLING_MIN;
use crate::to_client;

/// Bits of the attribute AccessLevel (part 3, 8.57).
const CURRENT_READ: u8 = 1;
const CURRENT_WRITE: u8 = 2;
const HISTORY_READ: u8 = 4;
/// A scalar (part 3, 5.6.2), and an array of one dimension.
const RANK_SCALAR: i32 = -1;
const RANK_ARRAY: i32 = 1;
/// The namespace of units that the standard itself does not know by number.
const UNITS: &str = "urn:mainstem:units";

impl Space {
    /// One attribute of one node, as somebody sees it.
    pub(super) fn attribute(&self, user: &Principal, asked: &ParsedReadValueId) -> DataValue {
        let Some(place) = self.place(user, &asked.node_id) else {
            return failed(StatusCode::BadNodeIdUnknown);
        };
        if asked.attribute_id == AttributeId::Value {
            return in_range(self.value(&place), &asked.index_range);
        }
        let value = match self.general(&place, asked.attribute_id) {
            Some(value) => Some(value),
            None => self.special(user, &place, asked.attribute_id),
        };
        value.map_or_else(|| failed(StatusCode::BadAttributeIdInvalid), fixed)
    }

    /// What every node has.
    fn general(&self, place: &Place, attribute: AttributeId) -> Option<Variant> {
        Some(match attribute {
            AttributeId::NodeId => self.id(place).into(),
            AttributeId::NodeClass => Variant::Int32(place::node_class(place) as i32),
            AttributeId::BrowseName => self.browse_name(place).into(),
            AttributeId::DisplayName => LocalizedText::new("", place::segment(place)).into(),
            AttributeId::Description => LocalizedText::new("", description(place)).into(),
            AttributeId::WriteMask | AttributeId::UserWriteMask => Variant::UInt32(0),
            _ => return None,
        })
    }

    /// What nodes of some class have.
    fn special(&self, user: &Principal, place: &Place, attribute: AttributeId) -> Option<Variant> {
        match place {
            Place::Root | Place::Folder(_) => {
                (attribute == AttributeId::EventNotifier).then_some(Variant::Byte(0))
            }
            Place::Point(point) => self.of_point(user, point, attribute),
            Place::Property(_, property) => of_property(*property, attribute),
        }
    }

    fn of_point(
        &self,
        user: &Principal,
        point: &PointView,
        attribute: AttributeId,
    ) -> Option<Variant> {
        let is_array = point.definition.value_type.array;
        let level = || self.access_level(point);
        let user_level = || {
            let may_write = user.may_write(point.name.as_str()).allowed && user.rights.control;
            level() & if may_write { u8::MAX } else { !CURRENT_WRITE }
        };
        Some(match attribute {
            AttributeId::DataType => NodeId::from(to_client::data_type(&point.definition)).into(),
            AttributeId::ValueRank => {
                Variant::Int32(if is_array { RANK_ARRAY } else { RANK_SCALAR })
            }
            AttributeId::ArrayDimensions if is_array => Variant::from(vec![0_u32]),
            AttributeId::AccessLevel => Variant::Byte(level()),
            AttributeId::UserAccessLevel => Variant::Byte(user_level()),
            AttributeId::AccessLevelEx => Variant::UInt32(u32::from(level())),
            AttributeId::MinimumSamplingInterval => {
                Variant::Double(SAMPLING_MIN.as_secs_f64() * 1000.0)
            }
            AttributeId::Historizing => {
                Variant::Boolean(self.history.recorded(point.name.as_str()).is_some())
            }
            _ => return None,
        })
    }

    fn access_level(&self, point: &PointView) -> u8 {
        let mut level = CURRENT_READ;
        if point.definition.access.is_writable() {
            level |= CURRENT_WRITE;
        }
        if self.history.recorded(point.name.as_str()).is_some() {
            level |= HISTORY_READ;
        }
        level
    }

    fn value(&self, place: &Place) -> DataValue {
        match place {
            Place::Root | Place::Folder(_) => failed(StatusCode::BadAttributeIdInvalid),
            Place::Point(point) => to_client::data_value(point),
            Place::Property(point, property) => fixed(property_value(&point.definition, *property)),
        }
    }
}

fn description(place: &Place) -> &str {
    match place {
        Place::Root => "The datapoints of this node and of those below it",
        Place::Point(point) => point.definition.description.as_deref().unwrap_or_default(),
        Place::Folder(_) | Place::Property(..) => "",
    }
}

fn of_property(property: Property, attribute: AttributeId) -> Option<Variant> {
    let data_type = match property {
        Property::Units => DataTypeId::EUInformation,
        Property::Range => DataTypeId::Range,
    };
    Some(match attribute {
        AttributeId::DataType => NodeId::from(data_type).into(),
        AttributeId::ValueRank => Variant::Int32(RANK_SCALAR),
        AttributeId::AccessLevel | AttributeId::UserAccessLevel => Variant::Byte(CURRENT_READ),
        AttributeId::AccessLevelEx => Variant::UInt32(u32::from(CURRENT_READ)),
        AttributeId::Historizing => Variant::Boolean(false),
        _ => return None,
    })
}

fn property_value(definition: &Definition, property: Property) -> Variant {
    let object = match property {
        Property::Units => {
            let unit = definition.unit.as_deref().unwrap_or_default();
            ExtensionObject::from_message(EUInformation {
                namespace_uri: UAString::from(UNITS),
                // The standard's own numbers are those of UNECE; ours are texts only.
                unit_id: -1,
                display_name: LocalizedText::new("", unit),
                description: LocalizedText::new("", unit),
            })
        }
        Property::Range => {
            let (low, high) = place::range(definition).unwrap_or_default();
            ExtensionObject::from_message(Range { low, high })
        }
    };
    Variant::ExtensionObject(object)
}

fn fixed(value: Variant) -> DataValue {
    DataValue {
        value: Some(value),
        status: Some(StatusCode::Good),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

pub(super) fn failed(status: StatusCode) -> DataValue {
    DataValue {
        status: Some(status),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

fn in_range(mut value: DataValue, range: &NumericRange) -> DataValue {
    if range.has_range()
        && let Some(whole) = value.value.take()
    {
        match whole.range_of(range) {
            Ok(part) => value.value = Some(part),
            Err(status) => return failed(status),
        }
    }
    value
}

/// With the time stamps that were asked for.
pub(super) fn stamped(mut value: DataValue, wanted: TimestampsToReturn) -> DataValue {
    if !matches!(
        wanted,
        TimestampsToReturn::Source | TimestampsToReturn::Both
    ) {
        value.source_timestamp = None;
    }
    if !matches!(
        wanted,
        TimestampsToReturn::Server | TimestampsToReturn::Both
    ) {
        value.server_timestamp = None;
    }
    value
}

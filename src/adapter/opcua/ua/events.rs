//! Events: what is asked for, and what arrives, as JSON (part 4, 7.22.3).

use mainstem_adapter::{PointId, Reading};
use mainstem_model::{Quality, Reason, Value};
use opcua::types::{
    AttributeId, ContentFilter, ContentFilterElement, ElementOperand, EventFilter, ExtensionObject,
    FilterOperator, LiteralOperand, NodeId, NumericRange, ObjectTypeId, QualifiedName,
    SimpleAttributeOperand, Variant,
};
use serde_json::{Map, Value as Json};

use super::from_device::time;
use super::link::Server;
use super::structures::{Missing, Structures};
use crate::browse_path::BrowsePath;
use crate::plan::{EventField, EventPlan};

/// What is asked for behind the fields of the endpoint, for us: EventType and Time.
const OWN_FIELDS: usize = 2;

/// The filter of an endpoint; `None` if the server does not know a namespace in it.
pub(crate) fn filter(plan: &EventPlan, server: &Server) -> Option<EventFilter> {
    let mut select = Vec::new();
    for (_, field) in &plan.fields {
        select.push(match field {
            EventField::Path(path) => operand(names(path, server)?),
            // Part 9, 5.5.2: the condition itself has no name in the event.
            EventField::ConditionId => SimpleAttributeOperand {
                type_definition_id: ObjectTypeId::ConditionType.into(),
                browse_path: None,
                attribute_id: AttributeId::NodeId as u32,
                index_range: NumericRange::None,
            },
        });
    }
    select.extend(["EventType", "Time"].map(|name| operand(vec![QualifiedName::new(0, name)])));
    let types = plan
        .types
        .iter()
        .map(|id| server.node(id))
        .collect::<Option<Vec<_>>>()?;
    Some(EventFilter {
        select_clauses: Some(select),
        where_clause: ContentFilter {
            elements: condition(plan.severity, types),
        },
    })
}

// The type is the one of all events: servers find a field by its name alone then.
fn operand(browse_path: Vec<QualifiedName>) -> SimpleAttributeOperand {
    SimpleAttributeOperand {
        type_definition_id: ObjectTypeId::BaseEventType.into(),
        browse_path: Some(browse_path),
        attribute_id: AttributeId::Value as u32,
        index_range: NumericRange::None,
    }
}

fn names(path: &BrowsePath, server: &Server) -> Option<Vec<QualifiedName>> {
    let steps = path.steps.iter();
    let name = steps.map(|step| {
        Some(QualifiedName::new(
            server.namespace(&step.namespace)?,
            step.name.clone(),
        ))
    });
    name.collect()
}

enum Condition {
    Both(FilterOperator, Box<[Condition; 2]>),
    Is(FilterOperator, Vec<ExtensionObject>),
}

fn condition(severity: Option<u16>, types: Vec<NodeId>) -> Option<Vec<ContentFilterElement>> {
    let literal = |value: Variant| ExtensionObject::from_message(LiteralOperand { value });
    let both = |operator| move |one, other| Condition::Both(operator, Box::new([one, other]));
    let of_type = types
        .into_iter()
        .map(|id| Condition::Is(FilterOperator::OfType, vec![literal(Variant::from(id))]))
        .reduce(both(FilterOperator::Or));
    let severe = severity.map(|least| {
        let field = operand(vec![QualifiedName::new(0, "Severity")]);
        let operands = vec![
            ExtensionObject::from_message(field),
            literal(Variant::UInt16(least)),
        ];
        Condition::Is(FilterOperator::GreaterThanOrEqual, operands)
    });
    let whole = of_type
        .into_iter()
        .chain(severe)
        .reduce(both(FilterOperator::And))?;
    let mut elements = Vec::new();
    put(whole, &mut elements);
    Some(elements)
}

// An element refers to those behind it only, so each takes its place before its operands do.
fn put(condition: Condition, elements: &mut Vec<ContentFilterElement>) -> u32 {
    let index = elements.len();
    elements.push(ContentFilterElement::default());
    let (filter_operator, operands) = match condition {
        Condition::Is(operator, operands) => (operator, operands),
        Condition::Both(operator, both) => {
            let operands = both.map(|below| {
                let index = put(below, elements);
                ExtensionObject::from_message(ElementOperand { index })
            });
            (operator, operands.into())
        }
    };
    elements[index] = ContentFilterElement {
        filter_operator,
        filter_operands: Some(operands),
    };
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// An event as a reading of its point.
pub(crate) fn reading(
    point: PointId,
    plan: &EventPlan,
    found: &[Variant],
    structures: &Structures,
) -> Result<Reading, Missing> {
    let mut event = Map::with_capacity(plan.fields.len());
    for ((name, _), value) in plan.fields.iter().zip(found) {
        event.insert(name.clone(), structures.json(value, None, false)?);
    }
    let stamp = match found.get(plan.fields.len() + 1) {
        Some(Variant::DateTime(moment)) if moment.ticks() > 0 => Some(time(**moment)),
        _ => None,
    };
    let value = Value::Json(Json::Object(event).to_string().into());
    let fits = value.check(mainstem_model::Scalar::Json.into()).is_ok();
    // A server that answers with another number of fields than it was asked for says nothing.
    let is_whole = found.len() == plan.fields.len() + OWN_FIELDS;
    let (value, quality) = match fits && is_whole {
        true => (Some(value), Quality::GOOD),
        false => (None, Quality::of(Reason::BadType)),
    };
    Ok(Reading {
        point,
        value,
        quality,
        source_time: stamp,
    })
}

/// Whether this is the server's word that it had to drop events (part 5, 6.4.33).
pub(crate) fn is_overflow(plan: &EventPlan, found: &[Variant]) -> bool {
    let wanted = NodeId::from(ObjectTypeId::EventQueueOverflowEventType);
    matches!(found.get(plan.fields.len()), Some(Variant::NodeId(id)) if **id == wanted)
}

//! Which node an endpoint means, and what it wants of it.

use std::time::Duration;

use mainstem_adapter::{EndpointSpec, Problem};
use mainstem_model::Access;

use super::{DeadbandType, EndpointConfig, Enumerations, NodeKind, Trigger};
use crate::browse_path::{Address, BrowsePath};
use crate::node_address::{Identifier, Namespace, NodeAddress};
use crate::plan::{ChangeFilter, EventField, EventPlan, MethodPlan, ValuePlan, What};
use crate::section::in_range;
use crate::ua::subscribe::is_range;

/// The object Server, which tells all events of a server.
const SERVER: u32 = 2253;
/// The fields of every event (part 5, 6.4.2).
const FIELDS: [&str; 8] = [
    "EventId",
    "EventType",
    "SourceNode",
    "SourceName",
    "Time",
    "ReceiveTime",
    "Message",
    "Severity",
];
/// Fields of one endpoint.
const FIELDS_MAX: usize = 200;
/// Types of events of one endpoint.
const EVENT_TYPES_MAX: usize = 50;
/// The value of a node among its attributes (part 6, annex A.1).
const VALUE: u64 = 13;
const NODE_ID: &str = "a node id such as ns=2;s=Line1.Speed (i, s, g or b)";

impl EndpointConfig {
    fn kind(&self) -> NodeKind {
        let is_event = self.fields.is_some() || self.event_types.is_some();
        let derived = if is_event || self.min_severity.is_some() {
            NodeKind::Object
        } else {
            NodeKind::Variable
        };
        self.node_type.unwrap_or(derived)
    }

    pub(super) fn address(&self, operation: &str, problems: &mut Vec<Problem>) -> Option<Address> {
        let at = |name: &str| format!("{operation}/{name}");
        let mut wrong = |pointer: String, message: String, expected: &str| {
            problems.push(Problem::new(pointer, message, expected));
            None
        };
        match (&self.node_id, &self.browse_path) {
            (Some(_), Some(_)) => wrong(
                at("browsePath"),
                "nodeId and browsePath exclude each other".into(),
                "one of the two",
            ),
            (None, None) if self.kind() == NodeKind::Object => Some(Address::Node(NodeAddress {
                namespace: Namespace::Index(0),
                identifier: Identifier::Numeric(SERVER),
            })),
            (None, None) => wrong(at("nodeId"), "the node is missing".into(), NODE_ID),
            (Some(_), None) if self.browse_path_prefix.is_some() => wrong(
                at("browsePathPrefix"),
                "there is no browsePath behind it".into(),
                "browsePath instead of nodeId, or no prefix",
            ),
            (Some(text), None) => match text.parse() {
                Ok(address) => Some(Address::Node(address)),
                Err(error) => wrong(at("nodeId"), format!("{text:?}: {error}"), NODE_ID),
            },
            (None, Some(path)) => {
                let whole = match &self.browse_path_prefix {
                    Some(prefix) => {
                        let (prefix, path) =
                            (prefix.trim_end_matches('/'), path.trim_start_matches('/'));
                        format!("{prefix}/{path}")
                    }
                    None => path.clone(),
                };
                match whole.parse() {
                    Ok(path) => Some(Address::Path(path)),
                    Err(error) => wrong(
                        at("browsePath"),
                        format!("{whole:?}: {error}"),
                        "names with their namespaces, such as /0:Objects/2:Line/2:Speed",
                    ),
                }
            }
        }
    }

    pub(super) fn what(
        &self,
        spec: &EndpointSpec,
        operation: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<What> {
        let before = problems.len();
        let kind = self.kind();
        self.check_strangers(kind, operation, problems);
        let what = match kind {
            NodeKind::Variable => self.value(operation, problems).map(What::Value),
            NodeKind::Method => {
                if !spec.access.is_writable() {
                    problems.push(Problem::new(
                        format!("{operation}/nodeType"),
                        "a method is called by a write, and this endpoint takes none",
                        "write: instead, or access: rw beside it",
                    ));
                }
                self.method(operation, problems).map(What::Method)
            }
            NodeKind::Object => {
                if spec.access != Access::Read || spec.interval.is_some() || spec.scaling.is_some()
                {
                    problems.push(Problem::new(
                        format!("{operation}/nodeType"),
                        "events are neither written nor polled nor scaled",
                        "subscribe: alone",
                    ));
                }
                self.events(operation, problems).map(What::Events)
            }
        };
        what.filter(|_| problems.len() == before)
    }

    // An option that does nothing would be taken for one that does.
    fn check_strangers(&self, kind: NodeKind, operation: &str, problems: &mut Vec<Problem>) {
        let given = [
            ("objectId", NodeKind::Method, self.object_id.is_some()),
            ("callTimeout", NodeKind::Method, self.call_timeout.is_some()),
            ("fields", NodeKind::Object, self.fields.is_some()),
            ("eventTypes", NodeKind::Object, self.event_types.is_some()),
            ("minSeverity", NodeKind::Object, self.min_severity.is_some()),
            (
                "attributeId",
                NodeKind::Variable,
                self.attribute_id.is_some(),
            ),
            ("indexRange", NodeKind::Variable, self.index_range.is_some()),
            ("deadband", NodeKind::Variable, self.deadband.is_some()),
            ("trigger", NodeKind::Variable, self.trigger.is_some()),
        ];
        for (name, belongs, _) in given
            .iter()
            .filter(|(_, belongs, given)| *given && *belongs != kind)
        {
            problems.push(Problem::new(
                format!("{operation}/{name}"),
                format!("this does nothing for nodeType {kind:?}"),
                format!("nodeType: {belongs:?}, or not this option"),
            ));
        }
    }

    fn value(&self, operation: &str, problems: &mut Vec<Problem>) -> Option<ValuePlan> {
        let at = |name: &str| format!("{operation}/{name}");
        let attribute = self.attribute_id.unwrap_or(VALUE);
        in_range(attribute, 1..=27, &at("attributeId"), "", problems);
        if let Some(range) = &self.index_range
            && !is_range(range)
        {
            let expected = "an index, a range, or one per dimension: 2, 1:3, 0:1,2:4";
            problems.push(Problem::new(
                at("indexRange"),
                format!("{range:?} is no range"),
                expected,
            ));
        }
        let percent = self.deadband_type == DeadbandType::Percent;
        if let Some(deadband) = self.deadband
            && !(deadband.is_finite() && deadband >= 0.0 && (!percent || deadband <= 100.0))
        {
            let expected = "0 or more, with deadbandType Percent at most 100";
            problems.push(Problem::new(
                at("deadband"),
                format!("{deadband} is no deadband"),
                expected,
            ));
        }
        Some(ValuePlan {
            attribute: (attribute != VALUE).then(|| u32::try_from(attribute).unwrap_or(0)),
            range: self.index_range.clone(),
            names: self.enumerations == Enumerations::Name,
            filter: ChangeFilter {
                deadband: self.deadband,
                percent,
                trigger: self.trigger.map(|trigger| match trigger {
                    Trigger::Status => 0,
                    Trigger::StatusValue => 1,
                    Trigger::StatusValueTimestamp => 2,
                }),
            },
        })
    }

    fn method(&self, operation: &str, problems: &mut Vec<Problem>) -> Option<MethodPlan> {
        let timeout = self.call_timeout;
        let at = format!("{operation}/callTimeout");
        in_range(
            timeout.unwrap_or(1000),
            100..=600_000,
            &at,
            " (milliseconds)",
            problems,
        );
        let by_id = match &self.object_id {
            Some(text) => Some(Address::Node(node_id(
                text,
                &format!("{operation}/objectId"),
                problems,
            )?)),
            None => None,
        };
        let by_path = match self.address(operation, &mut Vec::new()) {
            Some(Address::Path(path)) => path.parent().map(Address::Path),
            _ => None,
        };
        Some(MethodPlan {
            object: by_id.or(by_path),
            timeout: timeout.map(Duration::from_millis),
        })
    }

    fn events(&self, operation: &str, problems: &mut Vec<Problem>) -> Option<EventPlan> {
        let at = |name: &str| format!("{operation}/{name}");
        let severity = self.min_severity;
        in_range(
            severity.unwrap_or(1),
            1..=1000,
            &at("minSeverity"),
            "",
            problems,
        );
        let names = match &self.fields {
            Some(names) => names.clone(),
            None => FIELDS.map(str::to_owned).to_vec(),
        };
        in_range(
            names.len() as u64,
            1..=FIELDS_MAX as u64,
            &at("fields"),
            " names",
            problems,
        );
        let mut fields = Vec::new();
        for (index, name) in names.into_iter().enumerate().take(FIELDS_MAX) {
            let field = match name.as_str() {
                "ConditionId" => EventField::ConditionId,
                _ => match name.parse::<BrowsePath>() {
                    Ok(path) => EventField::Path(path),
                    Err(error) => {
                        let at = format!("{operation}/fields/{index}");
                        let expected = "browse names, such as Message or 2:Batch/2:Number";
                        problems.push(Problem::new(at, format!("{name:?}: {error}"), expected));
                        continue;
                    }
                },
            };
            if fields.iter().any(|(known, _)| *known == name) {
                let at = format!("{operation}/fields/{index}");
                problems.push(Problem::new(
                    at,
                    format!("{name:?} stands here twice"),
                    "once",
                ));
            }
            fields.push((name, field));
        }
        let types = self.event_types.as_deref().unwrap_or_default();
        in_range(
            types.len() as u64,
            0..=EVENT_TYPES_MAX as u64,
            &at("eventTypes"),
            "",
            problems,
        );
        let types = types.iter().enumerate().filter_map(|(index, text)| {
            node_id(text, &format!("{operation}/eventTypes/{index}"), problems)
        });
        Some(EventPlan {
            types: types.collect(),
            fields,
            severity: severity.map(|severity| u16::try_from(severity).unwrap_or(u16::MAX)),
        })
    }
}

fn node_id(text: &str, pointer: &str, problems: &mut Vec<Problem>) -> Option<NodeAddress> {
    match text.parse() {
        Ok(address) => Some(address),
        Err(error) => {
            problems.push(Problem::new(pointer, format!("{text:?}: {error}"), NODE_ID));
            None
        }
    }
}

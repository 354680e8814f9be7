//! The configuration in the shape in which sessions use it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{AdapterSpec, EndpointSpec, PointId, Problem};
use mainstem_model::{Access, Scalar, Topic, TopicFilter, ValueType};

use crate::config::{Connection, Format, Operation};

/// Filters of one connection.
pub(crate) const FILTERS_MAX: usize = 10_000;
/// A JSON pointer is empty or begins with this.
const POINTER: char = '/';

/// Everything that a session needs to know.
pub(crate) struct Plan {
    pub(crate) broker: BrokerPlan,
    pub(crate) points: Vec<PointPlan>,
    /// What is subscribed to, each filter once with its highest QoS, and the datapoints behind it.
    pub(crate) filters: BTreeMap<TopicFilter, (u8, Vec<PointId>)>,
    /// Those of them that more than one topic can fit.
    pub(crate) wild: Vec<TopicFilter>,
}

/// The broker and how to reach it.
pub(crate) struct BrokerPlan {
    pub(crate) config: Connection,
    pub(crate) port: u16,
    pub(crate) client_id: String,
    /// The folder that paths are relative to.
    pub(crate) home: PathBuf,
}

/// One datapoint.
pub(crate) struct PointPlan {
    pub(crate) operation: Operation,
    /// The type of the values before scaling.
    pub(crate) raw: ValueType,
    pub(crate) reads: Option<TopicFilter>,
    pub(crate) writes: Option<Topic>,
}

impl Plan {
    pub(crate) fn new(broker: BrokerPlan, points: Vec<PointPlan>) -> Self {
        let mut filters: BTreeMap<TopicFilter, (u8, Vec<PointId>)> = BTreeMap::new();
        for (id, point) in (0..).zip(&points) {
            if let Some(filter) = &point.reads {
                let (qos, behind) = filters.entry(filter.clone()).or_default();
                *qos = point.operation.qos.max(*qos);
                behind.push(PointId(id));
            }
        }
        let is_wild = |filter: &&TopicFilter| {
            Topic::new(filter.as_str()).is_err() || filter.unshared() != filter.as_str()
        };
        Self {
            wild: filters.keys().filter(is_wild).cloned().collect(),
            broker,
            points,
            filters,
        }
    }
}

impl BrokerPlan {
    pub(crate) fn new(
        config: Connection,
        spec: &AdapterSpec,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut problem = |key: &str, message: &str, expected: &str| {
            let at = format!("/connection{key}");
            problems.push(Problem::new(at, message, expected));
        };
        let is_secure = config.scheme.is_secure();
        match &config.tls {
            Some(_) if !is_secure => {
                problem("/tls", "there is no TLS with this scheme", "scheme: mqtts");
            }
            None if is_secure => {
                problem("/tls", "nothing says whom to believe", "`ca` or `pin`");
            }
            Some(tls) => {
                if let Some((key, expected)) = tls.problem() {
                    let at = match key {
                        "" => "/tls".to_owned(),
                        key => format!("/tls/{key}"),
                    };
                    problem(&at, "this is not right", expected);
                }
            }
            None => {}
        }
        if config.password.is_some() && config.username.is_none() {
            problem("/username", "a password without a user", "both, or neither");
        }
        if !config.clean && config.client_id.is_none() {
            let message = "a session that is kept has to have a name";
            problem("/clientId", message, "an id that no other client has");
        }
        if !(5..=3600).contains(&config.keepalive) {
            problem("/keepalive", "outside its range", "5 to 3600 seconds");
        }
        let will = config.will.as_ref();
        if will.is_some_and(|will| Topic::new(&will.topic).is_err() || will.qos > 2) {
            let expected = "a topic without wildcards, and a QoS of 0 to 2";
            problem("/will", "this cannot be published", expected);
        }
        if problems.len() > before {
            return None;
        }
        let number = uuid::Uuid::new_v4().simple().to_string();
        let own = || format!("mainstem-{}-{}", spec.name, &number[..8]);
        Some(Self {
            port: config.port.unwrap_or(if is_secure { 8883 } else { 1883 }),
            client_id: config.client_id.clone().unwrap_or_else(own),
            home: spec.home.clone(),
            config,
        })
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.config.connect_timeout)
    }

    pub(crate) fn keepalive(&self) -> Duration {
        Duration::from_secs(self.config.keepalive)
    }

    /// The broker for messages.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.config.host, self.port)
    }
}

impl PointPlan {
    pub(crate) fn new(
        operation: Operation,
        endpoint: &EndpointSpec,
        at: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut problem = |key: &str, message: String, expected: &str| {
            problems.push(Problem::new(format!("{at}/{key}"), message, expected));
        };
        let (mut reads, mut writes) = (None, None);
        let published = match endpoint.access {
            Access::Write => Some(("topic", Some(&operation.topic))),
            Access::ReadWrite => Some(("writeTopic", operation.write_topic.as_ref())),
            Access::Read => None,
        };
        if endpoint.access != Access::Write {
            match TopicFilter::new(&operation.topic) {
                Ok(filter) => reads = Some(filter),
                Err(error) => problem("topic", error.to_string(), "a topic, or a filter"),
            }
        }
        match published {
            Some((key, Some(text))) => match Topic::new(text) {
                Ok(topic) => writes = Some(topic),
                Err(error) => problem(key, error.to_string(), "a topic without wildcards"),
            },
            Some((key, None)) => {
                let message = "nothing says where writes are published".to_owned();
                problem(key, message, "a topic");
            }
            None => {}
        }
        if operation.qos > 2 {
            problem("qos", format!("{} is no QoS", operation.qos), "0, 1 or 2");
        }
        let pointers = [
            ("pointer", &operation.pointer),
            ("timePointer", &operation.time_pointer),
        ];
        for (key, pointer) in pointers {
            let is_wrong = |text: &&String| !text.is_empty() && !text.starts_with(POINTER);
            if let Some(text) = pointer.as_ref().filter(is_wrong) {
                problem(
                    key,
                    format!("{text:?} is no JSON pointer"),
                    "such as /a/0/b",
                );
            }
            if pointer.is_some() && operation.format == Format::Raw {
                problem(
                    key,
                    "there is no JSON with `format: raw`".to_owned(),
                    "format: json",
                );
            }
        }
        if problems.len() > before {
            return None;
        }
        let raw = raw_type(endpoint, operation.format);
        Some(Self {
            operation,
            raw,
            reads,
            writes,
        })
    }
}

/// The type before scaling: a number where the node scales or nobody says, text for raw payloads.
fn raw_type(endpoint: &EndpointSpec, format: Format) -> ValueType {
    match (endpoint.scaling, endpoint.value_type) {
        (None, Some(declared)) => declared,
        (Some(_), declared) => ValueType {
            scalar: Scalar::F64,
            array: declared.is_some_and(|declared| declared.array),
        },
        (None, None) if format == Format::Raw => Scalar::Text.into(),
        (None, None) => Scalar::F64.into(),
    }
}

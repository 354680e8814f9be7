//! The configuration in the shape in which sessions use it, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{AdapterSpec, EndpointSpec, PointId, Problem};
use mainstem_model::{Access, Scalar, ValueType};

use crate::config::{Connection, Format, From, Mechanism, Operation};

/// Brokers that may be named.
const BROKERS_MAX: usize = 16;
/// Brokers that may have another address from here.
const ADDRESSES_MAX: usize = 64;
/// Partitions that an endpoint may name.
const PARTITIONS_MAX: usize = 64;
/// Topics of one connection.
const TOPICS_MAX: usize = 256;
/// Headers of a message.
const HEADERS_MAX: usize = 32;

/// Everything that a session needs to know.
pub(crate) struct Plan {
    pub(crate) cluster: ClusterPlan,
    pub(crate) points: Vec<PointPlan>,
    /// What is read, by topic.
    pub(crate) topics: BTreeMap<String, TopicPlan>,
}

/// The cluster and how to reach it.
pub(crate) struct ClusterPlan {
    pub(crate) config: Connection,
    /// Host and port of each broker to begin with.
    pub(crate) brokers: Vec<(String, u16)>,
    /// Where brokers are from here, by where the cluster says that they are.
    pub(crate) addresses: BTreeMap<(String, u16), (String, u16)>,
    /// The folder that paths are relative to.
    pub(crate) home: PathBuf,
    /// The file in which places are kept.
    pub(crate) kept: PathBuf,
}

/// A topic that is read.
pub(crate) struct TopicPlan {
    pub(crate) points: Vec<PointId>,
    pub(crate) from: From,
    pub(crate) keep: bool,
    /// The partitions; all of them unless somebody names some.
    pub(crate) partitions: Option<Vec<i32>>,
}

/// One datapoint.
pub(crate) struct PointPlan {
    pub(crate) operation: Operation,
    /// The type of the values before scaling.
    pub(crate) raw: ValueType,
    pub(crate) is_read: bool,
}

impl Plan {
    pub(crate) fn new(cluster: ClusterPlan, points: Vec<PointPlan>) -> Self {
        let mut topics: BTreeMap<String, TopicPlan> = BTreeMap::new();
        for (id, point) in (0..).zip(&points).filter(|(_, point)| point.is_read) {
            let operation = &point.operation;
            let topic = topics.entry(operation.topic.clone()).or_insert(TopicPlan {
                points: Vec::new(),
                from: operation.from,
                keep: operation.keep,
                partitions: Some(Vec::new()),
            });
            topic.points.push(PointId(id));
            match (&mut topic.partitions, &operation.partitions) {
                (Some(all), Some(more)) => all.extend(more),
                (all, None) => *all = None,
                (None, Some(_)) => {}
            }
        }
        Self {
            cluster,
            points,
            topics,
        }
    }
}

impl ClusterPlan {
    pub(crate) fn new(
        config: Connection,
        spec: &AdapterSpec,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut problem = |key: &str, message: &str, expected: &str| {
            let pointer = format!("/connection/{key}");
            problems.push(Problem::new(pointer, message, expected));
        };
        if !(1..=BROKERS_MAX).contains(&config.brokers.len()) {
            problem("brokers", "none, or too many", "1 to 16 brokers, host:port");
        }
        let mut brokers = Vec::new();
        for (index, broker) in config.brokers.iter().enumerate() {
            match place(broker) {
                Some(place) => brokers.push(place),
                None => problem(
                    &format!("brokers/{index}"),
                    "this is no broker",
                    "host:port, such as kafka1.example:9092",
                ),
            }
        }
        let mut addresses = BTreeMap::new();
        for (there, here) in &config.addresses {
            match (place(there), place(here)) {
                (Some(there), Some(here)) => drop(addresses.insert(there, here)),
                _ => problem("addresses", "this is no place", "host:port: host:port"),
            }
        }
        if config.addresses.len() > ADDRESSES_MAX {
            problem("addresses", "too many", "at most 64");
        }
        if let Some((key, expected)) = config.tls.as_ref().and_then(|tls| tls.problem()) {
            let key = if key.is_empty() {
                "tls".into()
            } else {
                format!("tls/{key}")
            };
            problem(&key, "whom to believe is not clear", expected);
        }
        let is_plain = |mechanism| mechanism == Mechanism::Plain;
        if config.tls.is_none()
            && config
                .sasl
                .as_ref()
                .is_some_and(|sasl| is_plain(sasl.mechanism))
        {
            problem(
                "sasl/mechanism",
                "`plain` would send the password for everybody to read",
                "`tls`, or scram-sha-256 or scram-sha-512",
            );
        }
        for found in config
            .connection_strategy
            .iter()
            .flat_map(|strategy| strategy.problems())
        {
            let pointer = format!("/connection{}", found.pointer);
            problems.push(Problem { pointer, ..found });
        }
        (problems.len() == before).then(|| Self {
            config,
            brokers,
            addresses,
            home: spec.home.clone(),
            kept: spec.folder.join("offsets"),
        })
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.config.connect_timeout_ms)
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.config.request_timeout_ms)
    }

    pub(crate) fn max_wait(&self) -> Duration {
        Duration::from_millis(self.config.max_wait_ms)
    }
}

/// Host and port; an IPv6 address stands in brackets.
fn place(broker: &str) -> Option<(String, u16)> {
    let (host, port) = broker.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
    is_host.then(|| (host.to_owned(), port))
}

/// One endpoint, with what is wrong with it.
pub(crate) fn point(
    operation: Operation,
    endpoint: &EndpointSpec,
    at: &str,
    problems: &mut Vec<Problem>,
) -> PointPlan {
    let mut problem = |key: &str, message: &str, expected: &str| {
        problems.push(Problem::new(format!("{at}/{key}"), message, expected));
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !operation.topic.chars().all(is_name) || matches!(operation.topic.as_str(), "." | "..") {
        problem(
            "topic",
            "this is no topic",
            "letters, digits, `.`, `_` and `-`",
        );
    }
    let partitions = operation.partitions.as_deref();
    if partitions.is_some_and(|all| {
        !(1..=PARTITIONS_MAX).contains(&all.len()) || all.iter().any(|index| *index < 0)
    }) {
        problem(
            "partitions",
            "these are no partitions",
            "1 to 64 numbers from 0",
        );
    }
    let is_pointer = |pointer: &&str| pointer.is_empty() || pointer.starts_with('/');
    if operation
        .pointer
        .as_deref()
        .is_some_and(|pointer| !is_pointer(&pointer))
    {
        problem("pointer", "this is no JSON pointer", "/member/0/member");
    }
    if operation.pointer.is_some() && operation.format == Format::Raw {
        problem("pointer", "a raw message has no members", "`format: json`");
    }
    if operation.headers.len() > HEADERS_MAX {
        problem("headers", "too many headers", "at most 32");
    }
    let usual = match operation.format {
        Format::Json => Scalar::Json,
        Format::Raw => Scalar::Text,
    };
    let raw = match (endpoint.scaling, endpoint.value_type) {
        (None, declared) => declared.unwrap_or(usual.into()),
        (Some(_), declared) => ValueType {
            scalar: Scalar::F64,
            array: declared.is_some_and(|declared| declared.array),
        },
    };
    PointPlan {
        operation,
        raw,
        is_read: endpoint.access != Access::Write,
    }
}

/// Endpoints of one topic read it together, so that they have to agree where to begin.
pub(crate) fn agree(plans: &[PointPlan], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&str, (From, bool)> = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate().filter(|(_, plan)| plan.is_read) {
        let wanted = (plan.operation.from, plan.operation.keep);
        if *seen.entry(&plan.operation.topic).or_insert(wanted) != wanted {
            problems.push(Problem::new(
                format!("/endpoints/{index}/operation/from"),
                "another endpoint of this topic begins elsewhere",
                "the same `from` and `keep`, or another connection",
            ));
        }
    }
    if seen.len() > TOPICS_MAX {
        let expected = "at most 256; another connection for the others";
        problems.push(Problem::new("/endpoints", "too many topics", expected));
    }
}

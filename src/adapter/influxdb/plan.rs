//! Configuration, checked and ready to be used.

mod question;

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_adapter::{BackoffOptions, EndpointSpec, Pin, Problem, Trust};
use mainstem_model::{Access, GlobSet, Scalar, Secret, ValueType};
use reqwest::Url;
use serde_json::Value;

pub(crate) use self::question::Question;
use crate::config::{Connection, Export, Language, Operation, Outcome, Precision, Scheme, Version};
use crate::export::{self, Rule, Rules};
use crate::template::Template;
use crate::written::WritePlan;

/// How often an endpoint is asked, unless it says it.
const INTERVAL: Duration = Duration::from_secs(1);

/// A server.
pub(crate) struct ServerPlan {
    pub(crate) base: Url,
    pub(crate) version: Version,
    pub(crate) token: Option<Secret>,
    pub(crate) login: Option<(String, Secret)>,
    pub(crate) org: String,
    pub(crate) bucket: String,
    pub(crate) retention_policy: Option<String>,
    pub(crate) precision: Precision,
    pub(crate) trust: Trust,
    pub(crate) timeout: Duration,
    pub(crate) probe: Duration,
    pub(crate) body_bytes_max: usize,
    pub(crate) rules: Rules,
    /// The datapoints that rules are about.
    pub(crate) wanted: Option<GlobSet>,
    pub(crate) batch: usize,
    pub(crate) flush: Duration,
    pub(crate) lines_max: usize,
    pub(crate) backoff: BackoffOptions,
}

/// A datapoint.
pub(crate) struct PointPlan {
    pub(crate) question: Option<Question>,
    pub(crate) fixed: BTreeMap<String, Value>,
    pub(crate) outcome: Outcome,
    pub(crate) column: Option<String>,
    pub(crate) interval: Duration,
    pub(crate) raw: ValueType,
    /// Whether it is asked over and over: not where a parameter is only said by who asks.
    pub(crate) is_polled: bool,
    pub(crate) write: Option<WritePlan>,
}

impl ServerPlan {
    pub(crate) fn new(
        config: &Connection,
        name: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let (base, trust) = checked(config, problems);
        let version = Version::of(config.version);
        let rules: Vec<Option<Rule>> = config
            .datapoints
            .iter()
            .enumerate()
            .map(|(index, export)| rule(export, index, problems))
            .collect();
        let include: Vec<&[String]> = config
            .datapoints
            .iter()
            .map(|e| e.include.as_slice())
            .collect();
        if problems.len() > before {
            return None;
        }
        Some(Self {
            base: base?,
            version,
            token: config.token.clone(),
            login: config.username.clone().zip(config.password.clone()),
            org: config.org.clone(),
            bucket: config.bucket.clone(),
            retention_policy: config.retention_policy.clone(),
            precision: config.precision,
            trust: trust?,
            timeout: Duration::from_millis(config.timeout),
            probe: Duration::from_millis(config.probe_interval),
            body_bytes_max: config.max_body_size as usize,
            wanted: (!rules.is_empty())
                .then(|| export::wanted(&include, name))
                .flatten(),
            rules: Rules {
                rules: rules.into_iter().flatten().collect(),
                version,
                precision: config.precision,
            },
            batch: config.batch_size as usize,
            flush: Duration::from_millis(config.flush_interval),
            lines_max: config.max_buffer_lines as usize,
            backoff: BackoffOptions {
                initial: Duration::from_millis(config.min_retry_delay),
                max: Duration::from_millis(config.max_retry_delay),
                factor: f64::from(config.exponential_base),
                ..BackoffOptions::default()
            },
        })
    }
}

/// The address and whom to believe there; what is wrong with the rest of the connection too.
fn checked(config: &Connection, problems: &mut Vec<Problem>) -> (Option<Url>, Option<Trust>) {
    let mut problem = |key: &str, message: &str, expected: &str| {
        let at = format!("/connection/{key}");
        problems.push(Problem::new(at, message, expected));
    };
    let is_old = Version::of(config.version) == Version::One;
    if !is_old && (config.username.is_some() || config.retention_policy.is_some()) {
        let message = "a user and a retention policy are of version 1";
        problem("version", message, "1, or `token` and `bucket`");
    }
    if config.username.is_some() != config.password.is_some() {
        let message = "a user and a password go together";
        problem("password", message, "both");
    }
    if config.max_retry_delay < config.min_retry_delay {
        let message = "it is shorter than minRetryDelay";
        problem("maxRetryDelay", message, "at least that");
    }
    let base = base(config);
    if base.is_none() {
        problem("host", "it makes no address", "a name or an IP address");
    }
    let trust = match (&config.pin, &config.ca_cert) {
        (None, None) => Some(Trust::System),
        (None, Some(pem)) => Some(Trust::Ca(pem.clone())),
        (Some(pin), None) => {
            let pin = pin.to_ascii_lowercase().parse::<Pin>();
            pin.ok().map(Trust::Pin)
        }
        (Some(_), Some(_)) => None,
    };
    if trust.is_none() {
        let message = "it is no fingerprint, or stands beside caCert";
        problem("pin", message, "one of them");
    }
    (base, trust)
}

fn base(config: &Connection) -> Option<Url> {
    let scheme = match config.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let host = match config.host.contains(':') {
        true => format!("[{}]", config.host),
        false => config.host.clone(),
    };
    let url = Url::parse(&format!("{scheme}://{host}:{}/", config.port)).ok()?;
    // A host with a path or a user in it is none.
    let is_bare = url.path() == "/" && url.username().is_empty() && url.query().is_none();
    is_bare.then_some(url)
}

fn rule(export: &Export, index: usize, problems: &mut Vec<Problem>) -> Option<Rule> {
    let at = format!("/connection/datapoints/{index}");
    let mut template = |key: String, text: &str| match Template::new(text) {
        Ok(template) => Some(template),
        Err(message) => {
            let expected = "a text with {name}, {1}, {2}, … or {last}";
            problems.push(Problem::new(format!("{at}/{key}"), message, expected));
            None
        }
    };
    let measurement = template("measurement".into(), &export.measurement);
    let field = template("field".into(), &export.field);
    let tags = export.tags.iter();
    let tags = tags.map(|(key, text)| Some((key.clone(), template(format!("tags/{key}"), text)?)));
    let tags: Vec<Option<(String, Template)>> = tags.collect();
    let include = GlobSet::new(&export.include).ok();
    let include = include.filter(|_| export.include.iter().all(|text| export::is_pattern(text)));
    if include.is_none() {
        let expected = "such as line1.** or !line1.secret.**";
        problems.push(Problem::new(
            format!("{at}/include"),
            "a pattern is wrong",
            expected,
        ));
    }
    Some(Rule {
        include: include?,
        measurement: measurement?,
        tags: tags.into_iter().collect::<Option<_>>()?,
        field: field?,
    })
}

impl PointPlan {
    pub(crate) fn new(
        operation: &Operation,
        endpoint: &EndpointSpec,
        version: Version,
        at: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut problem = |key: &str, message: &str, expected: &str| {
            problems.push(Problem::new(format!("{at}/{key}"), message, expected));
        };
        let is_read = endpoint.access != Access::Write;
        let is_written = endpoint.access != Access::Read;
        if is_read != operation.query.is_some() {
            problem(
                "query",
                "a query is for reading, and nothing else is",
                "it, or `write`",
            );
        }
        if is_written != operation.measurement.is_some() {
            problem(
                "measurement",
                "a measurement is for writing, and needed there",
                "a name",
            );
        }
        let language = operation.language.unwrap_or(match version {
            Version::Two => Language::Flux,
            Version::One | Version::Three => Language::Influxql,
        });
        if language == Language::Flux && version != Version::Two {
            problem("language", "only version 2 has Flux", "influxql");
        }
        let raw = raw(endpoint);
        let is_document = matches!(raw.scalar, Scalar::Json | Scalar::Text) && !raw.array;
        if is_read && operation.result != Outcome::Value && !is_document {
            problem(
                "result",
                "a row is a document",
                "`value`, or an endpoint of type json",
            );
        }
        if operation.column.is_some() && operation.result != Outcome::Value {
            problem(
                "column",
                "only a single value is of one column",
                "result: value",
            );
        }
        let question = operation
            .query
            .as_ref()
            .map(|query| Question::new(query, language));
        let is_polled = question.as_ref().is_some_and(|question| {
            question
                .names
                .iter()
                .all(|name| operation.parameters.contains_key(name))
        });
        (problems.len() == before).then(|| Self {
            question,
            fixed: operation.parameters.clone(),
            outcome: operation.result,
            column: operation.column.clone(),
            interval: operation.interval.map_or(INTERVAL, Duration::from_millis),
            raw,
            is_polled,
            write: operation.measurement.as_ref().map(|measurement| WritePlan {
                measurement: measurement.clone(),
                field: operation.field.clone().unwrap_or_else(|| "value".into()),
                tags: operation.tags.clone(),
            }),
        })
    }
}

/// What is declared; a number where the node scales; JSON otherwise.
fn raw(endpoint: &EndpointSpec) -> ValueType {
    match (endpoint.scaling, endpoint.value_type) {
        (Some(_), _) => Scalar::F64.into(),
        (None, Some(declared)) => declared,
        (None, None) => Scalar::Json.into(),
    }
}

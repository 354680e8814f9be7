//! Configuration, checked and ready to be used.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Credentials, EndpointSpec, Problem, Trust};
use mainstem_model::{Access, Scalar, ValueType};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::address;
use crate::config::{ClientCredentials, Connection, Operation, ProbeMethod, Scheme};

/// Requests at the same time, unless the configuration says it.
const REQUESTS_MAX: u32 = 16;
/// Connections kept open without a request, unless the configuration says it.
const FREE_CONNECTIONS_MAX: u32 = 8;
/// How often an endpoint is asked, unless it says it.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long those are kept, unless the configuration says it.
const KEPT: Duration = Duration::from_secs(30);

/// A service.
pub(crate) struct ServicePlan {
    pub(crate) base: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) login: Option<(String, String)>,
    pub(crate) tokens: Option<(Url, ClientCredentials)>,
    pub(crate) trust: Trust,
    pub(crate) identity: Option<Credentials>,
    pub(crate) timeout: Duration,
    pub(crate) body_bytes_max: usize,
    pub(crate) requests_max: usize,
    pub(crate) free_max: usize,
    pub(crate) kept: Duration,
    pub(crate) probe: Option<Probe>,
}

/// How it is looked whether the service answers.
pub(crate) struct Probe {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

/// A datapoint.
#[derive(Clone)]
pub(crate) struct PointPlan {
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) pointer: Option<String>,
    pub(crate) body: Option<Arc<Value>>,
    pub(crate) interval: Duration,
    pub(crate) raw: ValueType,
    /// Whether it has a value to be read.
    pub(crate) is_read: bool,
    /// Whether it is read over and over.
    pub(crate) is_polled: bool,
}

impl ServicePlan {
    pub(crate) fn new(connection: Connection, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let base = base(&connection, problems);
        let headers = headers(&connection.headers, "/connection/headers", problems);
        let query = address::pairs(&connection.query, "/connection/query", problems);
        let tokens = connection
            .oauth_client_credentials
            .as_ref()
            .and_then(|given| {
                let at = "/connection/oauthClientCredentials/auth_url";
                let url = url(&given.auth_url, at, problems)?;
                Some((url, given.clone()))
            });
        let trust = trust(&connection, problems);
        let identity = identity(&connection, problems);
        let agent = &connection.agent_options;
        let timeout = Duration::from_millis(agent.timeout.unwrap_or(connection.request_timeout));
        let base = base?;
        let probe = probe(&connection, &base, timeout, problems);
        (problems.len() == before).then(|| Self {
            headers,
            query,
            login: connection
                .auth
                .map(|auth| (auth.username, auth.password.expose().to_owned())),
            tokens,
            trust: trust.unwrap_or(Trust::System),
            identity,
            timeout,
            body_bytes_max: connection.max_body_size as usize,
            requests_max: agent.max_sockets.unwrap_or(REQUESTS_MAX) as usize,
            free_max: agent.max_free_sockets.unwrap_or(FREE_CONNECTIONS_MAX) as usize,
            kept: agent.keep_alive_msecs.map_or(KEPT, Duration::from_millis),
            probe,
            base,
        })
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
        let is_read = endpoint.access != Access::Write;
        let usual = if is_read { Method::GET } else { Method::POST };
        let method = match &operation.method {
            None => usual,
            Some(word) => {
                let word = word.to_ascii_uppercase();
                Method::from_bytes(word.as_bytes()).unwrap_or_else(|_| {
                    let expected = "GET, POST, PUT, PATCH, DELETE or HEAD";
                    problems.push(Problem::new(format!("{at}/method"), "no method", expected));
                    usual
                })
            }
        };
        if let Some(pointer) = operation.pointer.as_deref()
            && !pointer.is_empty()
            && !pointer.starts_with('/')
        {
            let message = format!("`{pointer}` is no JSON pointer");
            problems.push(Problem::new(
                format!("{at}/pointer"),
                message,
                "such as /a/0/b",
            ));
        }
        if operation.path.contains(['?', '#']) {
            let message = "a path without query and fragment is needed";
            let expected = "the query as a map below `query`";
            problems.push(Problem::new(format!("{at}/path"), message, expected));
        }
        let headers = headers(&operation.headers, &format!("{at}/headers"), problems);
        let query = address::pairs(&operation.query, &format!("{at}/query"), problems);
        let json = ValueType {
            scalar: Scalar::Json,
            array: false,
        };
        let scaled = endpoint.scaling.map(|_| ValueType {
            scalar: Scalar::F64,
            array: false,
        });
        // What may change something at the service is not repeated unless it is said how often.
        let is_harmless = matches!(method, Method::GET | Method::HEAD);
        (problems.len() == before).then(|| Self {
            path: operation.path,
            method,
            headers,
            query,
            pointer: operation.pointer,
            body: operation.body.map(Arc::new),
            is_polled: is_read && (is_harmless || operation.interval.is_some()),
            interval: operation.interval.map_or(INTERVAL, Duration::from_millis),
            raw: scaled.or(endpoint.value_type).unwrap_or(json),
            is_read,
        })
    }
}

fn base(connection: &Connection, problems: &mut Vec<Problem>) -> Option<Url> {
    let (scheme, usual) = match connection.scheme {
        Scheme::Http => ("http", 80),
        Scheme::Https => ("https", 443),
    };
    let host = match connection.host.contains(':') {
        true => format!("[{}]", connection.host),
        false => connection.host.clone(),
    };
    let port = connection.port.unwrap_or(usual);
    let text = format!("{scheme}://{host}:{port}/");
    let mut url = url(&text, "/connection/host", problems)?;
    url.set_path(&connection.prefix);
    Some(url)
}

fn url(text: &str, at: &str, problems: &mut Vec<Problem>) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
        other => {
            let why = other
                .err()
                .map_or("no http".to_owned(), |error| error.to_string());
            let message = format!("it makes no address: {why}");
            problems.push(Problem::new(
                at,
                message,
                "such as https://mes.example/token",
            ));
            None
        }
    }
}

fn headers(
    given: &std::collections::BTreeMap<String, String>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        );
        if let (Ok(name), Ok(mut value)) = parsed {
            value.set_sensitive(true);
            headers.insert(name, value);
        } else {
            let at = format!("{at}/{name}");
            problems.push(Problem::new(
                at,
                "it is no header",
                "a name and a text on one line",
            ));
        }
    }
    headers
}

fn trust(connection: &Connection, problems: &mut Vec<Problem>) -> Option<Trust> {
    match (&connection.pin, &connection.ca_cert) {
        (None, None) => Some(Trust::System),
        (None, Some(pem)) => Some(Trust::Ca(pem.clone())),
        (Some(pin), None) => match pin.to_ascii_lowercase().parse() {
            Ok(pin) => Some(Trust::Pin(pin)),
            Err(_) => {
                let expected = "`sha256:` and 64 hexadecimal digits";
                problems.push(Problem::new(
                    "/connection/pin",
                    "it is no fingerprint",
                    expected,
                ));
                None
            }
        },
        (Some(_), Some(_)) => {
            let message = "`pin` beside `caCert`: by what is the service recognised?";
            problems.push(Problem::new("/connection/pin", message, "one of them"));
            None
        }
    }
}

fn identity(connection: &Connection, problems: &mut Vec<Problem>) -> Option<Credentials> {
    match (&connection.client_cert, &connection.client_private_key) {
        (Some(certificates), Some(key)) => Some(Credentials::Texts {
            certificate: certificates.clone(),
            key: key.clone(),
        }),
        (None, None) if !connection.mutual_authentication => None,
        _ => {
            let message = "`mutualAuthentication` needs `clientCert` and `clientPrivateKey`";
            let expected = "both, as PEM, such as \"${file:secrets/mes.key}\"";
            problems.push(Problem::new("/connection/clientCert", message, expected));
            None
        }
    }
}

fn probe(
    connection: &Connection,
    base: &Url,
    timeout: Duration,
    problems: &mut Vec<Problem>,
) -> Option<Probe> {
    if connection.probe_interval == 0 {
        return None;
    }
    let url = match address::of(base, &connection.probe_path) {
        Ok(url) => url,
        Err(error) => {
            problems.push(Problem::new("/connection/probePath", error, "a path"));
            return None;
        }
    };
    let own = Duration::from_millis(connection.probe_timeout);
    Some(Probe {
        url,
        method: match connection.probe_method {
            ProbeMethod::Get => Method::GET,
            ProbeMethod::Head => Method::HEAD,
        },
        interval: Duration::from_millis(connection.probe_interval),
        timeout: if own.is_zero() { timeout } else { own },
    })
}

//! A server and the requests to it.

use std::sync::Arc;

use mainstem_adapter::device_config;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Map, Value as Json, json};

use crate::answer::{self, Table};
use crate::config::{Language, Precision, Version};
use crate::plan::{Question, ServerPlan};

/// Characters of an answer's body that are shown in a message.
const SHOWN_CHARS_MAX: usize = 300;

/// A server that is talked to.
pub(crate) struct Server {
    plan: Arc<ServerPlan>,
    client: Client,
    authorization: Option<HeaderValue>,
}

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came up: nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// No answer came in time, or the connection broke: nobody can tell what was done.
    #[error("no answer: {0}")]
    Lost(String),
    /// The server answered with a status that is no success.
    #[error("the server answered with {status}: {text}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of its body.
        text: String,
    },
    /// The server refused the query.
    #[error("{0}")]
    Refused(String),
    /// The answer's body cannot be used.
    #[error("{0}")]
    Body(String),
}

impl Failure {
    /// Whether the same request will do later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Lost(_) => true,
            Self::Status { status, .. } => !matches!(status, 400 | 413 | 422),
            Self::Refused(_) | Self::Body(_) => false,
        }
    }
}

impl Server {
    pub(crate) fn new(plan: Arc<ServerPlan>) -> Result<Self, String> {
        let tls = device_config(&plan.trust, None, vec![b"http/1.1".to_vec()]);
        let tls = Arc::unwrap_or_clone(tls.map_err(|error| error.to_string())?);
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A server that sends elsewhere must not be given this one's token.
            .redirect(Policy::none())
            .no_proxy()
            .timeout(plan.timeout)
            .connect_timeout(plan.timeout)
            .build()
            .map_err(|error| error.to_string())?;
        let value = match (&plan.token, &plan.login) {
            (Some(token), _) => Some(format!("Token {}", token.expose())),
            (None, Some((user, password))) => {
                use base64::Engine as _;
                let both = format!("{user}:{}", password.expose());
                let encoded = base64::engine::general_purpose::STANDARD.encode(both);
                Some(format!("Basic {encoded}"))
            }
            (None, None) => None,
        };
        let authorization = value.map(|value| HeaderValue::from_str(&value)).transpose();
        let mut authorization = authorization.map_err(|_| "the token is no header".to_owned())?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Self {
            plan,
            client,
            authorization,
        })
    }

    /// Looks whether the server answers; any answer is one.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let url = self.url("ping", &[]);
        match self.send(self.client.get(url)).await {
            Ok(_) | Err(Failure::Status { .. } | Failure::Body(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Writes lines; the server has them on its disk when this is well.
    pub(crate) async fn write(&self, lines: String) -> Result<(), Failure> {
        let plan = &self.plan;
        let url = match plan.version {
            Version::One => {
                let precision = match plan.precision {
                    Precision::Ns => "n",
                    Precision::Us => "u",
                    Precision::Ms => "ms",
                    Precision::S => "s",
                };
                let mut query = vec![("db", plan.bucket.as_str()), ("precision", precision)];
                query.extend(
                    plan.retention_policy
                        .as_deref()
                        .map(|policy| ("rp", policy)),
                );
                self.url("write", &query)
            }
            Version::Two | Version::Three => {
                let precision = match plan.precision {
                    Precision::Ns => "ns",
                    Precision::Us => "us",
                    Precision::Ms => "ms",
                    Precision::S => "s",
                };
                let query = [
                    ("org", plan.org.as_str()),
                    ("bucket", plan.bucket.as_str()),
                    ("precision", precision),
                ];
                self.url("api/v2/write", &query)
            }
        };
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        let request = self.client.post(url).header(CONTENT_TYPE, text).body(lines);
        self.send(request).await.map(drop)
    }

    /// Asks a query.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        parameters: Map<String, Json>,
    ) -> Result<Table, Failure> {
        match question.language {
            Language::Influxql => {
                let mut form = self.plan.base.clone();
                form.query_pairs_mut()
                    .append_pair("db", &self.plan.bucket)
                    .append_pair("q", &question.text);
                if !parameters.is_empty() {
                    let parameters = Json::Object(parameters).to_string();
                    form.query_pairs_mut().append_pair("params", &parameters);
                }
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                let body = form.query().unwrap_or_default().to_owned();
                let request = self.client.post(self.url("query", &[]));
                let request = request.header(CONTENT_TYPE, kind).body(body);
                answer::of_influxql(&self.send(request).await?)
            }
            Language::Flux => {
                let url = self.url("api/v2/query", &[("org", &self.plan.org)]);
                let dialect =
                    json!({"header": true, "annotations": ["datatype", "group", "default"]});
                let body = json!({"query": question.text, "type": "flux", "dialect": dialect});
                let request = self.client.post(url);
                let request = request
                    .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                    .header("accept", "application/csv")
                    .body(body.to_string());
                answer::of_flux(&self.send(request).await?)
            }
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.plan.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        let most = self.plan.body_bytes_max;
        let too_large = || {
            Failure::Body(format!(
                "the answer has more than {most} bytes (maxBodySize)"
            ))
        };
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status();
        if response
            .content_length()
            .is_some_and(|length| length > most as u64)
        {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        match status.is_success() {
            true => Ok(body),
            false => Err(Failure::Status {
                status: status.as_u16(),
                text: shown(&body),
            }),
        }
    }
}

/// What the server says went wrong, without control characters.
fn shown(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Json>(body).ok();
    let said = said.as_ref().and_then(|json| {
        let words = json.get("error").or_else(|| json.get("message"));
        words.and_then(Json::as_str)
    });
    let text = said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let clean = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    clean.take(SHOWN_CHARS_MAX).collect()
}

/// What the library says, with all that is behind it but without the address.
fn failure(error: &reqwest::Error) -> Failure {
    let mut texts = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    let text = match texts.is_empty() {
        true => "the request failed".to_owned(),
        false => texts.join(": "),
    };
    match (error.is_connect() || error.is_builder(), error.is_timeout()) {
        (true, _) => Failure::Connect(text),
        (false, true) => Failure::Lost("not in time".into()),
        (false, false) => Failure::Lost(text),
    }
}

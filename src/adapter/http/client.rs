//! A service and the requests to it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mainstem_adapter::{Direction, Trace, device_config};
use mainstem_model::Clock;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use serde_json::Value;

use crate::address;
use crate::answer::{self, Answer, Failure};
use crate::login::Login;
use crate::plan::{PointPlan, Probe, ServicePlan};

/// A service that is talked to.
pub(crate) struct Service {
    plan: Arc<ServicePlan>,
    client: Client,
    login: Login,
    clock: Arc<dyn Clock>,
    trace: Trace,
}

/// What one request says beside its endpoint's own words.
#[derive(Default)]
pub(crate) struct More {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

impl Service {
    pub(crate) fn new(
        plan: Arc<ServicePlan>,
        clock: Arc<dyn Clock>,
        trace: Trace,
    ) -> Result<Self, String> {
        let protocols = vec![b"http/1.1".to_vec()];
        let tls = device_config(&plan.trust, plan.identity.as_ref(), protocols);
        let tls = Arc::unwrap_or_clone(tls.map_err(|error| error.to_string())?);
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A service that sends elsewhere must not be given this one's login.
            .redirect(Policy::none())
            .no_proxy()
            .timeout(plan.timeout)
            .connect_timeout(plan.timeout)
            .pool_max_idle_per_host(plan.free_max)
            .pool_idle_timeout(plan.kept)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            plan,
            client,
            login: Login::default(),
            clock,
            trace,
        })
    }

    /// Looks whether the service answers; any answer is one.
    pub(crate) async fn probe(&self, probe: &Probe) -> Result<(), Failure> {
        let request = self
            .client
            .request(probe.method.clone(), probe.url.clone())
            .headers(self.plan.headers.clone())
            .timeout(probe.timeout);
        let request = self.with_login(request).await?;
        match answer::of(request, self.plan.body_bytes_max).await {
            Ok(_) | Err(Failure::Status { .. } | Failure::Body(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// One request of an endpoint.
    pub(crate) async fn request(&self, point: &PointPlan, more: More) -> Result<Answer, Failure> {
        let url = address::of(&self.plan.base, &point.path).map_err(Failure::Connect)?;
        let answer = self.once(point, url.clone(), &more).await;
        let is_refused = matches!(answer, Err(Failure::Status { status: 401, .. }));
        if is_refused && self.plan.tokens.is_some() {
            // Tokens can be withdrawn before their end; a 401 has done nothing.
            self.login.forget().await;
            return self.once(point, url, &more).await;
        }
        answer
    }

    async fn once(&self, point: &PointPlan, mut url: Url, more: &More) -> Result<Answer, Failure> {
        let own = more
            .query
            .iter()
            .chain(&point.query)
            .chain(&self.plan.query);
        let mut given: Vec<&str> = Vec::new();
        for (name, value) in own {
            if !given.contains(&name.as_str()) {
                given.push(name);
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let mut headers = self.plan.headers.clone();
        for (name, value) in point.headers.iter().chain(&more.headers) {
            headers.insert(name.clone(), value.clone());
        }
        // Headers and the values of a query may hold secrets, so they are not told.
        let asked = || format!("{} {}", point.method, url.path());
        let what = if self.trace.is_on() {
            asked()
        } else {
            String::new()
        };
        let mut sent = Vec::new();
        let mut request = self.client.request(point.method.clone(), url);
        if let Some(body) = more.body.as_ref().filter(|_| takes_body(&point.method)) {
            let bytes = match body {
                Value::String(text) => text.clone().into_bytes(),
                other => {
                    let json = HeaderValue::from_static("application/json");
                    headers.entry(CONTENT_TYPE).or_insert(json);
                    other.to_string().into_bytes()
                }
            };
            if self.trace.is_on() {
                sent.clone_from(&bytes);
            }
            request = request.body(bytes);
        }
        let request = self.with_login(request.headers(headers)).await?;
        self.trace.frame(Direction::Sent, &sent, || what.clone());
        let answered = answer::of(request, self.plan.body_bytes_max).await;
        self.tell(&what, &answered);
        answered
    }

    fn tell(&self, what: &str, answered: &Result<Answer, Failure>) {
        let body = answered.as_ref().map_or(&[][..], |answer| &answer.body);
        self.trace
            .frame(Direction::Received, body, || match answered {
                Ok(answer) => format!("{what}: {} bytes", answer.body.len()),
                Err(failure) => format!("{what}: {failure}"),
            });
    }

    async fn with_login(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let value = match (&self.plan.login, &self.plan.tokens) {
            (_, Some(tokens)) => {
                let now = self.clock.monotonic();
                let token = self.login.token(&self.client, tokens, now).await?;
                format!("Bearer {token}")
            }
            (Some((user, password)), None) => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            (None, None) => return Ok(request),
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| Failure::Connect("the login is no header".into()))?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }
}

fn takes_body(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

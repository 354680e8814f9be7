//! One node that serves on a free port, and clients for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mainstem_adapter::AdapterView;
use mainstem_flowsync::FlowSync;
use mainstem_http::{
    Api, ApiSetup, HttpLimits, ListenConfig, NodeFacts, PartError, Parts, Server, ServerSetup,
};
use mainstem_model::{Clock, Definition, Limits, Name, Quality, Role, Sample, Scalar, Value};
use mainstem_remote::{RemoteView, Serving};
use mainstem_security::{
    Audit, AuditLimits, Identity, NewToken, Roles, Tokens, Trust, client_config, server_config,
};
use mainstem_store::{PointId, SourceId, Store, StoreLimits, StoreSetup};
use mainstem_telemetry::{Health, Metrics, SystemClock};
use mainstem_wire::Epoch;
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};
use mainstem_write::WriteDesk;
use tempfile::TempDir;

/// How long a test waits for what has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A node without adapters and remotes; a test may give it held requests.
struct NoParts(Arc<OnceLock<Arc<FlowSync>>>);

impl Parts for NoParts {
    fn adapters(&self) -> Vec<AdapterView> {
        Vec::new()
    }

    fn adapter(&self, _name: &str) -> Option<AdapterView> {
        None
    }

    fn pause_adapter(&self, _name: &str) -> Result<(), PartError> {
        Err(PartError::Unknown)
    }

    fn resume_adapter(&self, _name: &str) -> Result<(), PartError> {
        Err(PartError::Unknown)
    }

    fn remotes(&self) -> Vec<RemoteView> {
        Vec::new()
    }

    fn pause_remote(&self, _name: &str) -> Result<(), PartError> {
        Err(PartError::Unknown)
    }

    fn resume_remote(&self, _name: &str) -> Result<(), PartError> {
        Err(PartError::Unknown)
    }

    fn resync_remote(&self, _name: &str, _in_full: bool) -> Result<(), PartError> {
        Err(PartError::Unknown)
    }

    fn flowsync(&self) -> Option<Arc<FlowSync>> {
        self.0.get().cloned()
    }

    fn explain_below(
        &self,
        _link: SourceId,
        _ask: LinkExplain,
    ) -> Option<BoxFuture<'static, Vec<ExplainStep>>> {
        None
    }
}

/// What a test may want different.
pub(crate) struct Wanted {
    pub(crate) limits: HttpLimits,
    pub(crate) log_bytes: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            limits: HttpLimits::default(),
            log_bytes: 16 << 20,
        }
    }
}

pub(crate) struct Node {
    pub(crate) store: Arc<Store>,
    pub(crate) api: Arc<Api>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) server: Server,
    pub(crate) source: SourceId,
    pub(crate) admin: String,
    pub(crate) flow: Arc<OnceLock<Arc<FlowSync>>>,
    identity: Identity,
    folder: TempDir,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_with(Wanted::default()).await
    }

    pub(crate) async fn start_with(wanted: Wanted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (identity, store) = identity_and_store(folder.path(), &clock, wanted.log_bytes);
        let roles = roles();
        let tokens = Tokens::open(
            folder.path(),
            Arc::clone(&roles),
            Vec::new(),
            Arc::clone(&clock),
        );
        let tokens = Arc::new(tokens.unwrap());
        let (health, metrics) = (Health::new(Arc::clone(&clock)), Metrics::new());
        let audit = Audit::open(
            &folder.path().join("audit.log"),
            AuditLimits::default(),
            Arc::clone(&clock),
            health.clone(),
            &metrics,
        );
        let audit = Arc::new(audit.unwrap());
        let writes = WriteDesk::open(
            folder.path(),
            Arc::clone(&store),
            Arc::clone(&audit),
            health.clone(),
        );
        let flow = Arc::default();
        let api = Api::new(ApiSetup {
            facts: facts(&identity, &*clock),
            serving: Arc::new(Serving::new(Arc::clone(&store))),
            store: Arc::clone(&store),
            tokens: Arc::clone(&tokens),
            roles,
            writes: writes.unwrap(),
            audit,
            health: health.clone(),
            metrics: metrics.clone(),
            limits: wanted.limits,
            parts: Arc::new(NoParts(Arc::clone(&flow))),
        });
        let setup = ServerSetup {
            listen: vec![ListenConfig {
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                ..ListenConfig::default()
            }],
            tls: server_config(&identity).unwrap(),
            socket: Some(folder.path().join("api.sock")),
        };
        let server = Server::start(setup, Arc::clone(&api)).await.unwrap();
        let admin = std::fs::read_to_string(folder.path().join("admin.token")).unwrap();
        let source = store.put_own_source(None, "plc", Role::Adapter, Quality::GOOD, true);
        Self {
            store,
            api,
            tokens,
            health,
            metrics,
            server,
            source,
            flow,
            admin: admin.trim().to_owned(),
            identity,
            folder,
        }
    }

    /// A token of a role, and of somebody who provides below a prefix.
    pub(crate) fn token(&self, name: &str, role: &str, provide: Option<&str>) -> String {
        let new = NewToken {
            name: name.to_owned(),
            role: role.to_owned(),
            expires: None,
            provide: provide.map(|prefix| Name::new(prefix).unwrap()),
            from: mainstem_security::AddressList::default(),
        };
        self.tokens.create(&new).unwrap().1
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("api.sock")
    }

    /// What the audit trail says so far.
    pub(crate) fn audit(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("audit.log")).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address())
    }

    pub(crate) fn tls(&self) -> rustls::ClientConfig {
        (*client_config(&Trust::Pin(self.identity.pin())).unwrap()).clone()
    }

    /// A client with a token; HTTP/2 as long as the server offers it.
    pub(crate) fn client(&self, token: &str) -> Client {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(self.tls());
        Client {
            http: builder.build().unwrap(),
            token: token.to_owned(),
            origin: self.url(""),
        }
    }

    pub(crate) fn admin(&self) -> Client {
        self.client(&self.admin)
    }

    /// Defines datapoints of type f64 with the names `prefix0`, `prefix1` and so on.
    pub(crate) fn define(&self, prefix: &str, count: usize) -> Vec<PointId> {
        let names = (0..count).map(|index| Name::new(&format!("{prefix}{index}")).unwrap());
        let definition = Definition::new(Scalar::F64).unit("°C");
        names
            .map(|name| {
                self.store
                    .define(self.source, &name, definition.clone())
                    .unwrap()
            })
            .collect()
    }

    /// Defines a datapoint that can be written.
    pub(crate) fn define_setpoint(&self, name: &str) -> PointId {
        let range = Limits {
            min: Some(0.0),
            max: Some(100.0),
        };
        let definition = Definition::new(Scalar::F64).writable().limits(range);
        let name = Name::new(name).unwrap();
        self.store.define(self.source, &name, definition).unwrap()
    }

    /// Sets datapoints to a value.
    pub(crate) fn set(&self, points: &[PointId], value: f64) {
        let sample = |&id| (id, Sample::good(Value::F64(value), None));
        let mut batch: Vec<_> = points.iter().map(sample).collect();
        self.store.apply(self.source, &mut batch);
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    pub(crate) origin: String,
}

impl Client {
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.origin);
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::POST, path)
    }

    /// The document at a path, which must be there.
    pub(crate) async fn document(&self, path: &str) -> serde_json::Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// The status and code of a problem.
    pub(crate) async fn problem(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let media = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(media, "application/problem+json");
        let document: serde_json::Value = response.json().await.unwrap();
        assert_eq!(document["status"], status);
        (status, document["code"].as_str().unwrap().to_owned())
    }

    /// Opens an endless answer.
    pub(crate) async fn frames(&self, path: &str) -> Lines {
        let request = self.get(path).header("accept", "application/x-ndjson");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        Lines::new(response)
    }
}

/// The lines of an endless answer.
pub(crate) struct Lines {
    response: reqwest::Response,
    carry: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            carry: Vec::new(),
        }
    }

    /// The next line, `None` at the end.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.carry.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.carry.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("no line came in time").unwrap()?;
            self.carry.extend_from_slice(&chunk);
        }
    }

    /// The next line as JSON.
    pub(crate) async fn next(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.text().await.expect("the answer ended")).unwrap()
    }

    /// Lines up to one that has a member.
    pub(crate) async fn until(&mut self, member: &str) -> Vec<serde_json::Value> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.next().await);
            if !lines[lines.len() - 1][member].is_null() {
                return lines;
            }
        }
    }
}

fn roles() -> Arc<Roles> {
    let roles = [("datapoints", datapoints()), ("caller", caller())];
    Arc::new(Roles::new(
        roles.map(|(name, role)| (name.to_owned(), role)),
    ))
}

/// A role with rights over datapoints and over nothing else.
fn datapoints() -> mainstem_security::Role {
    mainstem_security::Role {
        read: mainstem_model::GlobSet::everything(),
        write: mainstem_model::GlobSet::everything(),
        ..mainstem_security::Role::default()
    }
}

/// A role that may use some server nodes and nothing else.
fn caller() -> mainstem_security::Role {
    let patterns = |texts: &[&str]| {
        let pattern = |text: &&str| mainstem_security::DataPattern::new(text).unwrap();
        texts.iter().map(pattern).collect()
    };
    mainstem_security::Role {
        data: mainstem_security::DataRights {
            read: patterns(&["data/flow/#"]),
            write: patterns(&["data/+/order"]),
        },
        ..mainstem_security::Role::default()
    }
}

fn facts(identity: &Identity, clock: &dyn Clock) -> NodeFacts {
    NodeFacts {
        description: None,
        version: "0.1.0",
        roles: vec!["adapters".into()],
        pin: identity.pin().to_string(),
        started: clock.now(),
    }
}

fn identity_and_store(
    folder: &Path,
    clock: &Arc<dyn Clock>,
    log_bytes: usize,
) -> (Identity, Arc<Store>) {
    let names = ["127.0.0.1".to_owned()];
    let identity = Identity::load_or_create(folder, "line1", &names, clock.now()).unwrap();
    let store = Store::new(StoreSetup {
        node: identity.id(),
        name: "line1".into(),
        instance: identity.instance().as_u64_pair().0,
        epoch: Epoch {
            counter: 1,
            random: identity.epoch().random,
        },
        clock: Arc::clone(clock),
        limits: StoreLimits {
            log_bytes,
            ..StoreLimits::default()
        },
    });
    (identity, store)
}

//! Whole nodes and trees of nodes on free ports, each with a folder of its own.

pub(crate) mod connect_proxy;
pub(crate) mod hsyco;
pub(crate) mod mosquitto;
pub(crate) mod page;
pub(crate) mod plc;
pub(crate) mod proxy;
pub(crate) mod shell;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem::app::{Node, ReloadReport, kinds};
use mainstem_model::Clock;
use mainstem_remote::{LinkState, RemoteView};
use mainstem_security::{Trust, client_config};
use mainstem_store::PointView;
use mainstem_telemetry::SystemClock;
use serde_json::Value;
use tempfile::TempDir;

/// The longest that a test waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// The token that every node of a tree gives to the node above.
pub(crate) const LINK_TOKEN: &str = "ms_test0001_a-token-for-tests-that-is-long-enough";

/// A node of a test, which can be stopped and started again on the same folder and port.
pub(crate) struct TestNode {
    pub(crate) name: String,
    folder: TempDir,
    resources: String,
    /// Patterns that the node above may read.
    read: &'static str,
    /// Further roles, and further tokens and sections of its file.
    roles: &'static str,
    sections: String,
    port: u16,
    pin: String,
    node: Option<Node>,
    /// More of its section `node:`, behind the name and the folder.
    more: &'static str,
    /// Another clock than the machine's.
    clock: Option<Arc<dyn Clock>>,
}

/// A remote entry for a test: the node below, and where it is reached (a proxy, perhaps).
pub(crate) fn remote(name: &str, pin: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "  {name}:\n    type: Remote\n    properties:\n      address: https://{address}\n      \
         token: {LINK_TOKEN}\n      pin: \"{pin}\"\n{more}"
    )
}

impl TestNode {
    /// Starts a node with the given `resources:`.
    pub(crate) async fn start(name: &str, resources: &str) -> Self {
        Self::start_file("[\"**\"]", name, resources, "").await
    }

    /// The same, for a node that shows the node above only some of its datapoints.
    pub(crate) async fn start_showing(read: &'static str, name: &str, resources: &str) -> Self {
        Self::start_file(read, name, resources, "").await
    }

    /// The same with further sections in its file.
    pub(crate) async fn start_with(name: &str, resources: &str, sections: &str) -> Self {
        Self::start_file("[\"**\"]", name, resources, sections).await
    }

    /// The same for a node with a clock of its own.
    pub(crate) async fn start_by(name: &str, resources: &str, clock: Arc<dyn Clock>) -> Self {
        let mut node = Self::new("[\"**\"]", name, resources, "");
        node.clock = Some(clock);
        node.up().await;
        node
    }

    /// The same with both.
    pub(crate) async fn start_file_with(
        read: &'static str,
        name: &str,
        resources: &str,
        sections: &str,
    ) -> Self {
        Self::start_file(read, name, resources, sections).await
    }

    async fn start_file(read: &'static str, name: &str, resources: &str, sections: &str) -> Self {
        Self::start_roles(read, "", name, resources, sections).await
    }

    /// The same with further roles; the sections may begin with further tokens.
    pub(crate) async fn start_roles(
        read: &'static str,
        roles: &'static str,
        name: &str,
        resources: &str,
        sections: &str,
    ) -> Self {
        let mut node = Self::new(read, name, resources, sections);
        node.roles = roles;
        node.up().await;
        node
    }

    fn new(read: &'static str, name: &str, resources: &str, sections: &str) -> Self {
        Self {
            read,
            name: name.into(),
            folder: TempDir::new().unwrap(),
            resources: resources.into(),
            roles: "",
            sections: sections.into(),
            port: 0,
            pin: String::new(),
            node: None,
            more: "",
            clock: None,
        }
    }

    /// Changes its section `node:` while it is down.
    pub(crate) fn set_node(&mut self, more: &'static str) {
        self.more = more;
    }

    /// Its node file, as it would be started now.
    pub(crate) fn file(&self) -> PathBuf {
        let text = format!(
            "version: 1\nnode: {{ name: {}, data: ./data{} }}\nlisten:\n  - address: 127.0.0.1:{}\n\
             unix_socket: on\nroles:\n  above: {{ read: {read}, \
             write: [\"!sim.locked\", \"**\"], admin: true, link: true, \
             data: {{ read: [\"#\"], write: [\"#\"] }}, \
             loggers: {{ write: [\"**\"] }}, \
             events: {{ raise: [\"**\"], see: [\"**\"], answer: [\"**\"] }}, \
             variables: {{ read: [\"!hidden.**\", \"**\"], \
             write: [\"!locked.**\", \"**\"] }} }}\n{roles}\
             tokens:\n  - {{ name: above, role: above, token: {LINK_TOKEN} }}\n{}resources:\n{}",
            self.name,
            self.more,
            self.port,
            self.sections,
            self.resources,
            read = self.read,
            roles = self.roles,
        );
        let path = self.folder.path().join("node.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts it, again on the port that it had.
    pub(crate) async fn up(&mut self) {
        let config = mainstem_config::load(&self.file(), kinds()).unwrap_or_else(|p| panic!("{p}"));
        let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        // A node's start is a large future; the tests around it shall stay small.
        let node = Box::pin(Node::start_by(config, clock)).await.unwrap();
        self.port = node.addresses()[0].port();
        self.pin = node.facts().pin.to_string();
        self.node = Some(node);
    }

    /// Changes the file while the node is down.
    pub(crate) fn rewrite(&mut self, resources: &str) {
        self.resources = resources.into();
    }

    /// Where it keeps what it knows.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Another node that is not up yet, on a copy of this one's data: the same identity and key.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(self.read, &self.name, &self.resources, &self.sections);
        copy_folder(&self.data(), &copy.data());
        copy
    }

    /// The alarms on its board: id, and whether each is so now.
    pub(crate) async fn alarm(&self, id: &str) -> Option<Value> {
        let answer = self
            .api(reqwest::Method::GET, "alarms")
            .send()
            .await
            .unwrap();
        let alarms: Value = answer.json().await.unwrap();
        let items = alarms["items"].as_array().unwrap().iter();
        items
            .filter(|alarm| alarm["active"] == true)
            .find(|alarm| alarm["id"] == id)
            .cloned()
    }

    pub(crate) async fn down(&mut self) {
        self.node.take().unwrap().stop().await;
    }

    pub(crate) async fn stop(mut self) {
        // Stopping a node is a large future, and many tests have several.
        Box::pin(self.down()).await;
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// What its file has as `resources:`.
    pub(crate) fn resources(&self) -> &str {
        &self.resources
    }

    pub(crate) fn pin(&self) -> String {
        self.pin.clone()
    }

    pub(crate) fn get(&self, name: &str) -> Option<PointView> {
        self.node().store().point(name)
    }

    /// How its link to a remote stands.
    pub(crate) fn link(&self, name: &str) -> RemoteView {
        self.node().parts().remote(name).unwrap()
    }

    /// Changes the resources and reloads, as SIGHUP does.
    pub(crate) async fn reload(&mut self, resources: &str) -> ReloadReport {
        self.resources = resources.into();
        let config = mainstem_config::load(&self.file(), kinds()).unwrap_or_else(|p| panic!("{p}"));
        self.node().reload(config).await.unwrap()
    }

    /// Changes the further sections; what comes next reads them.
    pub(crate) fn set_sections(&mut self, sections: &str) {
        self.sections = sections.into();
    }

    /// Changes the further sections and reloads.
    pub(crate) async fn reload_sections(&mut self, sections: &str) -> ReloadReport {
        self.sections = sections.into();
        let resources = self.resources.clone();
        self.reload(&resources).await
    }

    /// A request of its API over HTTPS, as an operator's program makes it.
    pub(crate) fn api(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.api_as(LINK_TOKEN, method, path)
    }

    /// The same with another token.
    pub(crate) fn api_as(
        &self,
        token: &str,
        method: reqwest::Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let trust = Trust::CaFile(self.node().facts().ca_file.clone());
        let tls = client_config(&trust).unwrap();
        let client = reqwest::Client::builder().use_preconfigured_tls((*tls).clone());
        let url = format!("https://{}/api/v1/{path}", self.address());
        let request = client.build().unwrap().request(method, url);
        request.bearer_auth(token)
    }

    /// Writes a datapoint. Returns status and document.
    pub(crate) async fn put(&self, name: &str, body: Value, query: &str) -> (u16, Value) {
        let path = format!("datapoints/{name}?{query}");
        self.ask("PUT", &path, body).await
    }

    /// Asks its API over HTTPS. Returns status and document.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.api(method.parse().unwrap(), path);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The port of the first listener of its bus.
    pub(crate) async fn bus_port(&self) -> u16 {
        let (_, bus) = self.ask("GET", "bus", Value::Null).await;
        let address = bus["listeners"][0]["address"].as_str();
        let address: SocketAddr = address.unwrap().parse().unwrap();
        address.port()
    }

    /// Its metrics, as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> String {
        let request = self.api(reqwest::Method::GET, "../../metrics");
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Fetches frames up to the head, as a polled link does.
    pub(crate) async fn frames(&self, query: &str) -> String {
        let request = self.api(reqwest::Method::GET, &format!("changes?{query}"));
        let request = request.header("accept", "application/x-ndjson");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    /// Waits until a link is in a state.
    pub(crate) async fn wait_link(&self, name: &str, state: LinkState) -> RemoteView {
        let what = format!("{}'s link {name} is {}", self.name, state.as_str());
        eventually(&what, || {
            Some(self.link(name)).filter(|link| link.state == state)
        })
        .await
    }

    /// Waits until a datapoint is as wanted.
    pub(crate) async fn wait(
        &self,
        name: &str,
        what: &str,
        is: impl Fn(&PointView) -> bool,
    ) -> PointView {
        let begun = Instant::now();
        loop {
            match self.get(name) {
                Some(view) if is(&view) => return view,
                view if begun.elapsed() > PATIENCE => {
                    let links = self.node().parts().remotes();
                    panic!(
                        "{}: {name} is not {what} in time: {view:?} {links:#?}",
                        self.name
                    );
                }
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Waits until a datapoint is good.
    pub(crate) async fn wait_good(&self, name: &str) -> PointView {
        self.wait(name, "good", |view| view.quality.is_good()).await
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy_folder(&entry.path(), &target),
            kind if kind.is_file() => drop(std::fs::copy(entry.path(), target).unwrap()),
            _ => {}
        }
    }
}

/// Waits for a condition, with a deadline.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "within {PATIENCE:?} it does not happen that {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

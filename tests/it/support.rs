//! Whole nodes and trees of nodes on free ports, each with a folder of its own.

pub(crate) mod hsyco;
pub(crate) mod plc;
pub(crate) mod proxy;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mainstem::app::{Node, ReloadReport, kinds};
use mainstem_remote::{LinkState, RemoteView};
use mainstem_security::{Trust, client_config};
use mainstem_store::PointView;
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
    /// Further sections of its file.
    sections: String,
    port: u16,
    pin: String,
    node: Option<Node>,
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
        let mut node = Self {
            read,
            name: name.into(),
            folder: TempDir::new().unwrap(),
            resources: resources.into(),
            sections: sections.into(),
            port: 0,
            pin: String::new(),
            node: None,
        };
        node.up().await;
        node
    }

    /// Its node file, as it would be started now.
    pub(crate) fn file(&self) -> PathBuf {
        let text = format!(
            "version: 1\nnode: {{ name: {}, data: ./data }}\nlisten:\n  - address: 127.0.0.1:{}\n\
             unix_socket: on\nroles:\n  above: {{ read: {read}, \
             write: [\"!sim.locked\", \"**\"], admin: true, link: true, \
             events: {{ raise: [\"**\"], see: [\"**\"], answer: [\"**\"] }} }}\n\
             tokens:\n  - {{ name: above, role: above, token: {LINK_TOKEN} }}\n{}resources:\n{}",
            self.name,
            self.port,
            self.sections,
            self.resources,
            read = self.read
        );
        let path = self.folder.path().join("node.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts it, again on the port that it had.
    pub(crate) async fn up(&mut self) {
        let config = mainstem_config::load(&self.file(), kinds()).unwrap_or_else(|p| panic!("{p}"));
        let node = Node::start(config).await.unwrap();
        self.port = node.addresses()[0].port();
        self.pin = node.facts().pin.to_string();
        self.node = Some(node);
    }

    /// Changes the file while the node is down.
    pub(crate) fn rewrite(&mut self, resources: &str) {
        self.resources = resources.into();
    }

    pub(crate) async fn down(&mut self) {
        self.node.take().unwrap().stop().await;
    }

    pub(crate) async fn stop(mut self) {
        self.down().await;
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
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
        let trust = Trust::CaFile(self.node().facts().ca_file.clone());
        let tls = client_config(&trust).unwrap();
        let client = reqwest::Client::builder().use_preconfigured_tls((*tls).clone());
        let url = format!("https://{}/api/v1/{path}", self.address());
        let request = client.build().unwrap().request(method, url);
        request.bearer_auth(LINK_TOKEN)
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

//! GUI variables over three levels of whole nodes.

use mainstem_model::{Name, Status};
use mainstem_remote::LinkState;
use mainstem_store::VariableView;
use serde_json::{Value, json};

use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};

/// Times short enough for a test; what may be read and written is said by each test.
const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";
const WRITABLE: &str = "      ui_write: [\"!line1.secret.**\", \"!secret.**\", \"**\"]\n";
const TEXT_AT_TOP: &str = "plant1.line1.status.text";

/// line1 → plant1 → enterprise, each link through a proxy.
struct Tree {
    line: TestNode,
    plant: TestNode,
    enterprise: TestNode,
    proxies: [Proxy; 2],
}

impl Tree {
    async fn start(options: &str) -> Self {
        let options = format!("{QUICK}{options}");
        let line = TestNode::start("line1", "  {}\n").await;
        let first = Proxy::start(line.address()).await;
        let entry = remote("line1", &line.pin(), first.address(), &options);
        let plant = TestNode::start("plant1", &entry).await;
        let second = Proxy::start(plant.address()).await;
        let entry = remote("plant1", &plant.pin(), second.address(), &options);
        let enterprise = TestNode::start("enterprise", &entry).await;
        let tree = Self {
            line,
            plant,
            enterprise,
            proxies: [first, second],
        };
        tree.live().await;
        tree
    }

    async fn live(&self) {
        self.plant.wait_link("line1", LinkState::Live).await;
        self.enterprise.wait_link("plant1", LinkState::Live).await;
    }
}

fn variable(node: &TestNode, name: &str) -> Option<VariableView> {
    node.node().store().variable(name)
}

async fn set(node: &TestNode, name: &str, text: &str) -> (u16, Value) {
    let path = format!("variables/{name}?wait=10s");
    node.ask("PUT", &path, json!({ "value": text })).await
}

async fn set_well(node: &TestNode, name: &str, text: &str) -> Value {
    let (status, document) = set(node, name, text).await;
    assert_eq!(status, 200, "{document:#}");
    document
}

/// Waits until a node shows a text, and can be sure of it.
async fn shows(node: &TestNode, name: &str, text: &str) -> VariableView {
    let is = |view: &VariableView| &*view.value == text && view.quality.is_good();
    let what = format!("{} shows {text:?} as {name}", node.name);
    eventually(&what, || variable(node, name).filter(is)).await
}

async fn shows_none(node: &TestNode, name: &str) {
    let gone = || variable(node, name).is_none().then_some(());
    eventually(&format!("{} has no {name}", node.name), gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_line_sets_the_enterprise_sees_and_what_the_enterprise_sets_the_line_has() {
    let tree = Box::pin(Tree::start(WRITABLE)).await;
    let document = set_well(&tree.line, "status.text", "läuft").await;
    assert_eq!(document["kind"], "variable");
    let view = shows(&tree.enterprise, TEXT_AT_TOP, "läuft").await;
    let own = variable(&tree.line, "status.text").unwrap();
    assert_eq!(view.source_time, own.source_time, "its time is the line's");
    assert_eq!(view.owner, "line1", "the node at which it was made");

    let document = set_well(&tree.enterprise, TEXT_AT_TOP, "steht").await;
    let hops: Vec<(&str, &str)> = document["hops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hop| {
            (
                hop["node"].as_str().unwrap(),
                hop["state"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("enterprise", "accepted"),
        ("plant1", "forwarded"),
        ("line1", "applied"),
    ];
    assert_eq!(hops, expected, "{document:#}");
    shows(&tree.line, "status.text", "steht").await;
    shows(&tree.enterprise, TEXT_AT_TOP, "steht").await;

    // One that is not there yet is made where it belongs; the plant has its own beside.
    set_well(&tree.enterprise, "plant1.line1.page.name", "overview").await;
    set_well(&tree.enterprise, "plant1.hall.text", "warm").await;
    shows(&tree.line, "page.name", "overview").await;
    shows(&tree.plant, "hall.text", "warm").await;
    shows(&tree.enterprise, "plant1.hall.text", "warm").await;
    assert!(variable(&tree.line, "hall.text").is_none());

    let (status, document) = tree
        .line
        .ask("GET", "variables?glob=status.*", json!({}))
        .await;
    assert_eq!(
        (status, &document["items"][0]["value"]),
        (200, &json!("steht"))
    );
    let path = format!("variables/{TEXT_AT_TOP}");
    let refused = tree.enterprise.ask("DELETE", &path, json!({})).await;
    assert_eq!((refused.0, &refused.1["code"]), (403, &json!("policy")));
    let removed = tree
        .line
        .api(reqwest::Method::DELETE, "variables/status.text");
    assert_eq!(removed.send().await.unwrap().status(), 204);
    shows_none(&tree.enterprise, TEXT_AT_TOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_is_denied_by_default_and_by_either_side() {
    let tree = Box::pin(Tree::start("")).await;
    set_well(&tree.line, "status.text", "on").await;
    shows(&tree.enterprise, TEXT_AT_TOP, "on").await;
    let (status, document) = set(&tree.enterprise, TEXT_AT_TOP, "off").await;
    let outcome = &document["outcome"];
    assert_eq!(
        (status, &outcome["reason"]),
        (403, &json!("policy")),
        "{document:#}"
    );
    let said = outcome["message"].as_str().unwrap();
    assert!(said.contains("ui_write"), "{said}");
    assert!(outcome["hop"].is_null(), "the enterprise itself refuses");

    let tree = Box::pin(Tree::start(WRITABLE)).await;
    // The line gives the plant's token no right to that one, whoever asks at the enterprise.
    let name = "plant1.line1.locked.text";
    let (status, document) = set(&tree.enterprise, name, "x").await;
    let outcome = &document["outcome"];
    assert_eq!(
        (status, &outcome["hop"]),
        (403, &json!("plant1.line1")),
        "{document:#}"
    );
    let asked = json!({ "kind": "variable", "name": name, "value": "x" });
    let (_, explained) = tree.enterprise.ask("POST", "writes/explain", asked).await;
    assert_eq!(explained["refused"]["node"], "line1", "{explained:#}");
    assert_eq!(explained["refused"]["rule"], "role");
    // And the enterprise's own file denies another.
    let (status, document) = set(&tree.enterprise, "plant1.line1.secret.text", "x").await;
    assert_eq!((status, document["outcome"]["hop"].is_null()), (403, true));
    assert!(tree.line.node().store().statistics().variables == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_or_switched_off_is_not_replicated() {
    let line = TestNode::start("line1", "  {}\n").await;
    let own = line.node().store();
    for name in ["hidden.text", "status.text", "page.text"] {
        own.set_variable(&Name::new(name).unwrap(), "x".into())
            .unwrap();
    }
    let reading = format!("{QUICK}      ui_read: [\"!page.**\", \"**\"]\n");
    let entry = |options: &str| remote("line1", &line.pin(), line.address(), options);
    let mut plant = TestNode::start("plant1", &entry(&reading)).await;
    shows(&plant, "line1.status.text", "x").await;
    plant.wait_link("line1", LinkState::Live).await;
    assert_eq!(plant.node().store().statistics().variables, 1);
    plant
        .reload(&entry(&format!("{QUICK}      ui: false\n")))
        .await;
    shows_none(&plant, "line1.status.text").await;
    plant.reload(&entry(QUICK)).await;
    shows(&plant, "line1.status.text", "x").await;
    shows(&plant, "line1.page.text", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_outlast_restarts_of_the_line_and_of_the_middle() {
    let mut tree = Box::pin(Tree::start(WRITABLE)).await;
    set_well(&tree.line, "status.text", "kept").await;
    set_well(&tree.line, "status.other", "goes").await;
    shows(&tree.enterprise, TEXT_AT_TOP, "kept").await;
    shows(&tree.enterprise, "plant1.line1.status.other", "goes").await;

    tree.line.down().await;
    let is_doubtful = || {
        let view = variable(&tree.enterprise, TEXT_AT_TOP)?;
        (view.quality.status != Status::Good).then_some(view)
    };
    let view = eventually("the enterprise doubts it", is_doubtful).await;
    assert_eq!(
        (&*view.value, view.hop.as_deref()),
        ("kept", Some("plant1.line1"))
    );
    // The middle is restarted while the line is away: nothing is lost above it.
    tree.plant.down().await;
    tree.plant.up().await;
    tree.enterprise.wait_link("plant1", LinkState::Live).await;
    let view = variable(&tree.enterprise, TEXT_AT_TOP).unwrap();
    assert!(
        &*view.value == "kept" && !view.quality.is_good(),
        "{view:?}"
    );

    tree.line.up().await;
    shows(&tree.line, "status.text", "kept").await;
    shows(&tree.enterprise, TEXT_AT_TOP, "kept").await;
    tree.live().await;
    // What is removed while a level is away disappears when it is back.
    tree.plant.down().await;
    let other = Name::new("status.other").unwrap();
    tree.line.node().store().remove_variable(&other).unwrap();
    set_well(&tree.line, "status.text", "newer").await;
    tree.plant.up().await;
    shows(&tree.enterprise, TEXT_AT_TOP, "newer").await;
    shows_none(&tree.enterprise, "plant1.line1.status.other").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_repeats_no_variable() {
    let tree = Box::pin(Tree::start("")).await;
    for index in 0..20 {
        set_well(&tree.line, &format!("status.v{index}"), "x").await;
    }
    shows(&tree.enterprise, "plant1.line1.status.v19", "x").await;
    let link = || tree.enterprise.link("plant1");
    let begun = link().counters;
    for round in 1..=3 {
        tree.proxies[1].reset();
        let resumed = || Some(link()).filter(|view| view.counters.resumes == begun.resumes + round);
        eventually("the enterprise resumes", resumed).await;
        tree.enterprise.wait_link("plant1", LinkState::Live).await;
    }
    set_well(&tree.line, "status.v0", "y").await;
    shows(&tree.enterprise, "plant1.line1.status.v0", "y").await;
    let counters = link().counters;
    assert_eq!(counters.snapshots, begun.snapshots);
    // What the links say of themselves may come again as it was, a few rows; the variables are twenty
    // at each of the three.
    let repeated = (counters.rows - begun.rows) - (counters.changes - begun.changes);
    assert!(repeated < 20, "{begun:?} {counters:?}");
}

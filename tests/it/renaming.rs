//! Names that change while nodes are linked: old ones lead to the new ones as long as an alias
//! stands, and nobody sees a ghost.

use mainstem_model::Value;
use mainstem_remote::LinkState;
use serde_json::json;

use crate::support::{TestNode, eventually, remote};

fn device(adapter: &str, setpoint: &str) -> String {
    format!(
        "  {adapter}: {{ type: Connection, properties: {{ protocol: simulator, connection: {{ interval_ms: 100 }} }} }}
  count: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref {adapter}, subscribe: {{ signal: counter, step: 1 }} }} }}
  {setpoint}: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref {adapter}, subscribe: {{ signal: setpoint, initial: 20 }}, access: rw }} }}
"
    )
}

/// What the node above may do at each level, in the words of before the rename.
const PASSING: &str = "      write: [ \"!**.safety.**\", \"**.sim.**\", \"sim.**\" ]\n";

/// line1 → plant → top.
struct Levels {
    line: TestNode,
    plant: TestNode,
    top: TestNode,
}

impl Levels {
    async fn start() -> Self {
        let line = TestNode::start("line1", &device("sim", "setpoint")).await;
        let entry = remote("line1", &line.pin(), line.address(), PASSING);
        let plant = TestNode::start("plant", &entry).await;
        let entry = remote("plant", &plant.pin(), plant.address(), PASSING);
        let top = TestNode::start("top", &entry).await;

        let levels = Self { line, plant, top };
        levels.top.wait_good("plant.line1.sim.count").await;
        levels.top.wait_good("plant.line1.sim.setpoint").await;
        levels
    }

    /// The names of a node's datapoints below a path.
    fn names(node: &TestNode, below: &str) -> Vec<String> {
        let query = mainstem_store::ListQuery {
            limit: 1000,
            ..mainstem_store::ListQuery::default()
        };
        let store = node.node().store();
        let (all, _) = store.list(&query, &mainstem_store::Filter::everything());
        let names = all.into_iter().map(|view| view.name.to_string());
        names.filter(|name| name.starts_with(below)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_name_leads_to_the_new_one_over_three_levels() {
    let mut levels = Box::pin(Levels::start()).await;
    levels.line.set_sections("aliases: { sim: press }\n");
    levels.line.reload(&device("press", "setpoint")).await;
    levels.top.wait_good("plant.line1.press.setpoint").await;

    // Read by the old name: the answer has the new one.
    let (status, document) = levels
        .top
        .ask("GET", "datapoints/plant.line1.sim.count", json!(null))
        .await;
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["name"], "plant.line1.press.count");
    assert_eq!(document["asked_as"], "plant.line1.sim.count");

    // Written by the old name, through two remote entries whose patterns know only the old one.
    let body = json!({"value": 42.0});
    let (status, document) = levels.top.put("plant.line1.sim.setpoint", body, "").await;
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["name"], "plant.line1.press.setpoint");
    assert_eq!(document["asked_as"], "plant.line1.sim.setpoint");
    let is_42 = |view: &mainstem_store::PointView| view.value == Some(Value::F64(42.0));
    levels
        .top
        .wait("plant.line1.press.setpoint", "42", is_42)
        .await;
    let ask = json!({"name": "plant.line1.sim.setpoint", "value": 1.0});
    let (_, explained) = levels.top.ask("POST", "writes/explain", ask).await;
    assert_eq!(explained["allowed"], true, "{explained}");

    filters_by_the_old_name(&levels).await;
    aliases_are_counted(&levels).await;

    // Without the alias the old name is unknown, and so is the right that it gave.
    levels.line.set_sections("");
    levels.line.reload(&device("press", "setpoint")).await;
    eventually("the alias is gone at the top", || {
        levels.top.node().store().aliases().is_empty().then_some(())
    })
    .await;
    let (status, _) = levels
        .top
        .ask("GET", "datapoints/plant.line1.sim.count", json!(null))
        .await;
    assert_eq!(status, 404);
    let (status, document) = levels
        .top
        .put("plant.line1.press.setpoint", json!({"value": 1.0}), "")
        .await;
    assert_eq!(
        (status, document["code"].as_str()),
        (403, Some("policy")),
        "{document}"
    );
}

/// A filter that names only the old name gets the datapoint, told under its new name.
async fn filters_by_the_old_name(levels: &Levels) {
    let (_, list) = levels
        .top
        .ask("GET", "datapoints?glob=plant.line1.sim.*", json!(null))
        .await;
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"plant.line1.press.count"), "{names:?}");
    let frames = levels
        .top
        .frames("glob=plant.line1.sim.*&follow=false")
        .await;
    assert!(frames.contains("\"plant.line1.press.count\""), "{frames}");
    assert!(
        frames
            .contains("{\"alias\":[{\"from\":\"plant.line1.sim\",\"to\":\"plant.line1.press\"}]}"),
        "{frames}"
    );
}

/// It is seen that an alias is needed, and that nothing is left of the old names.
async fn aliases_are_counted(levels: &Levels) {
    let (_, aliases) = levels.top.ask("GET", "aliases", json!(null)).await;
    let alias = &aliases["items"][0];
    assert_eq!(alias["from"], "plant.line1.sim", "{aliases}");
    assert_eq!(alias["via"], "plant");
    assert!(
        alias["uses"].as_u64().unwrap() > 0 && alias["last_used"].is_string(),
        "{aliases}"
    );
    for (node, below) in [
        (&levels.line, "sim"),
        (&levels.plant, "line1.sim"),
        (&levels.top, "plant.line1.sim"),
    ] {
        assert_eq!(Levels::names(node, below), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_takes_no_prohibition_away() {
    let line = TestNode::start("line1", &device("safety", "setpoint")).await;
    let mut line = line;
    let more = "      write: [ \"!safety.**\", \"**\" ]\n      read: [ \"safety.**\" ]\n";
    let entry = remote("line1", &line.pin(), line.address(), more);
    let plant = TestNode::start("plant", &entry).await;
    plant.wait_good("line1.safety.setpoint").await;
    line.set_sections("aliases: { safety: lamp }\n");
    line.reload(&device("lamp", "setpoint")).await;
    plant.wait_good("line1.lamp.setpoint").await;
    for name in ["line1.lamp.setpoint", "line1.safety.setpoint"] {
        let (status, document) = plant.put(name, json!({"value": 1.0}), "").await;
        assert_eq!(status, 403, "{document}");
        assert!(
            document["detail"].as_str().unwrap().contains("!safety.**"),
            "{document}"
        );
    }
    // `read` of the entry named only the old name: without the alias the datapoint is not wanted.
    line.set_sections("");
    line.reload(&device("lamp", "setpoint")).await;
    eventually("it is gone", || {
        plant.get("line1.lamp.setpoint").is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_moves_to_another_prefix_with_its_values() {
    let line = TestNode::start("line1", &device("sim", "setpoint")).await;
    let mut plant =
        TestNode::start("plant", &remote("line1", &line.pin(), line.address(), "")).await;
    let above = remote("plant", &plant.pin(), plant.address(), "");
    let top = TestNode::start("top", &above).await;
    top.wait_good("plant.line1.sim.setpoint").await;
    let resumes = |node: &TestNode, link: &str| node.link(link).counters.resumes;
    plant.set_sections("aliases: { line1: filling }\n");
    plant
        .reload(&remote("filling", &line.pin(), line.address(), ""))
        .await;
    // At once, before anything came over the new link.
    let moved = plant.get("filling.sim.setpoint").unwrap();
    assert_eq!(moved.value, Some(Value::F64(20.0)));
    assert!(plant.get("line1.sim.setpoint").is_none());
    plant.wait_link("filling", LinkState::Live).await;
    assert_eq!(
        (
            resumes(&plant, "filling"),
            plant.link("filling").counters.snapshots
        ),
        (1, 0)
    );
    top.wait_good("plant.filling.sim.setpoint").await;
    eventually("no ghosts", || {
        Levels::names(&top, "plant.line1").is_empty().then_some(())
    })
    .await;
    let (_, document) = top
        .ask("GET", "datapoints/plant.line1.sim.count", json!(null))
        .await;
    assert_eq!(document["name"], "plant.filling.sim.count", "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_name_is_the_same_node() {
    let mut line = TestNode::start("line1", &device("sim", "setpoint")).await;
    let entry = remote("line1", &line.pin(), line.address(), PASSING);
    let plant = TestNode::start("plant", &entry).await;
    plant.wait_good("line1.sim.connection").await;
    let (id, pin) = (line.node().facts().id, line.pin());
    let key = json!({"value": 30.0, "key": "once"});
    let (_, first) = plant.put("line1.sim.setpoint", key.clone(), "").await;
    line.down().await;
    line.name = "filling".into();
    line.up().await;
    assert_eq!((line.node().facts().id, line.pin()), (id, pin));
    let renamed =
        |view: &mainstem_store::PointView| view.quality.is_good() && view.owner != "line1";
    plant.wait_good("line1.sim.count").await;
    let view = plant
        .wait("line1.sim.connection", "of the renamed node", renamed)
        .await;
    assert!(view.owner.contains("filling"), "{view:?}");
    let (status, again) = plant.put("line1.sim.setpoint", key, "").await;
    assert_eq!(
        (status, &again["id"]),
        (200, &first["id"]),
        "the outcome is still known"
    );
    let nodes = plant.node().store().sources().into_iter();
    let nodes: Vec<_> = nodes
        .filter(|source| source.node == id && source.parent.is_some())
        .collect();
    assert!(
        nodes.iter().all(|source| &*source.name != "line1"),
        "{nodes:?}"
    );
}

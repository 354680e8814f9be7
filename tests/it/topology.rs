//! The tree as the top of four levels sees it, and a resync by a person.

use mainstem_remote::LinkState;
use reqwest::Method;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value as Json, json};

use crate::links::Chain;
use crate::support::{TestNode, eventually};

async fn tree(node: &TestNode, query: &str) -> Json {
    let answer = node.api(Method::GET, &format!("topology{query}")).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn all<'a>(tree: &'a Json, list: &str, member: &str) -> Vec<&'a str> {
    let items = tree[list].as_array().unwrap();
    items
        .iter()
        .map(|item| item[member].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_sees_four_nodes_and_a_cut_link() {
    let chain = Chain::start().await;
    chain.top().wait_good("area.plant.line1.sim.count").await;
    chain.top().wait_link("area", LinkState::Live).await;
    let seen = tree(chain.top(), "").await;
    assert_eq!(
        all(&seen, "nodes", "name"),
        ["top", "area", "plant", "line1"]
    );
    for (entry, node) in seen["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .zip(chain.nodes.iter().rev())
    {
        assert_eq!(entry["id"], json!(node.node().facts().id.to_string()));
    }
    assert_eq!(seen["nodes"][3]["roles"], json!(["adapters"]), "{seen:#}");
    assert_eq!(seen["nodes"][1]["roles"], json!(["concentrator"]));
    let prefixes = ["area", "area.plant", "area.plant.line1"];
    assert_eq!(all(&seen, "links", "prefix"), prefixes);
    assert_eq!(all(&seen, "links", "state"), ["live"; 3], "{seen:#}");
    let path = seen["links"][2]["path"].as_array().unwrap();
    let path: Vec<&str> = path
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect();
    assert_eq!(path, ["top", "area", "plant", "line1"]);
    assert_eq!(all(&seen, "adapters", "path"), ["area.plant.line1.sim"]);
    let points = chain.top().node().store().statistics().points;
    let own = seen["others"].as_array().unwrap();
    let own = own
        .iter()
        .find(|source| source["parent"].is_null())
        .unwrap();
    let counted =
        own["datapoints"].as_u64().unwrap() + seen["links"][0]["datapoints"].as_u64().unwrap();
    assert_eq!(counted, points as u64);

    chain.proxies[0].silence();
    let cut =
        |view: &mainstem_store::PointView| view.quality.reason == mainstem_model::Reason::LinkDown;
    chain
        .top()
        .wait("area.plant.line1.sim.count", "cut", cut)
        .await;
    let cut = tree(chain.top(), "").await;
    assert_eq!(
        all(&cut, "links", "state"),
        ["live", "live", "waiting"],
        "{cut:#}"
    );
    assert_eq!(cut["links"][2]["cause"], "link_down");
    assert_eq!(cut["adapters"][0]["hop"], "area.plant.line1");
    assert!(cut["topotime"].as_u64() > seen["topotime"].as_u64());
    assert_eq!(
        all(&cut, "nodes", "name").len(),
        4,
        "who was there stays in sight"
    );
    chain.proxies[2].silence();
    let behind = |view: &mainstem_store::PointView| view.hop.as_deref() == Some("area");
    let name = "area.plant.line1.sim.setpoint";
    // Of two cuts that are as bad, the nearer one is at fault.
    chain.top().wait(name, "cut off at area", behind).await;
    let seen = tree(chain.top(), "").await;
    assert_eq!(
        all(&seen, "links", "state")[1..],
        ["unknown"; 2],
        "{seen:#}"
    );
    let area = &seen["links"][0];
    assert!(
        area["state"] != "live" && !area["cause"].is_null(),
        "{seen:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_tree_is_told_so_and_datapoints_come_in_parts() {
    let chain = Chain::start().await;
    let top = chain.top();
    top.wait_good("area.plant.line1.sim.count").await;
    top.wait_link("area", LinkState::Live).await;
    // Everything settles, then values go on changing, and that is no change of the tree.
    let mut tag = None;
    let mut same = false;
    for _ in 0..1000 {
        let mut request = top.api(Method::GET, "topology");
        if let Some(tag) = &tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let answer = request.send().await.unwrap();
        same = answer.status() == 304;
        if same {
            break;
        }
        tag = answer.headers().get(ETAG).cloned();
    }
    assert!(same, "the tag never stayed the same");
    let topotime = top.node().store().topotime();
    let before = top.get("area.plant.line1.sim.count").unwrap().value;
    let changed = |view: &mainstem_store::PointView| view.value != before;
    top.wait("area.plant.line1.sim.count", "another value", changed)
        .await;
    assert_eq!(top.node().store().topotime(), topotime);

    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let part = tree(top, &format!("?datapoints=true&limit=3{after}")).await;
        let page = &part["datapoints"];
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names.len(), top.node().store().statistics().points);
    assert!(names.is_sorted() && names.contains(&"area.plant.line1.sim.count".to_owned()));
    let part = tree(top, "?datapoints=true").await;
    let items = part["datapoints"]["items"].as_array().unwrap();
    let point = items
        .iter()
        .find(|item| item["name"] == "area.plant.line1.sim.count");
    assert_eq!(point.unwrap()["source"], part["adapters"][0]["source"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_brings_a_snapshot_and_is_counted() {
    let chain = Chain::start().await;
    let area = &chain.nodes[2];
    area.wait_good("plant.line1.sim.count").await;
    area.wait_link("plant", LinkState::Live).await;
    let before = area.link("plant").counters;
    assert_eq!((before.snapshots, before.resyncs), (1, 0));
    let request = area.api(Method::POST, "remotes/plant/resync");
    assert_eq!(request.send().await.unwrap().status(), 204);
    let done = || Some(area.link("plant").counters).filter(|c| c.snapshots == 2);
    let after = eventually("a snapshot is read", done).await;
    assert_eq!((after.resyncs, after.resumes), (1, before.resumes));
    area.wait_link("plant", LinkState::Live).await;
    let document = area.api(Method::GET, "remotes/plant").send().await.unwrap();
    let document: Json = document.json().await.unwrap();
    assert_eq!(document["mirror"]["resyncs"], 1);
    area.wait_good("plant.line1.sim.count").await;
    let request = area.api(Method::POST, "remotes/nobody/resync");
    assert_eq!(request.send().await.unwrap().status(), 404);
}

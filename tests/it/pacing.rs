//! A link that asks the remote to hold back what its line has no room for.

use mainstem_model::Value;
use mainstem_remote::LinkState;

use crate::support::{TestNode, eventually, remote};

/// A counter that rises twenty times a second, and a setpoint that nobody writes.
const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 50 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint, initial: 20 }, access: rw } }
";
/// The values are at most this far behind; longer than the silence that turns a link uncertain.
const SPARED: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 2s\n      \
                      min_interval: 1500ms\n      deadband: 5\n";

fn count(node: &TestNode, name: &str) -> f64 {
    let value = node.get(name).and_then(|view| view.value);
    value.as_ref().and_then(Value::as_f64).unwrap_or(-1.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_line_is_spared_and_its_values_stay_good() {
    let line = TestNode::start("line1", DEVICE).await;
    line.wait_good("sim.count").await;
    let entry = remote("line1", &line.pin(), line.address(), SPARED);
    let plant = TestNode::start("plant1", &entry).await;
    plant.wait_good("line1.sim.count").await;
    plant.wait_link("line1", LinkState::Live).await;
    // The remote says what it was asked for.
    let spared = async || {
        let (_, readers) = line.ask("GET", "readers", serde_json::Value::Null).await;
        readers["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["min_interval"] == "1500 ms" && one["deadband"] == "5")
            .cloned()
    };
    let begun = plant.link("line1").counters.rows;
    let first = count(&plant, "line1.sim.count");
    let (mut seen, mut worst) = (vec![first], true);
    // Four tellings take at least three intervals, in which the counter rises ninety times.
    eventually("the value was told four times", || {
        let view = plant.get("line1.sim.count")?;
        worst &= view.quality.is_good();
        let now = count(&plant, "line1.sim.count");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        (seen.len() >= 5).then_some(())
    })
    .await;
    // What is held back is no backlog: the link never turned uncertain.
    assert!(worst, "the link was taken for a late one");
    let steps: Vec<f64> = seen.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps[1..].iter().all(|step| *step >= 20.0), "{steps:?}");
    let rows = plant.link("line1").counters.rows - begun;
    let reader = spared().await.expect("the link asked for its pacing");
    assert!(
        reader["link"] == true && reader["conflated"].as_u64().unwrap() > 50,
        "{reader}"
    );
    assert!(
        rows < 60,
        "{rows} rows came over a line that is to be spared"
    );
    // A resume goes on: nothing that was held back is lost.
    let before = count(&plant, "line1.sim.count");
    plant.node().parts().pause_remote("line1").unwrap();
    plant.node().parts().resume_remote("line1").unwrap();
    plant
        .wait("line1.sim.count", "ahead", |view| {
            view.quality.is_good() && count(&plant, "line1.sim.count") > before
        })
        .await;
}

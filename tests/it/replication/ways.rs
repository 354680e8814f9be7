//! Every kind of link replicates, live values do not wait for a backlog, and what hinders is said.

use std::time::{Duration, Instant};

use mainstem_model::Value;
use mainstem_remote::LoggersState;
use serde_json::json;

use super::{
    DEVICE, PATIENCE, RECORD, assert_same, book, entry, fill, loggers, wait_watermark, watermark,
};
use crate::dial_up::{BELOW, UP_TOKEN, tokens, uplink, waiting};
use crate::support::TestNode;

async fn line() -> TestNode {
    TestNode::start_with("line1", DEVICE, RECORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polled_link_and_a_one_way_link_replicate_too() {
    let line = line().await;
    let polled = "      mode: poll\n      poll_interval: 300ms\n      profile: poll\n      \
                  dataloggerspollinterval: 1\n      dataloggersnameprefix: false\n";
    let polled = entry(&line, polled).replace("      beat: 100ms\n", "");
    let polled = polled
        .replace("      uncertain_after: 700ms\n", "")
        .replace("      bad_after: 1s\n", "");
    let left = TestNode::start("left", &polled).await;
    let right = TestNode::start("right", &entry(&line, "      one_way: true\n")).await;
    wait_watermark(&left, "pieces", 100).await;
    wait_watermark(&right, "line1.pieces", 100).await;
    assert_same((&line, "pieces"), (&left, "pieces"), 100);
    assert_same((&line, "pieces"), (&right, "line1.pieces"), 100);
    for node in [left, right, line] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_dials_up_is_replicated_too() {
    let mut line = line().await;
    let both = [
        format!(
            "{}      dataloggers: \"pieces; nothing\"\n",
            waiting("line1", &line.pin())
        ),
        format!(
            "{}      targetState: disconnected\n",
            waiting("plant", &line.pin())
        ),
    ];
    let plant =
        TestNode::start_roles("[\"**\"]", BELOW, "plant", &both.concat(), &tokens("line")).await;
    let up = uplink(plant.address(), &plant.pin(), UP_TOKEN, "");
    line.reload(&format!("{DEVICE}{up}")).await;
    wait_watermark(&plant, "line1.pieces", 50).await;
    assert_same((&line, "pieces"), (&plant, "line1.pieces"), 50);
    assert!(
        book(&plant).get("line1.level.sim.level").is_none(),
        "it was not asked for"
    );
    plant.stop().await;
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_sample_arrives_within_a_second_while_a_backlog_runs() {
    let mut line = line().await;
    let own = line.node().store().setup().node;
    let mut plant = TestNode::start("plant", &entry(&line, "")).await;
    wait_watermark(&plant, "line1.pieces", 1).await;
    plant.down().await;
    line.down().await;
    fill(&line, own, "pieces", 2_000_000).await;
    line.up().await;
    plant.up().await;
    plant.wait_good("line1.sim.level").await;
    let begun = Instant::now();
    while loggers(&plant, "line1").standing.rows < 10_000 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", loggers(&plant, "line1"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut slowest, mut slowest_row) = (Duration::ZERO, Duration::ZERO);
    for value in 0..5 {
        let wanted = f64::from(value) + 0.5;
        let before = watermark(&line, "level.sim.level");
        let set = Instant::now();
        line.put("sim.level", json!({"value": wanted}), "wait=0s")
            .await;
        let is_there = |view: &mainstem_store::PointView| view.value == Some(Value::F64(wanted));
        plant
            .wait("line1.sim.level", "the new value", is_there)
            .await;
        slowest = slowest.max(set.elapsed());
        wait_watermark(&plant, "line1.level.sim.level", before + 1).await;
        slowest_row = slowest_row.max(set.elapsed());
    }
    let view = loggers(&plant, "line1");
    assert_eq!(
        view.state,
        LoggersState::CatchingUp,
        "the backlog is still running"
    );
    let (came, bytes, took) = (view.standing.rows, view.bytes, begun.elapsed());
    eprintln!(
        "beside {came} rows in {took:?} and {bytes} bytes, a value was there after {slowest:?} and \
         recorded after {slowest_row:?}, at most of five"
    );
    // A machine that does other things too: what is promised is measured by hand.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(slowest_row < Duration::from_secs(5), "{slowest_row:?}");
    let last = watermark(&line, "pieces");
    wait_watermark(&plant, "line1.pieces", last).await;
    plant.stop().await;
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_a_datapoint_gets_no_rows_of_it() {
    let line = TestNode::start_file_with("[\"sim.level\"]", "line1", DEVICE, RECORD).await;
    let plant = TestNode::start("plant", &entry(&line, "")).await;
    wait_watermark(&plant, "line1.level.sim.level", 1).await;
    assert!(book(&plant).get("line1.pieces").is_none());
    // Nor by its number.
    let key = mainstem_wire::log_key(
        line.node().store().setup().node,
        book(&line).sink().log_id().0,
        "pieces",
    );
    let id = book(&line).get("pieces").unwrap().series.0;
    let ask = json!({"want": [{"id": id, "key": key, "from": 1, "to": 10}], "bytes": 10_000});
    let request = line
        .api(reqwest::Method::POST, "link/loggers/rows")
        .json(&ask);
    let told = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(told.trim(), "{\"end\":true}");
    plant.stop().await;
    line.stop().await;
}

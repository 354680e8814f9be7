//! Beats and writes of a concentrator.

use mainstem_model::Clock;
use mainstem_model::WriteState;
use mainstem_store::{Outcome, OwnerHandle};
use mainstem_telemetry::SystemClock;
use serde_json::{Value, json};

use crate::harness::{Client, Node};

async fn session(client: &Client) -> (crate::harness::Lines, u64) {
    let mut lines = client.frames("/api/v1/changes?delivery=every").await;
    let hello = lines.next().await;
    let session = hello["hello"]["session"].as_u64().unwrap();
    (lines, session)
}

async fn post(client: &Client, path: &str, body: &Value) -> Value {
    let response = client.post(path).json(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_beat_is_answered_and_belongs_to_its_reader() {
    let node = Node::start().await;
    let link = node.client(&node.token("plant1", "concentrator", None));
    let (lines, session) = session(&link).await;
    assert_ne!(session, 0);
    let beat = json!({"session": session, "applied": 0, "sent": 5, "sent_wall": 7});
    let before = SystemClock.monotonic().micros();
    let answer = post(&link, "/api/v1/link/beat", &beat).await;
    let after = SystemClock.monotonic().micros();
    assert_eq!(answer["known"], true);
    let stamps = (
        answer["received"].as_u64().unwrap(),
        answer["sent"].as_u64().unwrap(),
    );
    assert!(before <= stamps.0 && stamps.0 <= stamps.1 && stamps.1 <= after);
    let other = node.client(&node.token("other", "concentrator", None));
    assert_eq!(
        post(&other, "/api/v1/link/beat", &beat).await["known"],
        false
    );
    let viewer = node.client(&node.token("eyes", "viewer", None));
    let refused = viewer
        .problem(viewer.post("/api/v1/link/beat").json(&beat))
        .await;
    assert_eq!(refused, (403, "forbidden".into()));
    drop(lines);
    let gone = async {
        while post(&link, "/api/v1/link/beat", &beat).await["known"] == true {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, gone)
        .await
        .expect("the session stayed");
}

/// A device that applies everything and counts.
fn device(mut owner: OwnerHandle) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        let mut count = 0;
        while let Some(order) = owner.orders.recv().await {
            count += 1;
            if order.reply.send(Outcome::new(WriteState::Applied)).is_err() {
                break;
            }
        }
        count
    })
}

#[tokio::test]
async fn a_write_needs_a_clock_and_is_never_late() {
    let node = Node::start().await;
    node.define_setpoint("plc.setpoint");
    let device = device(node.store.register_owner(node.source, false));
    let link = node.client(&node.token("plant1", "admin", None));
    let (_lines, session) = session(&link).await;
    let write = |sent: u64, budget: u64| {
        json!({"id": uuid::Uuid::new_v4(), "name": "plc.setpoint", "value": 7.5,
            "session": session, "sent": sent, "budget_us": budget,
            "originators": ["plant1: bob"]})
    };
    let now = || SystemClock.monotonic().micros();
    let unmapped = post(&link, "/api/v1/link/writes", &write(now(), 2_000_000)).await;
    assert_eq!(unmapped["reason"], "no_clock_mapping");
    let beat = json!({"session": session, "applied": 0, "sent": now(), "sent_wall": 7,
        "offset": 0, "uncertainty": 1000});
    post(&link, "/api/v1/link/beat", &beat).await;
    // What is left is less than what is not sure about the clocks.
    let late = post(&link, "/api/v1/link/writes", &write(now(), 900)).await;
    assert_eq!(late["state"], "expired", "{late}");
    let applied = post(&link, "/api/v1/link/writes", &write(now(), 2_000_000)).await;
    assert_eq!(applied["state"], "applied", "{applied}");
    assert_eq!(applied["hops"][0]["node"], "line1");
    // The owner ends when somebody else takes its place.
    drop(node.store.register_owner(node.source, false));
    assert_eq!(device.await.unwrap(), 1);
}

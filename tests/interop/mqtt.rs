//! The bus with foreign brokers and clients: Mosquitto, its command line clients, and Paho.
//! Needs the packages mosquitto and mosquitto-clients, and the environment variable
//! MAINSTEM_PYTHON: a Python that has paho-mqtt.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the runtime of each test owns its tasks, and tests have no configuration"
)]

#[path = "mqtt/cuts.rs"]
mod cuts;
#[path = "mqtt/embedded.rs"]
mod embedded;
#[path = "mqtt/external.rs"]
mod external;
#[path = "mqtt/mosquitto.rs"]
mod mosquitto;

use std::io::Write;
use std::time::Duration;

use mainstem_bus::{Bus, BusState, Publication, Qos, Topic, TopicFilter};

const PATIENCE: Duration = Duration::from_secs(30);

/// Says that something was left out, past the capture of the test runner.
fn left_out(what: &str, why: &str) {
    let message = format!("\n*** LEFT OUT: {what}: {why} ***\n\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    // Where `tests/run` reads what was left out.
    if let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        let line = format!("{what}: {why}\n");
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

fn filters(texts: &[&str]) -> Vec<TopicFilter> {
    let filter = |text: &&str| TopicFilter::new(text).unwrap();
    texts.iter().map(filter).collect()
}

fn message(topic: &str, payload: &str, qos: Qos) -> Publication {
    Publication {
        topic: Topic::new(topic).unwrap(),
        payload: payload.to_owned().into(),
        qos,
        retain: false,
    }
}

/// Waits until a bus is up, or down.
async fn until(bus: &dyn Bus, up: bool) {
    let mut state = bus.state();
    let changed = state.wait_for(|state| (*state == BusState::Up) == up);
    tokio::time::timeout(PATIENCE, changed)
        .await
        .unwrap()
        .unwrap();
}

async fn next(subscription: &mut mainstem_bus::Subscription) -> mainstem_bus::Message {
    let next = tokio::time::timeout(PATIENCE, subscription.next()).await;
    next.expect("a message in time").expect("not stopped")
}

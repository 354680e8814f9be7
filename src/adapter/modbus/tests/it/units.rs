//! Units behind a gateway.

use std::time::{Duration, Instant};

use mainstem_model::{Reason, Value};
use serde_json::json;
use tokio_modbus::ExceptionCode;

use crate::device::Device;
use crate::rig::{PATIENCE, read, started};

fn on_units(units: &[u8]) -> Vec<mainstem_adapter::EndpointSpec> {
    units
        .iter()
        .map(|unit| read(json!({ "fc": 3, "address": 0, "unitId": unit })))
        .collect()
}

#[tokio::test]
async fn a_dead_unit_does_not_starve_the_others() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.insert(2);
    let mut rig = started(device.port, &json!({}), on_units(&[1, 2, 3]));
    let down = |seen: &crate::rig::Seen| {
        seen.devices
            .get(&1)
            .is_some_and(|quality| quality.reason == Reason::DeviceDown)
    };
    rig.until("unit2 down", down).await;
    let (before, begun) = (rig.seen(), Instant::now());
    rig.until("the others go on", |seen| {
        seen.good(0) > before.good(0) + 30 && seen.good(2) > before.good(2) + 30
    })
    .await;
    // Thirty polls at 20 ms; a dead unit that took 300 ms each time would need ten times as long.
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    let seen = rig.seen();
    assert!(seen.devices[&0].is_good() && seen.devices[&2].is_good());
    assert_eq!(seen.good(1), 0);
    assert_eq!(rig.statistics.snapshot().errors["timeout"], 1);

    // It comes back: it is asked now and then.
    device.plc.lock().silent.clear();
    let seen = rig.until("unit2 back", |seen| seen.good(1) > 0).await;
    assert!(seen.devices[&1].is_good());
    assert_eq!(seen.online, 1, "one session all the time");
}

#[tokio::test]
async fn a_unit_that_falls_silent_gets_a_second_chance() {
    let device = Device::with(0..4).await;
    let mut rig = started(device.port, &json!({}), on_units(&[1, 2]));
    rig.until("both", |seen| seen.good(0) > 2 && seen.good(1) > 2)
        .await;
    device.plc.lock().silent.insert(2);
    let is = |reason| {
        move |seen: &crate::rig::Seen| seen.devices.get(&1).is_some_and(|q| q.reason == reason)
    };
    rig.until("unit2 in doubt", is(Reason::Reconnecting)).await;
    rig.until("unit2 down", is(Reason::DeviceDown)).await;
    assert_eq!(rig.statistics.snapshot().errors["timeout"], 2);
    let before = rig.seen();
    rig.until("unit1 goes on", |seen| seen.good(0) > before.good(0) + 5)
        .await;
    assert_eq!(
        *device.accepted.lock(),
        3,
        "each timeout costs a connection"
    );
}

#[tokio::test]
async fn a_flood_of_gateway_exceptions_is_a_dead_unit() {
    let device = Device::with(0..4).await;
    device
        .plc
        .lock()
        .exceptions
        .insert(2, ExceptionCode::GatewayTargetDevice);
    let mut rig = started(device.port, &json!({}), on_units(&[1, 2]));
    rig.until("unit2 down", |seen| {
        seen.devices.get(&1).is_some_and(|q| !q.is_good())
    })
    .await;
    let before = rig.seen();
    rig.until("unit1 goes on", |seen| seen.good(0) > before.good(0) + 20)
        .await;
    assert!(
        device.reads(2).len() <= 2,
        "asked seldom: {}",
        device.reads(2).len()
    );
    assert_eq!(
        *device.accepted.lock(),
        1,
        "the gateway's connection is sound"
    );
}

#[tokio::test]
async fn if_no_unit_answers_the_session_is_lost() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.extend([1, 2]);
    let mut rig = started(device.port, &json!({}), on_units(&[1, 2]));
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "timeout");
    assert!(end.to_string().contains("none of its 2 units"), "{end}");
    let seen = rig.seen();
    assert_eq!(seen.online, 0);
    assert_eq!(seen.devices.len(), 2);
}

#[tokio::test]
async fn a_write_to_a_dead_unit_is_not_sent_and_costs_nobody_anything() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.insert(2);
    let mut endpoints = on_units(&[1, 2]);
    endpoints[1].access = mainstem_model::Access::ReadWrite;
    let mut rig = started(device.port, &json!({}), endpoints);
    rig.until("unit2 down", |seen| {
        seen.devices.get(&1).is_some_and(|q| !q.is_good())
    })
    .await;
    let begun = Instant::now();
    let answer = rig.written(1, Value::UInt(1)).await;
    assert!(
        matches!(answer, mainstem_adapter::WriteAnswer::NotSent { .. }),
        "{answer:?}"
    );
    assert!(begun.elapsed() < PATIENCE / 10);
}

//! How soon silence is told (G2), and what is read again afterwards.

use std::time::{Duration, Instant};

use mainstem_adapter::conformance::{Observed, Rig as Runner};
use mainstem_adapter::{AdapterSpec, EndpointSpec};
use mainstem_adapter_modbus::KIND;
use mainstem_device::{DEFAULT_UNIT, ModbusDevice, SharedPlant};
use mainstem_model::{Access, Reason};
use serde_json::json;

use crate::device::Device;
use crate::rig::{PATIENCE, Seen, endpoint, read, started};

const SOCKET_TIMEOUT: Duration = Duration::from_millis(1000);
const INTERVAL: Duration = Duration::from_millis(200);
/// What a loaded machine may add; less than one more time-out.
const SLACK: Duration = Duration::from_millis(600);

fn on_unit(unit: u8) -> EndpointSpec {
    read(json!({ "fc": 3, "address": 0, "unitId": unit, "interval": 200 }))
}

fn is_uncertain(seen: &Seen, device: usize) -> bool {
    seen.devices
        .get(&device)
        .is_some_and(|quality| !quality.is_good())
}

#[tokio::test]
async fn a_frozen_device_is_uncertain_one_timeout_after_its_next_poll() {
    let plant = SharedPlant::new(7);
    let device = ModbusDevice::start("127.0.0.1:0".parse().unwrap(), plant).await;
    let device = device.unwrap();
    let spec = AdapterSpec {
        name: "plc".into(),
        connection: json!({
            "host": "127.0.0.1", "port": device.address().port(), "socketTimeout": 1000,
        }),
        endpoints: vec![
            EndpointSpec {
                name: "fast".into(),
                ..endpoint(
                    Access::Read,
                    json!({ "fc": 4, "address": 0, "interval": 200 }),
                )
            },
            EndpointSpec {
                name: "slow".into(),
                ..endpoint(
                    Access::Read,
                    json!({ "fc": 4, "address": 6, "interval": 600_000 }),
                )
            },
        ],
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    };
    let runner = Runner::start(KIND, spec);
    let all = |wanted: bool| {
        move |seen: &Observed| {
            let is_so = |name| {
                let quality = seen.quality(seen.find(name)?)?;
                (quality.is_good() == wanted).then_some(())
            };
            is_so("fast").and_then(|()| is_so("slow"))
        }
    };
    runner.witness.until("good", PATIENCE, all(true)).await;
    // The last answer is not later than this.
    device.faults().freeze_unit(DEFAULT_UNIT);
    let frozen = Instant::now();
    runner
        .witness
        .until("uncertain", PATIENCE, all(false))
        .await;
    let after = frozen.elapsed();
    assert!(after <= INTERVAL + SOCKET_TIMEOUT + SLACK, "{after:?}");
    let reason = |seen: &Observed| {
        seen.quality(seen.find("slow")?)
            .map(|quality| quality.reason)
    };
    assert_eq!(
        reason(&runner.witness.observed()),
        Some(Reason::Reconnecting)
    );
    device.faults().thaw_unit(DEFAULT_UNIT);
    // What is read every ten minutes is read again at once.
    runner
        .witness
        .until("good again", PATIENCE, all(true))
        .await;
    runner.runner.stop().await;
    device.stop().await;
}

#[tokio::test]
async fn a_silent_unit_is_uncertain_at_once_and_the_others_are_not() {
    let device = Device::with(0..4).await;
    let options = json!({ "socketTimeout": 1000 });
    let mut rig = started(device.port, &options, vec![on_unit(1), on_unit(2)]);
    rig.until("both", |seen| seen.good(0) > 1 && seen.good(1) > 1)
        .await;
    device.plc.lock().silent.insert(2);
    let frozen = Instant::now();
    let seen = rig.until("unit2", |seen| is_uncertain(seen, 1)).await;
    let after = frozen.elapsed();
    assert!(after <= INTERVAL + SOCKET_TIMEOUT + SLACK, "{after:?}");
    assert_eq!(seen.devices[&1].reason, Reason::Reconnecting);
    let seen = rig
        .until("unit2 down", |seen| {
            seen.devices[&1].reason == Reason::DeviceDown
        })
        .await;
    assert!(!is_uncertain(&seen, 0), "unit 1 has answered all the time");
    device.plc.lock().silent.clear();
    rig.until("unit2 back", |seen| !is_uncertain(seen, 1)).await;
}

#[tokio::test]
async fn a_gateway_that_freezes_makes_all_its_units_uncertain() {
    let device = Device::with(0..4).await;
    let options = json!({ "socketTimeout": 1000 });
    let units = [1, 2, 3, 4, 5];
    let mut rig = started(device.port, &options, units.map(on_unit).into());
    rig.until("all", |seen| (0..5).all(|point| seen.good(point) > 1))
        .await;
    device.plc.lock().silent.extend(units);
    let frozen = Instant::now();
    rig.until("all uncertain", |seen| {
        (0..5).all(|device| is_uncertain(seen, device))
    })
    .await;
    // One unit may be silent twice before another one is asked; without the conclusion from two
    // units to the gateway it would take nine time-outs.
    let after = frozen.elapsed();
    assert!(after <= INTERVAL + SOCKET_TIMEOUT * 3 + SLACK, "{after:?}");
}

#[tokio::test]
async fn after_one_lost_answer_everything_of_the_unit_is_read_again() {
    let device = Device::with(0..30).await;
    let endpoints = vec![
        read(json!({ "fc": 3, "address": 0 })),
        read(json!({ "fc": 3, "address": 20, "interval": 600_000 })),
        read(json!({ "fc": 3, "address": 99 })),
    ];
    let mut rig = started(device.port, &json!({}), endpoints);
    let settled = |seen: &Seen| {
        let reason = |point| seen.reason(point);
        let is_good = reason(0) == Some(Reason::Ok) && reason(1) == Some(Reason::Ok);
        is_good && reason(2) == Some(Reason::BadAddress)
    };
    rig.until("settled", settled).await;
    device.plc.lock().silent.insert(1);
    let seen = rig
        .until("doubt", |seen| seen.reason(1) == Some(Reason::Reconnecting))
        .await;
    assert_eq!(seen.reason(0), Some(Reason::Reconnecting));
    assert_eq!(seen.reason(2), Some(Reason::BadAddress), "bad stays bad");
    device.plc.lock().silent.clear();
    let seen = rig.until("settled again", settled).await;
    assert_eq!(seen.online, 1, "one session all the time");
    assert_eq!(rig.statistics.snapshot().errors["timeout"], 1);
}

#[tokio::test]
async fn the_timeout_that_ends_the_session_is_left_to_the_runner_to_count() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.insert(1);
    let endpoints = vec![read(json!({ "fc": 3, "address": 0 }))];
    let mut rig = started(device.port, &json!({}), endpoints);
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
    assert_eq!(rig.statistics.snapshot().errors.get("timeout"), None);
}

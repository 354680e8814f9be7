//! Several connections to one gateway, and registers that are read alone.

use mainstem_adapter::{EndpointSpec, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::device::Device;
use crate::rig::{endpoint, eventually, read, started};

fn on_units(units: impl IntoIterator<Item = u8>) -> Vec<EndpointSpec> {
    let operation = |unit| json!({ "fc": 3, "address": 0, "unitId": unit });
    let endpoint = |unit| endpoint(Access::ReadWrite, operation(unit));
    units.into_iter().map(endpoint).collect()
}

#[tokio::test]
async fn units_are_spread_over_connections_and_a_silent_one_holds_up_its_own_only() {
    let device = Device::with(0..4).await;
    let options = json!({ "maxConnections": 3, "socketTimeout": 3000 });
    let mut rig = started(device.port, &options, on_units(1..=6));
    rig.until("all", |seen| (0..6).all(|point| seen.good(point) > 2))
        .await;
    assert_eq!(*device.accepted.lock(), 3);
    assert_eq!(rig.seen().online, 1, "one session");
    // Unit 1 shares its connection with unit 4. While it holds that up for its time-out, the
    // others are polled as if nothing were.
    device.plc.lock().silent.insert(1);
    device.forget();
    eventually("unit 1 is asked", || !device.reads(1).is_empty()).await;
    let (before, asked) = (rig.seen(), device.reads(4).len());
    rig.until("the others", |seen| {
        [1, 2, 4, 5]
            .iter()
            .all(|&point| seen.good(point) > before.good(point) + 20)
    })
    .await;
    assert!(
        device.reads(4).len() <= asked + 1,
        "unit 4 waits for unit 1"
    );
    let down = |seen: &crate::rig::Seen| {
        seen.devices
            .get(&0)
            .is_some_and(|quality| quality.reason == Reason::DeviceDown)
    };
    let seen = rig.until("unit 1 is down", down).await;
    let before = seen.good(3);
    rig.until("unit 4 goes on", |seen| seen.good(3) > before + 3)
        .await;
    rig.stopped().await;
}

#[tokio::test]
async fn writes_find_the_connection_of_their_unit() {
    let device = Device::with(0..4).await;
    let mut rig = started(
        device.port,
        &json!({ "maxConnections": 8 }),
        on_units(1..=5),
    );
    rig.until("all", |seen| (0..5).all(|point| seen.good(point) > 1))
        .await;
    for point in 0..5 {
        let answer = rig
            .written(point, Value::UInt(u64::from(point) + 100))
            .await;
        assert_eq!(answer, WriteAnswer::Applied { verified: true });
    }
    let written: Vec<u8> = {
        let plc = device.plc.lock();
        let writes = plc.requests.iter().filter(|(_, request)| {
            matches!(request, tokio_modbus::Request::WriteSingleRegister(..))
        });
        writes.map(|(unit, _)| *unit).collect()
    };
    assert_eq!(written, [1, 2, 3, 4, 5]);
    assert_eq!(
        *device.accepted.lock(),
        5,
        "never more connections than units"
    );
    rig.stopped().await;
}

#[tokio::test]
async fn a_connection_whose_units_are_all_down_ends_nothing_and_they_come_back() {
    let device = Device::with(0..4).await;
    device.plc.lock().silent.extend([2, 4]);
    let options = json!({ "maxConnections": 2, "socketTimeout": 100 });
    let mut rig = started(device.port, &options, on_units(1..=4));
    let are_down = |seen: &crate::rig::Seen| {
        [1, 3]
            .iter()
            .all(|device| seen.devices.get(device).is_some_and(|q| !q.is_good()))
    };
    rig.until("both down", are_down).await;
    let before = rig.seen();
    rig.until("the others go on", |seen| {
        seen.good(0) > before.good(0) + 20
    })
    .await;
    assert_eq!(rig.seen().online, 1);
    device.plc.lock().silent.clear();
    rig.until("both back", |seen| seen.good(1) > 0 && seen.good(3) > 0)
        .await;
    // If nobody answers any more, the session is lost.
    device.plc.lock().silent.extend([1, 2, 3, 4]);
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "timeout");
    assert!(end.to_string().contains("none of its 4 units"), "{end}");
}

#[tokio::test]
async fn registers_that_are_not_to_be_merged_are_read_alone() {
    let device = Device::with(0..20).await;
    let mut endpoints: Vec<_> = (0..6)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    endpoints[2] = read(json!({ "fc": 3, "address": 2, "noMerge": true }));
    endpoints[3] = read(json!({ "fc": 3, "address": 3, "noMerge": true }));
    let options = json!({ "maxGap": 0 });
    let mut rig = started(device.port, &options, endpoints);
    rig.until("all", |seen| (0..6).all(|point| seen.good(point) > 1))
        .await;
    let mut asked = device.reads(1);
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, [(0, 2), (2, 1), (3, 1), (4, 2)]);
    rig.stopped().await;
}

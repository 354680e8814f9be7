//! What is asked for in how many requests, and what refusals do.

use mainstem_adapter::SessionEnd;
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::device::{Device, variable};
use crate::rig::{endpoint, read, started};

const ONCE: u64 = 600_000;

fn many(device: &Device) -> Vec<mainstem_adapter::EndpointSpec> {
    let mut memory = device.memory.lock();
    for at in 0..300u32 {
        let bytes = u16::try_from(at).unwrap().to_le_bytes();
        let found = variable(1000 + at * 2, 18, "UINT", &bytes);
        memory.symbols.insert(format!("GVL.n{at}"), found);
    }
    let names = (0..300).map(|at| json!({ "symbolName": format!("GVL.n{at}"), "interval": ONCE }));
    names.map(read).collect()
}

#[tokio::test]
async fn variables_share_requests() {
    let device = Device::start().await;
    let endpoints = many(&device);
    let mut rig = started(device.port(), &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| (0..300).all(|point| seen.good(point) == 1))
        .await;
    assert_eq!(seen.value(299), Some(&Value::UInt(299)));
    // The state, the count of changes, 300 names by fifty, 300 values by 250.
    assert_eq!(device.memory.lock().requests, 1 + 1 + 6 + 2);
}

#[tokio::test]
async fn a_device_without_requests_for_several_and_without_a_count_is_read_all_the_same() {
    let device = Device::start().await;
    {
        let mut memory = device.memory.lock();
        memory.unknown = vec![0xF080, 0xF082];
        memory.version = None;
    }
    let endpoints =
        ["MAIN.fSpeed", "MAIN.nSetpoint"].map(|name| read(json!({ "symbolName": name })));
    let mut rig = started(device.port(), &json!({}), endpoints.into());
    let seen = rig
        .until("both", |seen| seen.good(0) > 2 && seen.good(1) > 2)
        .await;
    assert_eq!(seen.value(1), Some(&Value::Int(100)));
    let options = json!({ "batchReadEnabled": false });
    let endpoints =
        ["MAIN.fSpeed", "MAIN.nSetpoint"].map(|name| read(json!({ "symbolName": name })));
    let mut rig = started(device.port(), &options, endpoints.into());
    rig.until("both", |seen| seen.good(0) > 2 && seen.good(1) > 2)
        .await;
}

#[tokio::test]
async fn each_refusal_has_its_reason_with_room_for_it_or_without() {
    for leaves_room in [true, false] {
        let device = Device::start().await;
        device.memory.lock().leaves_room = leaves_room;
        device.memory.lock().errors.insert((0x4040, 4), 0x704);
        let endpoints = vec![
            read(json!({ "symbolName": "MAIN.fSpeed" })),
            read(json!({ "symbolName": "MAIN.nSetpoint" })),
            read(json!({ "symbolName": "MAIN.stAll" })),
            read(json!({ "symbolName": "MAIN.stAll", "dataType": "raw", "length": 40 })),
            read(json!({ "symbolName": "MAIN.sName", "dataType": "STRING" })),
            read(json!({ "symbolName": "MAIN.sName", "dataType": "WSTRING" })),
            read(json!({ "indexGroup": 0x4040, "indexOffset": 0, "dataType": "real32" })),
        ];
        let mut rig = started(device.port(), &json!({}), endpoints);
        let seen = rig
            .until("all", |seen| {
                let is_good = [0, 3, 4, 6].iter().all(|point| seen.good(*point) > 1);
                is_good && [1, 2, 5].iter().all(|point| seen.reason(*point).is_some())
            })
            .await;
        assert_eq!(seen.reason(1), Some(Reason::DeviceError));
        assert_eq!(seen.reason(2), Some(Reason::BadType));
        assert_eq!(seen.reason(5), Some(Reason::BadType));
        assert_eq!(seen.value(4), Some(&Value::text("abc")));
        assert_eq!(seen.value(6), Some(&Value::F32(1.5)));
        assert_eq!(seen.value(3), Some(&Value::Bytes(vec![0; 40].into())));
    }
}

#[tokio::test]
async fn a_program_that_brings_a_missing_symbol_heals_it_at_once() {
    let device = Device::start().await;
    let endpoints = vec![
        read(json!({ "symbolName": "MAIN.fSpeed" })),
        read(json!({ "symbolName": "MAIN.nNew" })),
    ];
    let mut rig = started(device.port(), &json!({}), endpoints);
    rig.until("one", |seen| seen.good(0) > 1 && seen.reason(1).is_some())
        .await;
    {
        let mut memory = device.memory.lock();
        let new = variable(500, 2, "INT", &[9, 0]);
        memory.symbols.insert("MAIN.nNew".into(), new);
        memory.version = Some(2);
    }
    let seen = rig.until("the new one", |seen| seen.good(1) > 0).await;
    assert_eq!(seen.value(1), Some(&Value::Int(9)));
}

#[tokio::test]
async fn what_is_wrong_on_the_way_says_what_to_do() {
    let device = Device::start().await;
    let endpoints = || vec![read(json!({ "symbolName": "MAIN.fSpeed" }))];
    device.memory.lock().no_route = true;
    let mut rig = started(device.port(), &json!({}), endpoints());
    let Err(SessionEnd::Refused { code, message, .. }) = rig.ended().await else {
        panic!("it was let in");
    };
    assert_eq!(code, "route_missing");
    let advice = "add a route for AMS Net Id 127.0.0.1.1.1 to this machine (127.0.0.1)";
    assert!(message.contains(advice), "{message}");
    device.memory.lock().no_route = false;
    for (error, expected) in [(6, "no_ams_port"), (7, "no_net_id"), (0x1D, "ams_error")] {
        device.memory.lock().astray = error;
        let mut rig = started(device.port(), &json!({}), endpoints());
        assert_eq!(rig.ended().await.unwrap_err().code(), expected);
        assert_eq!(rig.seen().online, 0);
    }
    device.memory.lock().astray = 0;
    // And while it runs: somebody stops TwinCAT.
    let mut rig = started(device.port(), &json!({}), endpoints());
    rig.until("up", |seen| seen.good(0) > 0).await;
    device.memory.lock().astray = 6;
    assert_eq!(rig.ended().await.unwrap_err().code(), "no_ams_port");
}

#[tokio::test]
async fn a_plc_of_which_nothing_is_polled_has_to_give_signs_of_life() {
    let device = Device::start().await;
    let operation = json!({ "symbolName": "MAIN.nSetpoint", "dataType": "INT" });
    let options = json!({ "connectionCheckInterval": 100 });
    let endpoints = vec![endpoint(Access::Write, operation)];
    let mut rig = started(device.port(), &options, endpoints);
    rig.until("up", |seen| seen.online == 1).await;
    device.memory.lock().frozen = true;
    assert_eq!(rig.ended().await.unwrap_err().code(), "timeout");
}

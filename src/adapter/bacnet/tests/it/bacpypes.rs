//! The adapter against bacpypes3: every data type, priorities, routers, BBMDs and devices that can
//! do less.

use mainstem_adapter::{SessionEnd, WriteAnswer};
use mainstem_model::{Access, Quality, Reason, Value};
use serde_json::{Value as Json, json};

use crate::foreign::Foreign;
use crate::rig::{Rig, endpoint, read, started};

/// The value as the device's Python has it.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(on) => json!(on),
        Value::Int(number) => json!(number),
        Value::UInt(number) => json!(number),
        Value::F32(number) => json!(f64::from(*number)),
        Value::F64(number) => json!(number),
        Value::Text(text) => json!(text.as_ref()),
        Value::Bytes(bytes) => {
            json!(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        }
        Value::Time(moment) => json!(moment.micros()),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Json(text) => serde_json::from_str(text).unwrap(),
    }
}

fn operation(object: &str) -> Json {
    let (kind, instance) = object.split_once(',').unwrap();
    json!({ "objectType": kind, "objectInstance": instance.parse::<u32>().unwrap() })
}

/// Reads every object of a device with these options and compares.
async fn all_types(options: &[&str], connection: &Json) -> Option<Rig> {
    let foreign = Foreign::start(options).await?;
    let endpoints = foreign.entries.iter();
    let endpoints = endpoints.map(|entry| read(operation(entry["object"].as_str().unwrap())));
    let mut rig = started(foreign.port, connection, endpoints.collect());
    let count = u32::try_from(foreign.entries.len()).unwrap();
    assert!(count >= 16);
    let seen = rig
        .until("all", |seen| (0..count).all(|point| seen.good(point) > 1))
        .await;
    for (point, entry) in (0..count).zip(&foreign.entries) {
        let value = to_json(seen.value(point).unwrap());
        assert_eq!(value, entry["value"], "{}", entry["object"]);
    }
    rig.stopped().await;
    Some(rig)
}

#[tokio::test]
async fn every_data_type_arrives() {
    let Some(rig) = all_types(&[], &json!({})).await else {
        return;
    };
    // Sixteen objects with their flags fit into one request.
    assert_eq!(rig.statistics.snapshot().errors.get("no_answer"), None);
}

#[tokio::test]
async fn a_device_of_small_messages_that_cannot_divide_is_read_in_smaller_batches() {
    let options = ["--apdu", "128", "--no-segments"];
    all_types(&options, &json!({ "maxApdu": 128 })).await;
}

#[tokio::test]
async fn long_answers_come_in_pieces() {
    // The answer to one request for 16 objects is longer than 50 bytes by far.
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let list = json!({
        "objectType": "device", "objectInstance": 2101, "property": "object-list",
    });
    let name = json!({
        "objectType": "device", "objectInstance": 2101, "property": "object-name",
    });
    let mut rig = started(
        foreign.port,
        &json!({ "maxApdu": 50 }),
        vec![read(list.clone()), read(name.clone())],
    );
    let seen = rig
        .until("the list", |seen| seen.good(0) > 1 && seen.good(1) > 1)
        .await;
    let list_read = to_json(seen.value(0).unwrap());
    assert_eq!(
        list_read.as_array().unwrap().len(),
        foreign.entries.len() + 1
    );
    assert_eq!(list_read[1], "analog-input,1");
    assert_eq!(seen.value(1), Some(&Value::text("air handler")));
    rig.stopped().await;
    // Without pieces the same list cannot come at all, and its neighbour does.
    let options = json!({ "maxApdu": 50, "segmentation": "none" });
    let mut rig = started(foreign.port, &options, vec![read(list), read(name)]);
    let seen = rig
        .until("the name", |seen| {
            seen.good(1) > 1 && seen.reason(0) == Some(Reason::DeviceError)
        })
        .await;
    assert_eq!(seen.online, 1);
    let errors = rig.statistics.snapshot().errors;
    assert!(errors.contains_key("answer_too_long"), "{errors:?}");
    rig.stopped().await;
    assert_eq!(foreign.command("writes").await["writes"], 0);
}

#[tokio::test]
async fn what_is_missing_is_bad_and_says_so() {
    let Some(foreign) = Foreign::start(&[]).await else {
        return;
    };
    let endpoints = vec![
        read(operation("analog-input,99")),
        read(json!({ "objectType": 0, "objectInstance": 1, "property": "state-text" })),
        read(json!({ "objectType": "analogInput", "objectInstance": 1, "index": 3 })),
        read(operation("analog-input,1")),
        read(json!({
            "objectType": "analog-output", "objectInstance": 1,
            "property": "priority-array", "index": 8,
        })),
        read(json!({ "objectType": "device", "objectInstance": 2101, "property": "vendor-name" })),
    ];
    let mut rig = started(foreign.port, &json!({}), endpoints);
    let seen = rig
        .until("all", |seen| {
            let bad = |point| seen.reason(point) == Some(Reason::BadAddress);
            (0..3).all(bad) && (3..6).all(|point| seen.good(point) > 0)
        })
        .await;
    assert_eq!(to_json(seen.value(4).unwrap()), Json::Null);
    assert_eq!(seen.value(5), Some(&Value::text("mainstem tests")));
    assert_eq!(seen.online, 1);
    let errors = rig.statistics.snapshot().errors;
    for code in ["unknown_object", "unknown_property", "invalid_index"] {
        assert!(errors.contains_key(code), "{code}: {errors:?}");
    }
    rig.stopped().await;
}

#[tokio::test]
async fn writes_take_a_priority_and_give_it_up_again() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let output = |more: Json| {
        let mut operation = operation("analog-output,1");
        operation
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        operation
    };
    let endpoints = vec![
        endpoint(Access::ReadWrite, output(json!({ "priority": 8 }))),
        endpoint(
            Access::Write,
            output(json!({ "priority": 8, "relinquish": true })),
        ),
        endpoint(Access::ReadWrite, output(json!({ "priority": 12 }))),
        endpoint(Access::ReadWrite, operation("analog-input,1")),
    ];
    let mut rig = started(foreign.port, &json!({}), endpoints);
    rig.until("the value", |seen| seen.value(0) == Some(&Value::F32(18.0)))
        .await;
    let answer = rig.written(0, Value::F64(23.5)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    let slots = foreign.command("priorities analog-output,1").await;
    assert_eq!(
        (&slots["slots"][7], &slots["slots"][11]),
        (&json!(23.5), &Json::Null)
    );
    // A lower priority is taken, and the higher one still holds.
    let answer = rig.written(2, Value::F64(5.0)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: false });
    let answer = rig.written(1, Value::Bool(false)).await;
    assert!(matches!(answer, WriteAnswer::Refused { .. }), "{answer:?}");
    let answer = rig.written(1, Value::Bool(true)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: false });
    rig.until("priority 12", |seen| {
        seen.value(0) == Some(&Value::F32(5.0))
    })
    .await;
    let slots = foreign.command("priorities analog-output,1").await;
    assert_eq!(
        (&slots["slots"][7], &slots["slots"][11]),
        (&Json::Null, &json!(5.0))
    );
    assert_eq!(foreign.command("writes").await["writes"], 3);
    rig.stopped().await;
}

#[tokio::test]
async fn every_type_is_written() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let moment = 1_772_323_198_250_000;
    let rows = [
        ("analog-value,1", Value::F64(-3.5), "-3.5"),
        ("binary-output,1", Value::Bool(true), "1"),
        ("multi-state-value,1", Value::UInt(4), "4"),
        ("integer-value,1", Value::Int(-77), "-77"),
        ("positive-integer-value,1", Value::UInt(77), "77"),
        ("large-analog-value,1", Value::F64(2.5), "2.5"),
        ("characterstring-value,1", Value::text("Grüße"), "Grüße"),
        ("date-value,1", Value::text("2027-01-31"), "2027-1-31"),
        ("time-value,1", Value::text("06:07:08"), "06:07:08.00"),
    ];
    let endpoints = rows.iter();
    let endpoints = endpoints.map(|(object, ..)| endpoint(Access::ReadWrite, operation(object)));
    let mut endpoints: Vec<_> = endpoints.collect();
    endpoints.push(endpoint(Access::ReadWrite, operation("datetime-value,1")));
    let mut rig = started(foreign.port, &json!({}), endpoints);
    rig.until("online", |seen| seen.online == 1).await;
    for (point, (object, value, held)) in (0..).zip(&rows) {
        let answer = rig.written(point, value.clone()).await;
        assert!(
            matches!(answer, WriteAnswer::Applied { .. }),
            "{object}: {answer:?}"
        );
        let holds = foreign
            .command(&format!("get {object} present-value"))
            .await;
        let holds = holds["value"]
            .as_str()
            .map_or_else(|| holds["value"].to_string(), str::to_owned);
        assert!(holds.starts_with(held), "{object}: {holds}");
    }
    let point = u32::try_from(rows.len()).unwrap();
    let at = mainstem_model::Timestamp::from_micros(moment + 86_400_000_000);
    let answer = rig.written(point, Value::Time(at)).await;
    assert!(matches!(answer, WriteAnswer::Applied { .. }), "{answer:?}");
    rig.until("the moment", |seen| {
        seen.value(point) == Some(&Value::Time(at))
    })
    .await;
    rig.stopped().await;
}

#[tokio::test]
async fn status_flags_decide_on_the_quality() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let mut rig = started(
        foreign.port,
        &json!({}),
        vec![read(operation("analog-input,1"))],
    );
    rig.until("good", |seen| seen.good(0) > 0).await;
    // bacpypes3 works its flags out of these.
    let rows = [
        ("reliability 'over-range'", Reason::DeviceError),
        ("out-of-service True", Reason::DeviceError),
        ("reliability 'no-fault-detected'", Reason::OutOfService),
        ("out-of-service False", Reason::Ok),
    ];
    for (flags, reason) in rows {
        foreign
            .command(&format!("set analog-input,1 {flags}"))
            .await;
        let seen = rig
            .until(flags, |seen| seen.reason(0) == Some(reason))
            .await;
        assert_eq!(
            seen.value(0),
            Some(&Value::F32(-21.75)),
            "the value stays visible"
        );
        assert_eq!(seen.latest[&0].quality, Quality::of(reason));
    }
    rig.stopped().await;
}

#[tokio::test]
async fn a_device_behind_a_router_is_reached_and_found() {
    let known = json!({ "network": 2001, "mac": "0a" });
    all_types(&["--router"], &known).await;
    // Without its address there it is asked for.
    all_types(&["--router"], &json!({ "network": 2001 })).await;
}

#[tokio::test]
async fn a_bbmd_takes_a_foreign_device_and_finds_one() {
    let Some(foreign) = Foreign::start(&["--bbmd"]).await else {
        return;
    };
    let options = json!({
        "deviceAddress": null, "bbmd": format!("127.0.0.1:{}", foreign.port),
        "bbmdLifetimeSeconds": 60,
    });
    let mut rig = started(
        foreign.port,
        &options,
        vec![read(operation("analog-input,1"))],
    );
    rig.until("good", |seen| seen.good(0) > 1).await;
    rig.stopped().await;
}

#[tokio::test]
async fn another_device_at_the_address_is_not_taken_for_the_right_one() {
    let Some(foreign) = Foreign::start(&[]).await else {
        return;
    };
    let options = json!({ "deviceInstance": 7 });
    let endpoints = vec![read(operation("analog-input,1"))];
    let mut rig = started(foreign.port, &options, endpoints.clone());
    let end = rig.ended().await.unwrap_err();
    assert!(
        matches!(&end, SessionEnd::Refused { code: "wrong_device", message, .. }
        if message.contains("device 2101")),
        "{end:?}"
    );
    // Whoever answers is right where nobody is named.
    let options = json!({ "deviceInstance": 4_194_303 });
    let mut rig = started(foreign.port, &options, endpoints);
    rig.until("good", |seen| seen.good(0) > 0).await;
    rig.stopped().await;
}

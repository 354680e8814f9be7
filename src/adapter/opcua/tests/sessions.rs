//! Sessions without security.

use std::collections::BTreeSet;
use std::time::Duration;

use mainstem_adapter::{Reading, SessionEnd, WriteAnswer};
use mainstem_model::{Access, Quality, Reason, Timestamp, Value};
use opcua::types::{DataValue, DateTime, StatusCode, Variant};
use serde_json::json;
use tempfile::TempDir;

use super::harness::{Recorder, Session, built, endpoint, subscribed};
use super::server::{NAMESPACE, TestServer};
use crate::KIND;

struct Setting {
    folder: TempDir,
    server: TestServer,
}

async fn setting() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::open(folder.path(), 0).await;
    Setting { folder, server }
}

impl Setting {
    fn start(&self, endpoints: Vec<mainstem_adapter::EndpointSpec>) -> Session {
        let connection = json!({ "host": "127.0.0.1", "port": self.server.port });
        Session::start(built(&KIND, self.folder.path(), connection, endpoints).adapter)
    }
}

#[tokio::test]
async fn values_arrive_by_subscription_in_the_declared_type() {
    let here = setting().await;
    let session = here.start(vec![
        subscribed("double", "f64", &here.server.node("double")),
        subscribed("wide", "i64", &here.server.node("int16")),
        subscribed("counter", "u64", &here.server.node("uint64")),
        subscribed("text", "text", &here.server.node("text")),
        subscribed("floats", "f32[]", &here.server.node("floats")),
        subscribed("by_uri", "bool", &format!("nsu={NAMESPACE};s=flag")),
    ]);
    session.until_value(0, Value::F64(1.5)).await;
    session.until_value(1, Value::Int(-7)).await;
    session.until_value(2, Value::UInt(u64::MAX)).await;
    session.until_value(3, Value::text("hello")).await;
    session
        .until_value(4, Value::Array([Value::F32(1.0), Value::F32(2.0)].into()))
        .await;
    session.until_value(5, Value::Bool(true)).await;

    let (_, ended) = session.stop().await;
    assert_eq!(ended, Ok(()));
    here.server.stop().await;
}

#[tokio::test]
async fn status_and_stamp_of_the_server_are_passed_on() {
    let here = setting().await;
    let stamp = DateTime::from((2026u16, 11u16, 20u16, 8u16, 15u16, 30u16));
    here.server.serve(
        "double",
        DataValue {
            value: Some(Variant::Double(f64::NAN)),
            status: Some(StatusCode::UncertainEngineeringUnitsExceeded),
            source_timestamp: Some(stamp),
            ..DataValue::null()
        },
    );
    here.server.serve(
        "int16",
        DataValue {
            value: Some(Variant::Int16(3)),
            status: Some(StatusCode::BadSensorFailure),
            source_timestamp: Some(DateTime::null()),
            ..DataValue::null()
        },
    );
    let polled = json!({ "nodeId": here.server.node("int16"), "interval": 50 });
    let session = here.start(vec![
        subscribed("double", "f64", &here.server.node("double")),
        endpoint("int16", "i16", Access::Read, polled),
    ]);
    let reading = session.until_value(0, Value::F64(f64::NAN)).await;
    assert_eq!(reading.quality, Quality::of(Reason::UncertainRange));
    let moment: Timestamp = "2026-11-20T08:15:30Z".parse().unwrap();
    assert_eq!(reading.source_time, Some(moment));
    let reading = session.until_reason(1, Reason::DeviceError).await;
    assert_eq!((reading.value, reading.source_time), (None, None));
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn one_wrong_node_is_one_bad_datapoint() {
    let here = setting().await;
    let session = here.start(vec![
        subscribed("missing", "f64", &here.server.node("nothing_here")),
        subscribed("double", "f64", &here.server.node("double")),
        subscribed("no_namespace", "f64", "nsu=urn:nowhere;s=double"),
        subscribed("mistyped", "bool", &here.server.node("double")),
        endpoint(
            "missing_read",
            "f64",
            Access::Read,
            json!({ "nodeId": here.server.node("nothing_here"), "interval": 50 }),
        ),
    ]);
    session.until_value(1, Value::F64(1.5)).await;
    for (point, reason) in [
        (0, Reason::BadAddress),
        (2, Reason::BadAddress),
        (3, Reason::BadType),
        (4, Reason::BadAddress),
    ] {
        assert_eq!(session.until_reason(point, reason).await.value, None);
    }
    let errors = session.statistics.snapshot().errors;
    assert!(errors.contains_key("bad_type_Double"), "{errors:?}");
    assert!(errors.contains_key("BadNodeIdUnknown"), "{errors:?}");
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn endpoints_with_an_interval_are_read() {
    let here = setting().await;
    let read = |name: &str, value_type: &str| {
        let operation = json!({ "nodeId": here.server.node(name), "interval": 20 });
        endpoint(name, value_type, Access::Read, operation)
    };
    let session = here.start(vec![read("double", "f64"), read("int16", "i16")]);
    session.until_value(0, Value::F64(1.5)).await;
    session.until_value(1, Value::Int(-7)).await;
    here.server.set("int16", Variant::Int16(8).into());
    session.until_value(1, Value::Int(8)).await;
    assert!(session.statistics.snapshot().requests >= 2);
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn writes_take_the_type_of_the_node_and_its_status_is_the_answer() {
    let here = setting().await;
    let session = here.start(vec![
        subscribed("double", "f64", &here.server.node("double")),
        subscribed("wide", "i64", &here.server.node("int16")),
        subscribed("text", "text", &here.server.node("text")),
        subscribed("floats", "f32[]", &here.server.node("floats")),
        subscribed("flag", "bool", &here.server.node("flag")),
        subscribed("missing", "f64", &here.server.node("nothing_here")),
        endpoint(
            "fixed",
            "f64",
            Access::Read,
            json!({ "nodeId": here.server.node("double") }),
        ),
    ]);
    session.until_online().await;
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(session.write(0, Value::F64(2.5)).await, applied);
    session.until_value(0, Value::F64(2.5)).await;
    assert_eq!(session.write(1, Value::Int(-300)).await, applied);
    assert_eq!(here.server.value("int16"), Variant::Int16(-300));
    let floats = Value::Array([Value::F32(4.5)].into());
    assert_eq!(session.write(3, floats.clone()).await, applied);
    session.until_value(3, floats).await;

    let code = |answer| match answer {
        WriteAnswer::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    };
    // Does not fit into 16 bits: the device is not even asked.
    assert_eq!(
        code(session.write(1, Value::Int(40_000)).await),
        "BadTypeMismatch"
    );
    assert_eq!(here.server.value("int16"), Variant::Int16(-300));
    assert_eq!(
        code(session.write(2, Value::Bool(true)).await),
        "BadTypeMismatch"
    );
    assert_eq!(
        code(session.write(5, Value::F64(1.0)).await),
        "BadNodeIdUnknown"
    );
    assert_eq!(
        code(session.write(6, Value::F64(1.0)).await),
        "BadNotWritable"
    );
    here.server.answer_writes("flag", StatusCode::BadOutOfRange);
    assert_eq!(
        code(session.write(4, Value::Bool(false)).await),
        "BadOutOfRange"
    );
    let late = session
        .write_within(0, Value::F64(9.0), Duration::ZERO)
        .await;
    assert!(matches!(late, WriteAnswer::NotSent { .. }), "{late:?}");
    assert_eq!(here.server.value("double"), Variant::Double(2.5));
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_is_lost_and_one_that_comes_back_is_found() {
    let here = setting().await;
    let session = here.start(vec![subscribed(
        "double",
        "f64",
        &here.server.node("double"),
    )]);
    session.until_value(0, Value::F64(1.5)).await;
    let port = here.server.port;
    here.server.stop().await;
    let (adapter, ended) = session.end().await;
    assert!(matches!(ended, Err(SessionEnd::Lost { .. })), "{ended:?}");

    let session = Session::start(adapter);
    let (adapter, ended) = session.end().await;
    assert_eq!(ended.unwrap_err().code(), "connection_refused");

    let server = TestServer::open(here.folder.path(), port).await;
    let session = Session::start(adapter);
    session.until_value(0, Value::F64(1.5)).await;
    session.stop().await.1.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_into_one_request_is_cut_and_what_the_server_refuses_is_bad() {
    // More than two requests of each kind, and more than this server monitors in a subscription.
    const NODES: u32 = 1_201;
    const MONITORED: usize = 1_000;
    let here = setting().await;
    here.server.set("double", Variant::Double(7.0).into());
    let node = here.server.node("double");
    let polled = json!({ "nodeId": node, "interval": 200 });
    let endpoints = (0..2 * NODES)
        .map(|number| match number % 2 {
            0 => subscribed(&format!("s{number}"), "f64", &node),
            _ => endpoint(&format!("p{number}"), "f64", Access::Read, polled.clone()),
        })
        .collect();
    let session = here.start(endpoints);
    let points = |recorder: &Recorder, wanted: &dyn Fn(&Reading) -> bool| {
        let all = recorder.all();
        all.iter()
            .filter(|reading| wanted(reading))
            .map(|reading| reading.point)
            .collect::<BTreeSet<_>>()
    };
    let seven = |reading: &Reading| reading.value == Some(Value::F64(7.0));
    let refused = |reading: &Reading| reading.quality.reason == Reason::BadSource;
    session
        .until("all have an answer", |recorder| {
            let fits = points(recorder, &seven).len() == NODES as usize + MONITORED
                && points(recorder, &refused).len() == NODES as usize - MONITORED;
            fits.then_some(())
        })
        .await;
    let errors = session.statistics.snapshot().errors;
    assert_eq!(
        errors.get("BadTooManyMonitoredItems"),
        Some(&201),
        "{errors:?}"
    );
    session.stop().await.1.unwrap();
}

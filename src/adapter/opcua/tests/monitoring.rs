//! What is asked of monitored items and of parts of arrays, and values that no server should send.

use mainstem_adapter::{EndpointSpec, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use opcua::types::{
    Array, ByteStringBody, DataValue, DateTime, ExtensionObject, NodeId, Variant,
    VariantScalarTypeId as Type,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::harness::{Session, built, endpoint, subscribed};
use super::server::TestServer;
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
    fn start(&self, endpoints: Vec<EndpointSpec>) -> Session {
        let connection = json!({
            "host": "127.0.0.1", "port": self.server.port, "securityPolicy": "None",
        });
        Session::start(built(&KIND, self.folder.path(), connection, endpoints).adapter)
    }

    fn point(&self, declared: &str, name: &str, mut options: Json) -> EndpointSpec {
        options["nodeId"] = self.server.node(name).into();
        if options.get("interval").is_none() {
            options["publishInterval"] = 50.into();
        }
        endpoint(name, declared, Access::ReadWrite, options)
    }
}

#[tokio::test]
async fn a_part_of_an_array_is_read_subscribed_and_written() {
    let here = setting().await;
    // This stack's own server cuts a part out of the part when it is subscribed.
    let second = json!({ "indexRange": "1", "interval": 50 });
    let session = here.start(vec![
        here.point("f32", "floats", second.clone()),
        here.point(
            "f32[]",
            "floats",
            json!({ "indexRange": "0:1", "interval": 50 }),
        ),
        here.point("f32[]", "floats", json!({})),
        here.point(
            "f32[]",
            "floats",
            json!({ "indexRange": "7:9", "interval": 50 }),
        ),
    ]);
    session.until_value(0, Value::F32(2.0)).await;
    let floats = |values: &[f32]| Value::Array(values.iter().map(|v| Value::F32(*v)).collect());
    session.until_value(1, floats(&[1.0, 2.0])).await;
    session.until_value(2, floats(&[1.0, 2.0])).await;
    session.until_reason(3, Reason::BadAddress).await;
    let applied = WriteAnswer::Applied { verified: true };
    assert_eq!(session.write(0, Value::F32(5.0)).await, applied);
    session.until_value(2, floats(&[1.0, 5.0])).await;
    assert_eq!(session.write(1, floats(&[8.0, 9.0])).await, applied);
    session.until_value(0, Value::F32(9.0)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_deadband_keeps_small_changes_back() {
    let here = setting().await;
    let session = here.start(vec![
        here.point("f64", "double", json!({ "deadband": 1.0 })),
        here.point("f64", "double", json!({})),
        endpoint(
            "name",
            "text",
            Access::Read,
            json!({ "nodeId": here.server.node("double"), "attributeId": 4, "interval": 50 }),
        ),
        here.point(
            "f64",
            "double",
            json!({ "trigger": "StatusValueTimestamp" }),
        ),
    ]);
    session.until_value(0, Value::F64(1.5)).await;
    session.until_value(1, Value::F64(1.5)).await;
    session.until_value(2, Value::text("double")).await;
    for value in [2.0, 2.25, 3.0] {
        here.server
            .set("double", DataValue::new_now(Variant::Double(value)));
        session.until_value(1, Value::F64(value)).await;
        session.until_value(3, Value::F64(value)).await;
    }
    session.until_value(0, Value::F64(3.0)).await;
    let all = session.recorder.all();
    let banded = all.iter().filter(|reading| reading.point.0 == 0);
    let banded: Vec<_> = banded.filter_map(|reading| reading.value.clone()).collect();
    assert_eq!(banded, [Value::F64(1.5), Value::F64(3.0)]);
    session.stop().await.1.unwrap();
}

fn structure(id: u32, bytes: &[u8]) -> Variant {
    let body = ByteStringBody::new(bytes.to_vec().into(), NodeId::new(0, id));
    Variant::ExtensionObject(ExtensionObject::new(body))
}

#[tokio::test]
async fn values_that_no_server_should_send_harm_their_own_point_only() {
    let here = setting().await;
    let ones = Array::new_multi(Type::Int32, vec![Variant::Int32(1)], vec![1; 5000]).unwrap();
    // A body that says of itself what it is not: an Argument of one byte, and a notification.
    for (found, declared, reason) in [
        (structure(298, &[1]), "json", Reason::Ok),
        (structure(811, &[0xFF; 40]), "json", Reason::Ok),
        (structure(4_000_000_000, &[]), "json", Reason::Ok),
        (Variant::Array(Box::new(ones)), "json", Reason::BadType),
        (Variant::Double(f64::NAN), "json", Reason::Ok),
        (Variant::from(DateTime::from(i64::MAX)), "json", Reason::Ok),
        (Variant::from(DateTime::from(i64::MIN)), "time", Reason::Ok),
        (
            Variant::from(DateTime::from(i64::MIN)),
            "f64",
            Reason::BadType,
        ),
    ] {
        let shown = format!("{found:?}");
        let wrong = DataValue {
            source_timestamp: None,
            ..DataValue::new_now(found)
        };
        here.server.serve("double", wrong);
        let session = here.start(vec![
            here.point(declared, "double", json!({ "interval": 50 })),
            subscribed("flag", "bool", &here.server.node("flag")),
        ]);
        session.until_value(1, Value::Bool(true)).await;
        session.until_reason(0, reason).await;
        assert_eq!(
            session.write(1, Value::Bool(true)).await,
            WriteAnswer::Applied { verified: true },
            "{shown}"
        );
        session.stop().await.1.unwrap();
    }
}

#[tokio::test]
async fn values_within_values_end_the_session_and_nothing_else() {
    let here = setting().await;
    let deep = (0..50).fold(Variant::Int32(1), |inner, _| {
        Variant::Variant(Box::new(inner))
    });
    here.server.serve("double", DataValue::new_now(deep));
    let session = here.start(vec![here.point(
        "json",
        "double",
        json!({ "interval": 50 }),
    )]);
    let (adapter, ended) = session.end().await;
    assert!(
        matches!(ended, Err(mainstem_adapter::SessionEnd::Lost { .. })),
        "{ended:?}"
    );
    here.server
        .serve("double", DataValue::new_now(Variant::Double(2.5)));
    let session = Session::start(adapter);
    session.until_value(0, Value::Json("2.5".into())).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn thousands_of_items_are_made_in_pieces_and_a_bad_one_is_one() {
    let here = setting().await;
    let endpoints = (0..900).map(|index| match index % 400 {
        7 => subscribed("missing", "f64", &here.server.node("nothing_here")),
        _ => subscribed("double", "f64", &here.server.node("double")),
    });
    let session = here.start(endpoints.collect());
    for point in [0, 6, 8, 499, 500, 501, 899] {
        session.until_value(point, Value::F64(1.5)).await;
    }
    for point in [7, 407, 807] {
        session.until_reason(point, Reason::BadAddress).await;
    }
    assert_eq!(
        session.statistics.snapshot().errors.get("BadNodeIdUnknown"),
        Some(&3)
    );
    session.stop().await.1.unwrap();
}

//! Structures, matrices, methods, events and browse paths of the kind `opcua`, against values that
//! a foreign server (asyncua) made. Needs MAINSTEM_PYTHON: a Python that has it.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the runtime of each test owns its tasks"
)]

use mainstem_adapter::conformance::Program;
use mainstem_adapter::{EndpointSpec, WriteAnswer};
use mainstem_adapter_opcua::KIND;
use mainstem_model::{Access, Reason, Value};
use serde_json::{Value as Json, json};

#[allow(
    dead_code,
    reason = "shared with the crate's own tests, which use all of it"
)]
#[path = "../../src/adapter/opcua/tests/harness.rs"]
mod harness;

use harness::{Session, built, endpoint};

const WHAT: &str = "OPC UA structures, methods and events against asyncua";

async fn foreign() -> Option<Program> {
    Program::start(WHAT, "opcua_data_server.py", &["0"]).await
}

fn node(name: &str) -> String {
    format!("nsu=urn:mainstem:data;s={name}")
}

/// An endpoint of a variable with more options.
fn variable(name: &str, declared: &str, mut options: Json) -> EndpointSpec {
    options["nodeId"] = node(name).into();
    options["publishInterval"] = 50.into();
    endpoint(name, declared, Access::ReadWrite, options)
}

fn method(name: &str, declared: &str, access: Access) -> EndpointSpec {
    let options = json!({ "nodeId": node(name), "nodeType": "Method" });
    endpoint(name, declared, access, options)
}

fn connect(server: &Program, folder: &tempfile::TempDir, endpoints: Vec<EndpointSpec>) -> Session {
    connect_with(
        server,
        folder,
        json!({ "securityPolicy": "None" }),
        endpoints,
    )
}

fn connect_with(
    server: &Program,
    folder: &tempfile::TempDir,
    mut options: Json,
    endpoints: Vec<EndpointSpec>,
) -> Session {
    options["endpointUrl"] = server.first["url"].clone();
    Session::start(built(&KIND, folder.path(), options, endpoints).adapter)
}

async fn tell(server: &mut Program, command: Json) -> Json {
    server.command(&command.to_string()).await["value"].clone()
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Json(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?} is no JSON"),
    }
}

async fn until_json(session: &Session, point: u32, wanted: &Json) {
    let what = format!("{point} = {wanted}");
    let fits = |recorder: &harness::Recorder| {
        let last = recorder.last(point)?;
        (as_json(last.value.as_ref()?) == *wanted).then_some(())
    };
    session.until(&what, fits).await;
}

fn given(json: &Json) -> Value {
    Value::Json(json.to_string().into())
}

fn part(colour: &Json) -> Json {
    json!({
        "Flag": true, "Small": -128, "Large": u64::MAX, "Least": i64::MIN, "Ratio": 0.5,
        "Name": "Öl", "Made": "2026-11-20T08:15:30.123456Z",
        "Id": "09087e75-8e5e-499b-954f-f2a9603db28a", "Raw": "AP8=", "Text": "an",
        "Node": "ns=2;s=Line", "State": 0x8000_0000u32, "Colour": colour,
        "Where": { "X": 1.5, "Y": -2.5 }, "Numbers": [1, -2, 3],
        "Points": [{ "X": 0.0, "Y": 1.0 }, { "X": 2.0, "Y": 3.0 }],
    })
}

#[tokio::test]
async fn every_type_of_a_foreign_server_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = foreign().await else {
        return;
    };
    let wanted = [
        ("Part", part(&json!(1))),
        (
            "Parts",
            json!([{ "X": 1.0, "Y": 2.0 }, { "X": 3.0, "Y": 4.0 }]),
        ),
        ("Report", json!({ "Number": 7, "Weight": 1.25 })),
        ("Either", json!({ "Word": "x" })),
        (
            "Old",
            json!({ "Id": 42, "Samples": [0.5, 1.5], "Inner": { "Level": -7, "Label": "deep" } }),
        ),
        ("Colour", json!(2)),
        ("Matrix", json!([[1, 2, 3], [4, 5, 6]])),
        ("Huge", json!([u64::MAX, 0])),
        (
            "Times",
            json!(["2026-11-20T08:15:30.123456Z", "1601-01-01T00:00:00.000000Z"]),
        ),
        ("Guids", json!(["00000000-0000-0000-0000-000000000001"])),
        ("Nodes", json!(["ns=2;i=5", "ns=2;s=a"])),
        ("Names", json!(["q"])),
        ("Floats", json!(["NaN", "Infinity", -0.5])),
        ("Codes", json!([0x8034_0000u32])),
        ("Any", json!([1, "x"])),
    ];
    let names = json!({ "enumerations": "name" });
    let mut endpoints: Vec<_> = wanted
        .iter()
        .map(|(name, _)| variable(name, "json", json!({})))
        .collect();
    endpoints.push(variable("Part", "json", names.clone()));
    endpoints.push(variable("Colour", "json", names));
    endpoints.push(variable("Colour", "text", json!({})));
    endpoints.push(variable("Colour", "u8", json!({})));
    endpoints.push(variable("Argument", "json", json!({})));
    let session = connect(&server, &folder, endpoints);
    for ((_, wanted), point) in wanted.iter().zip(0..) {
        until_json(&session, point, wanted).await;
    }
    until_json(&session, 15, &part(&json!("Green"))).await;
    until_json(&session, 16, &json!("Blue")).await;
    session.until_value(17, Value::text("Blue")).await;
    session.until_value(18, Value::UInt(2)).await;
    // A type of the specification itself; the server describes it.
    let argument = session
        .until("an argument", |recorder| recorder.last(19))
        .await;
    let argument = as_json(&argument.value.unwrap());
    assert_eq!(argument["Name"], "x", "{argument}");
    assert!(session.statistics.snapshot().errors.is_empty());
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn structures_arrays_and_enumerations_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = foreign().await else {
        return;
    };
    let mut other = part(&json!("Red"));
    other["Name"] = json!(null);
    other["Large"] = json!(1);
    other["Numbers"] = json!([]);
    other["Points"] = json!([{ "X": 9.0, "Y": -9.0 }]);
    let writes = [
        ("Part", other.clone()),
        ("Parts", json!([{ "X": 5.0, "Y": 6.0 }])),
        ("Report", json!({ "Number": 8, "Note": "n" })),
        ("Either", json!({ "Whole": -1 })),
        (
            "Old",
            json!({ "Id": 1, "Samples": [], "Inner": { "Level": 2, "Label": "" } }),
        ),
        ("Colour", json!("Red")),
        ("Matrix", json!([[7, 8], [9, 10]])),
        ("Huge", json!([1, u64::MAX])),
        ("Times", json!(["2000-01-01T00:00:00.000000Z"])),
        ("Guids", json!(["00000000-0000-0000-0000-000000000002"])),
        ("Nodes", json!(["ns=2;s=b"])),
        ("Floats", json!(["-Infinity", 1.5])),
        ("Word", json!("other")),
    ];
    let mut endpoints: Vec<_> = writes
        .iter()
        .map(|(name, _)| variable(name, "json", json!({})))
        .collect();
    endpoints.push(variable("Colour", "text", json!({})));
    let session = connect(&server, &folder, endpoints);
    for ((name, value), point) in writes.iter().zip(0..) {
        session
            .until("a first value", |recorder| recorder.last(point))
            .await;
        let answer = session.write(point, given(value)).await;
        assert!(
            matches!(answer, WriteAnswer::Applied { .. }),
            "{name}: {answer:?}"
        );
        let mut wanted = value.clone();
        match *name {
            "Colour" => wanted = json!(0),
            "Part" => {
                wanted["Colour"] = json!(0);
                // A null text is an empty text here.
                wanted["Name"] = json!("");
            }
            _ => {}
        }
        until_json(&session, point, &wanted).await;
    }
    let shown = tell(&mut server, json!(["get", "Part"])).await;
    let shown = shown.as_str().unwrap();
    assert!(
        shown.contains("Colour.Red") && shown.contains("X=9.0"),
        "{shown}"
    );
    let answer = session.write(13, Value::text("Green")).await;
    assert!(matches!(answer, WriteAnswer::Applied { .. }), "{answer:?}");
    session.until_value(13, Value::text("Green")).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn what_does_not_fit_a_type_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = foreign().await else {
        return;
    };
    let names = [
        "Part", "Parts", "Report", "Either", "Old", "Colour", "Matrix", "Huge",
    ];
    let endpoints = names.map(|name| variable(name, "json", json!({})));
    let session = connect(&server, &folder, endpoints.into());
    session.until_online().await;
    let mut wrong = part(&json!(1));
    wrong["Stranger"] = json!(1);
    for (point, value, part) in [
        (0, wrong, "Stranger"),
        (0, json!({ "Flag": true }), "lacks"),
        (1, json!({ "X": 1.0, "Y": 2.0 }), "array"),
        (3, json!({ "Whole": 1, "Word": "x" }), "exactly one"),
        (5, json!("Yellow"), "Yellow"),
        (6, json!([[1, 2], [3]]), "row"),
        (7, json!([-1]), "range"),
    ] {
        let answer = session.write(point, given(&value)).await;
        let WriteAnswer::Refused { code, message } = answer else {
            panic!("{value}: {answer:?}");
        };
        assert!(
            code == "BadTypeMismatch" && message.contains(part),
            "{value}: {message}"
        );
    }
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn methods_take_arguments_and_their_answers_are_values() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = foreign().await else {
        return;
    };
    let mut slow = method("Slow", "json", Access::Write);
    slow.operation["callTimeout"] = json!(300);
    let mut by_path = method("Mix", "json", Access::ReadWrite);
    let path = "/0:Objects/nsu=urn:mainstem:data;Line/Mix";
    by_path.operation = json!({ "browsePath": path, "nodeType": "Method" });
    let endpoints = vec![
        method("Mix", "json", Access::ReadWrite),
        method("Big", "u64", Access::ReadWrite),
        slow,
        method("Nothing", "bool", Access::Write),
        by_path,
    ];
    let session = connect(&server, &folder, endpoints);
    session.until_reason(0, Reason::Waiting).await;
    let points = json!([{ "X": 0.0, "Y": 0.0 }, { "X": 1.0, "Y": 1.0 }]);
    let applied = WriteAnswer::Applied { verified: false };
    let by_name = json!({ "where": points, "name": "hi", "amount": 2.5 });
    assert_eq!(session.write(0, given(&by_name)).await, applied);
    until_json(&session, 0, &json!({ "total": 5.0, "greeting": "hi!" })).await;
    for point in [0, 4] {
        let in_order = json!([1, "you", points]);
        assert_eq!(session.write(point, given(&in_order)).await, applied);
        until_json(
            &session,
            point,
            &json!({ "total": 2.0, "greeting": "you!" }),
        )
        .await;
    }
    assert_eq!(session.write(1, Value::UInt(u64::MAX)).await, applied);
    session.until_value(1, Value::UInt(u64::MAX)).await;
    assert_eq!(session.write(3, Value::Bool(true)).await, applied);

    for (point, value, code, part) in [
        (0, json!([-1, "x", points]), "BadOutOfRange", ""),
        (0, json!([1, "x"]), "BadInvalidArgument", "3 arguments"),
        (
            0,
            json!({ "amount": 1, "name": "x" }),
            "BadInvalidArgument",
            "where",
        ),
        (
            0,
            json!([1, "x", [{ "X": 1.0 }]]),
            "BadInvalidArgument",
            "lacks",
        ),
        (0, json!(["a", "x", []]), "BadInvalidArgument", "amount"),
    ] {
        let answer = session.write(point, given(&value)).await;
        let WriteAnswer::Refused {
            code: found,
            message,
        } = answer
        else {
            panic!("{value}: {answer:?}");
        };
        assert!(
            found == code && message.contains(part),
            "{value}: {found} {message}"
        );
    }
    let late = session.write(2, given(&json!([2.0]))).await;
    assert!(matches!(late, WriteAnswer::Unknown { .. }), "{late:?}");
    assert_eq!(session.write(2, given(&json!([0.0]))).await, applied);
    session.stop().await.1.unwrap();
}

fn of(recorder: &harness::Recorder, point: u32, severity: u64) -> Vec<Json> {
    let all = recorder.all().into_iter();
    let events = all
        .filter(|reading| reading.point.0 == point)
        .filter_map(|reading| Some(as_json(reading.value.as_ref()?)));
    events
        .filter(|event| event["Severity"] == severity)
        .collect()
}

#[tokio::test]
async fn events_arrive_in_order_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = foreign().await else {
        return;
    };
    let batch = "nsu=urn:mainstem:data;Batch";
    let fields = json!(["Message", "Severity", "SourceName", "EventType", batch]);
    let event = server.first["event"].clone();
    let events = |options: Json| {
        let mut options = options;
        options["publishInterval"] = json!(50);
        options["fields"] = fields.clone();
        endpoint("events", "", Access::Read, options)
    };
    let endpoints = vec![
        events(json!({ "minSeverity": 400 })),
        events(json!({ "eventTypes": [event], "minSeverity": 100 })),
        events(json!({ "eventTypes": ["i=2130", "i=2133"] })),
    ];
    let session = connect(&server, &folder, endpoints);
    session.until_reason(0, Reason::Waiting).await;
    // A subscription is there when its first event arrives; those before are nobody's.
    let first = async {
        loop {
            tell(&mut server, json!(["events", 1, 1000])).await;
            let seen = |recorder: &harness::Recorder, point| {
                recorder
                    .last(point)
                    .is_some_and(|reading| reading.value.is_some())
            };
            let both = session.until("a first event", |recorder| {
                (seen(recorder, 0) && seen(recorder, 1)).then_some(())
            });
            let pause = std::time::Duration::from_millis(300);
            if tokio::time::timeout(pause, both).await.is_ok() {
                break;
            }
        }
    };
    first.await;
    tell(&mut server, json!(["events", 500, 500])).await;
    tell(&mut server, json!(["events", 300, 200])).await;
    tell(&mut server, json!(["events", 1, 600])).await;
    session
        .until("the last event", |recorder| {
            let done = |point| of(recorder, point, 600).len() == 1;
            (done(0) && done(1)).then_some(())
        })
        .await;
    for (point, severity, count) in [(0, 500, 500), (0, 200, 0), (1, 500, 500), (1, 200, 300)] {
        let found = of(&session.recorder, point, severity);
        assert_eq!(found.len(), count, "{point} {severity}");
        for (event, number) in found.iter().zip(0u32..) {
            assert_eq!(event[batch], number, "{event}");
            assert_eq!(event["Message"], format!("batch {number}"));
            assert_eq!(event["EventType"], server.first["event"]);
        }
    }
    let stamped = session.recorder.last(0).unwrap();
    assert!(stamped.source_time.is_some() && stamped.quality.is_good());
    assert!(session.statistics.snapshot().errors.is_empty());
    session.until_reason(2, Reason::Waiting).await;
    // The last event stays true in the next session.
    let (adapter, ended) = session.stop().await;
    ended.unwrap();
    let session = Session::start(adapter);
    let last = session
        .until("the last event again", |recorder| recorder.last(0))
        .await;
    assert_eq!(last, stamped);
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn browse_paths_are_walked_in_each_session() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = foreign().await else {
        return;
    };
    let path = |path: &str, more: Json| {
        let mut options = more;
        options["browsePath"] = path.into();
        options["publishInterval"] = json!(50);
        endpoint("path", "json", Access::ReadWrite, options)
    };
    let endpoints = vec![
        path("/0:Objects/2:Line/2:Word", json!({})),
        path("nsu=urn:mainstem:data;Line/Word", json!({})),
        path("Word", json!({ "browsePathPrefix": "/Objects/2:Line/" })),
        path("2:Line/2:Later", json!({})),
        path("7:Line/Word", json!({})),
        path("nsu=urn:nobody;Line/Word", json!({})),
        path("2:Line/Word", json!({ "interval": 50 })),
    ];
    let session = connect(&server, &folder, endpoints);
    for point in [0, 1, 2, 6] {
        until_json(&session, point, &json!("plain")).await;
    }
    for point in [3, 4, 5] {
        session.until_reason(point, Reason::BadAddress).await;
    }
    let answer = session.write(0, given(&json!("written"))).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    for point in [0, 1, 2, 6] {
        until_json(&session, point, &json!("written")).await;
    }
    let answer = session.write(3, given(&json!(1.5))).await;
    assert!(matches!(answer, WriteAnswer::Refused { .. }), "{answer:?}");
    let (adapter, ended) = session.stop().await;
    ended.unwrap();
    tell(&mut server, json!(["add", "Later", 2.5])).await;
    let session = Session::start(adapter);
    until_json(&session, 3, &json!(2.5)).await;
    session.stop().await.1.unwrap();
}

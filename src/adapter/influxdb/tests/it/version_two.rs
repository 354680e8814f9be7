//! What a server of version 2 is sent, and what is made of its answers. There is none among the
//! packages of Debian: these are the requests as its documentation has them, told by a server of the
//! test's own; only the lines themselves are proved by a foreign one (`carrying`).

use mainstem_adapter::AdapterState;
use mainstem_model::{Access, Reason, Value};
use serde_json::{Value as Json, json};

use crate::rig::{Rig, endpoint, reads, spec};
use crate::service::{Service, reply};

const CSV: &str = "#datatype,string,long,dateTime:RFC3339,double\r\n#group,false,false,false,false\r\n\
    #default,_result,,,\r\n,result,table,_time,_value\r\n,,0,2026-01-02T03:04:05Z,1.5\r\n\r\n";

fn two(more: &Json) -> Json {
    let mut connection = json!({
        "version": 2, "org": "my org", "bucket": "a&b", "token": "t0k", "precision": "ms",
    });
    for (key, value) in more.as_object().unwrap() {
        connection[key] = value.clone();
    }
    connection
}

#[tokio::test]
async fn lines_queries_and_tokens_go_where_version_two_has_them() {
    let service = Service::start(|seen| match seen.line.as_str() {
        "POST /api/v2/query?org=my+org HTTP/1.1" => {
            let body: Json = serde_json::from_str(&seen.body).unwrap();
            match body["query"].as_str().unwrap().contains("wrong") {
                true => reply(
                    "400 Bad Request",
                    r#"{"code":"invalid","message":"no such thing"}"#,
                ),
                false => reply("200 OK", CSV),
            }
        }
        "POST /api/v2/write?org=my+org&bucket=a%26b&precision=ms HTTP/1.1" => {
            reply("204 No Content", "")
        }
        "GET /ping HTTP/1.1" => reply("204 No Content", ""),
        _ => reply("404 Not Found", ""),
    })
    .await;
    let wrong = json!({"query": "wrong |> yield()", "result": "value", "interval": 100});
    let endpoints = vec![
        reads(
            "mean",
            "f64",
            "from(bucket: \"a&b\") |> range(start: -1h) |> mean()",
        ),
        endpoint("wrong", Access::Read, "f64", wrong),
        endpoint(
            "shift",
            Access::Write,
            "text",
            json!({"measurement": "shift"}),
        ),
    ];
    let more = two(&json!({"datapoints": [{"include": ["**"]}]}));
    let rig = Rig::start(spec(service.address.port(), &more, endpoints));
    rig.value("mean", &Value::F64(1.5)).await;
    rig.reason("wrong", Reason::DeviceError).await;
    rig.sample("n", Value::Int(5), 1_767_323_045_123_456);
    rig.until("the line is written", || {
        service.count("POST /api/v2/write") > 0
    })
    .await;
    let applied = mainstem_adapter::WriteAnswer::Applied { verified: false };
    assert_eq!(rig.write("shift", Value::text("early")).await, applied);
    let seen = service.seen.lock().clone();
    assert!(
        seen.iter()
            .all(|seen| seen.headers["authorization"] == "Token t0k")
    );
    let mut lines = seen.iter().filter(|seen| seen.line.contains("write"));
    assert_eq!(lines.next().unwrap().body, "n value=5i 1767323045123\n");
    rig.runner.stop().await;
}

#[tokio::test]
async fn version_three_asks_influxql_and_writes_as_version_two() {
    let service = Service::start(|seen| match seen.line.split(' ').nth(1).unwrap() {
        "/query" if seen.body.contains("db=plant") => {
            let answer =
                r#"{"results":[{"series":[{"columns":["time","v"],"values":[[null,3]]}]}]}"#;
            reply("200 OK", answer)
        }
        path if path.starts_with("/api/v2/write?") => reply("204 No Content", ""),
        _ => reply("404 Not Found", ""),
    })
    .await;
    let more = json!({"version": 3, "bucket": "plant", "datapoints": [{"include": ["**"]}]});
    let endpoints = vec![reads("v", "i64", "SELECT v FROM m")];
    let rig = Rig::start(spec(service.address.port(), &more, endpoints));
    rig.value("v", &Value::Int(3)).await;
    rig.sample("n", Value::Int(5), 1);
    rig.until("the line is written", || {
        service.count("POST /api/v2/write") > 0
    })
    .await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_server_that_is_busy_gets_the_lines_later_and_once() {
    let tries = std::sync::atomic::AtomicU32::new(0);
    let service = Service::start(move |seen| match seen.line.contains("write") {
        true if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 => {
            reply("503 Service Unavailable", "{\"message\":\"busy\"}")
        }
        true => reply("204 No Content", ""),
        false => reply("200 OK", ""),
    })
    .await;
    let more = two(&json!({"datapoints": [{"include": ["**"]}]}));
    let rig = Rig::start(spec(service.address.port(), &more, Vec::new()));
    rig.state(AdapterState::Online).await;
    rig.sample("n", Value::Int(5), 1_000);
    rig.until("four tries", || service.count("POST /api/v2/write") == 4)
        .await;
    let bodies: Vec<String> = {
        let seen = service.seen.lock();
        let writes = seen.iter().filter(|seen| seen.line.contains("write"));
        writes.map(|seen| seen.body.clone()).collect()
    };
    assert!(
        bodies.iter().all(|body| body == "n value=5i 1\n"),
        "{bodies:?}"
    );
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

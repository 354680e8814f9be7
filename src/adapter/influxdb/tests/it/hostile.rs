//! Servers that do what they should not: endless answers, nonsense, redirections, silence.

use mainstem_adapter::AdapterState;
use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::rig::{Rig, reads, spec};
use crate::service::{Service, reply};

#[tokio::test]
async fn answers_without_an_end_or_a_meaning_are_one_bad_point() {
    let service = Service::start(|seen| match &seen.body {
        body if body.contains("huge") => format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n{}\r\n0\r\n\r\n",
            "1".repeat(0x10000)
        ),
        body if body.contains("nonsense") => reply("200 OK", "\u{1}\u{2}nothing"),
        body if body.contains("deep") => reply("200 OK", &"[".repeat(5_000)),
        body if body.contains("half") => {
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n12".to_owned()
        }
        body if body.contains("well") => {
            let answer = r#"{"results":[{"series":[{"columns":["v"],"values":[[1]]}]}]}"#;
            reply("200 OK", answer)
        }
        _ => reply("204 No Content", ""),
    })
    .await;
    let endpoints = ["huge", "nonsense", "deep", "half", "well"];
    let endpoints = endpoints.map(|name| reads(name, "i64", name)).to_vec();
    let more = json!({"maxBodySize": 2000, "token": "t"});
    let rig = Rig::start(spec(service.address.port(), &more, endpoints));
    rig.value("well", &Value::Int(1)).await;
    rig.reason("huge", Reason::BadType).await;
    rig.reason("nonsense", Reason::BadType).await;
    rig.reason("deep", Reason::BadType).await;
    rig.reason("half", Reason::DeviceDown).await;
    rig.value("well", &Value::Int(1)).await;
    assert_eq!(rig.runner.standing().state, AdapterState::Online);
    rig.runner.stop().await;
}

#[tokio::test]
async fn nobody_else_gets_the_token() {
    let elsewhere = Service::start(|_| reply("200 OK", "{}")).await;
    let to = format!("http://{}/query", elsewhere.address);
    let service = Service::start(move |seen| match seen.line.contains("/query") {
        true => format!("HTTP/1.1 307 Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
        false => reply("204 No Content", ""),
    })
    .await;
    let more = json!({"token": "t"});
    let endpoints = vec![reads("v", "i64", "SELECT v FROM m")];
    let rig = Rig::start(spec(service.address.port(), &more, endpoints));
    rig.reason("v", Reason::DeviceError).await;
    assert!(elsewhere.seen.lock().is_empty());
    rig.runner.stop().await;
}

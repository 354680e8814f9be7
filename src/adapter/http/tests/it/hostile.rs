//! Logins, questions, and services that do what they should not.

use mainstem_adapter::{AskError, WriteAnswer};
use mainstem_model::{Access, Reason, Value};
use serde_json::json;

use crate::rig::{PATIENCE, endpoint, spec, start};
use crate::service::{Service, reply};

fn reads(kind: &str) -> Vec<mainstem_adapter::EndpointSpec> {
    let operation = json!({"path": "/value", "interval": 100});
    vec![endpoint("value", Access::Read, kind, operation)]
}

#[tokio::test]
async fn logins_headers_and_queries_go_along() {
    let service = Service::start(|_| reply("200 OK", "1")).await;
    let more = json!({
        "auth": {"username": "u", "password": "p"}, "prefix": "/api",
        "headers": {"x-plant": "north"}, "query": {"v": 2},
    });
    let rig = start(spec(service.address.port(), &more, reads("i64")));
    rig.value("value", &Value::Int(1)).await;
    let seen = service
        .seen
        .lock()
        .iter()
        .find(|s| s.line.contains("value"))
        .unwrap()
        .clone();
    assert_eq!(seen.line, "GET /api/value?v=2 HTTP/1.1");
    assert_eq!(seen.headers["authorization"], "Basic dTpw");
    assert_eq!(seen.headers["x-plant"], "north");
    rig.runner.stop().await;
}

#[tokio::test]
async fn tokens_are_asked_for_kept_and_renewed() {
    let granted = std::sync::atomic::AtomicU32::new(0);
    let service = Service::start(move |seen| {
        let count = || granted.load(std::sync::atomic::Ordering::SeqCst);
        if seen.line.starts_with("POST /token") {
            assert!(
                seen.body.contains("client_secret=s%26s") && seen.body.contains("audience=mes")
            );
            let number = granted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            let body = format!(r#"{{"access_token":"t{number}","expires_in":3600}}"#);
            return reply("200 OK", &body);
        }
        // The first token is withdrawn at once.
        match seen.headers.get("authorization").map(String::as_str) {
            Some("Bearer t2") => reply("200 OK", &count().to_string()),
            _ => reply("401 Unauthorized", ""),
        }
    })
    .await;
    let port = service.address.port();
    let more = json!({"probeInterval": 0, "oauthClientCredentials": {
        "auth_url": format!("http://127.0.0.1:{port}/token"), "client_id": "c",
        "client_secret": "s&s", "audience": "mes",
    }});
    let rig = start(spec(port, &more, reads("i64")));
    rig.value("value", &Value::Int(2)).await;
    rig.until(|_| service.count("GET /value") > 5).await;
    assert_eq!(
        service.count("POST /token"),
        2,
        "kept as long as it is good"
    );
    rig.runner.stop().await;
}

#[tokio::test]
async fn questions_have_words_of_their_own_and_are_not_repeated() {
    let service = Service::start(
        |seen| match seen.line.starts_with("POST /orders?urgent=true") {
            true => reply("200 OK", &format!(r#"{{"order":{}}}"#, seen.body)),
            false => reply("422 Unprocessable", "no"),
        },
    )
    .await;
    let operation = json!({"path": "/orders", "method": "post", "pointer": "/order"});
    let endpoints = vec![endpoint("orders", Access::Read, "json", operation)];
    let rig = start(spec(service.address.port(), &json!({}), endpoints));
    rig.online().await;
    let asked = rig
        .ask(
            "orders",
            json!({"query": {"urgent": true}, "body": {"n": 7}}),
        )
        .await;
    assert_eq!(asked, Ok(json!({"n": 7})));
    rig.value("orders", &Value::Json(r#"{"n":7}"#.into())).await;
    let refused = rig.ask("orders", json!({"body": {}})).await.unwrap_err();
    assert!(matches!(&refused, AskError::Refused { code: 422, message } if message.contains("no")));
    let wrong = rig
        .ask("orders", json!({"headers": {"a\nb": "c"}}))
        .await
        .unwrap_err();
    assert!(matches!(wrong, AskError::Refused { code: 400, .. }));
    assert_eq!(
        service.count("POST /orders"),
        2,
        "what may change something is asked once"
    );
    rig.runner.stop().await;
}

#[tokio::test]
async fn writes_fill_their_body_and_tell_what_came_of_them() {
    let service = Service::start(|seen| match seen.line.split(' ').nth(1) {
        Some("/ok") => reply("204 No Content", ""),
        Some("/no") => reply("409 Conflict", "locked"),
        _ => reply("200 OK", ""),
    })
    .await;
    let body = json!({"count": "{value}", "text": "n={value}"});
    let ok = json!({"path": "/ok", "method": "put", "body": body});
    let endpoints = vec![
        endpoint("ok", Access::Write, "i64", ok),
        endpoint("no", Access::Write, "i64", json!({"path": "/no"})),
    ];
    let rig = start(spec(service.address.port(), &json!({}), endpoints));
    rig.online().await;
    let applied = rig.write("ok", Value::Int(5), PATIENCE).await;
    assert_eq!(applied, WriteAnswer::Applied { verified: false });
    let seen = service
        .seen
        .lock()
        .iter()
        .find(|s| s.line.contains("/ok"))
        .unwrap()
        .clone();
    assert_eq!(
        (&seen.line[..], &seen.body[..]),
        ("PUT /ok HTTP/1.1", r#"{"count":5,"text":"n=5"}"#)
    );
    let refused = rig.write("no", Value::Int(5), PATIENCE).await;
    assert!(matches!(refused, WriteAnswer::Refused { code, .. } if code == "409"));
    rig.runner.stop().await;
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let elsewhere = Service::start(|_| reply("200 OK", "666")).await;
    let to = format!("http://{}/value", elsewhere.address);
    let service = Service::start(move |seen| match seen.line.contains("/value") {
        true => format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
        false => reply("200 OK", ""),
    })
    .await;
    let rig = start(spec(service.address.port(), &json!({}), reads("i64")));
    rig.reason("value", Reason::DeviceError).await;
    assert!(
        elsewhere.seen.lock().is_empty(),
        "nobody else got the login"
    );
    rig.runner.stop().await;
}

#[tokio::test]
async fn huge_bodies_are_cut_off() {
    let service = Service::start(|seen| match seen.line.contains("/value") {
        // Without a length, so that only counting helps.
        true => format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n{}\r\n0\r\n\r\n",
            "1".repeat(0x10000)
        ),
        false => reply("200 OK", ""),
    })
    .await;
    let more = json!({"maxBodySize": 1000});
    let rig = start(spec(service.address.port(), &more, reads("text")));
    rig.reason("value", Reason::BadType).await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn answers_that_never_end_hit_the_timeout() {
    // The head promises more than ever comes.
    let service = Service::start(|seen| match seen.line.contains("/value") {
        true => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n12".to_owned(),
        false => reply("200 OK", ""),
    })
    .await;
    let slow = json!({"path": "/value", "interval": 100});
    let quick = json!({"path": "/quick", "interval": 100});
    let endpoints = vec![
        endpoint("value", Access::Read, "text", slow),
        endpoint("quick", Access::Read, "text", quick),
    ];
    let rig = start(spec(service.address.port(), &json!({}), endpoints));
    rig.value("quick", &Value::text("")).await;
    rig.reason("value", Reason::DeviceDown).await;
    rig.value("quick", &Value::text("")).await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn a_service_that_speaks_no_tls_is_told_so() {
    let service = Service::start(|_| reply("200 OK", "1")).await;
    let more = json!({"scheme": "https", "pin": format!("sha256:{}", "0".repeat(64))});
    let rig = start(spec(service.address.port(), &more, reads("i64")));
    rig.until(|rig| rig.runner.standing().cause.is_some()).await;
    let cause = rig.runner.standing().cause.unwrap();
    assert_eq!(cause.code, "no_connection", "{}", cause.message);
    rig.runner.stop().await;
}

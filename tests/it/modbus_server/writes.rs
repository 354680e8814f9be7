//! Writes of foreign clients: by the one write path, with the rights of the server's role.

use serde_json::{Value, json};

use super::{Foreign, start, wait_number};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_through_the_one_write_path() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let Some(mut client) = Foreign::connect(address) else {
        return;
    };
    // 42.5 in two registers; then a single one with its sign.
    assert_eq!(client.write(16, 0, &[0x422A, 0]).await["done"], true);
    wait_number(&node, "sim.level", 42.5).await;
    assert_eq!(client.write(6, 6, &[0xFFFE]).await["done"], true);
    wait_number(&node, "sim.speed", -2.0).await;
    // Bits of a register: 0xFFFE and not the low byte, or 5.
    let mask = json!({ "do": "mask", "address": 6, "and": 0xFF00, "or": 5 });
    assert_eq!(
        client
            .until(mask.clone(), |answer| answer["done"] == true)
            .await["done"],
        true
    );
    wait_number(&node, "sim.speed", f64::from(-251_i16)).await;
    let exchange = json!({ "do": "exchange", "to": 6, "values": [7], "address": 20, "count": 1 });
    let answer = client.ask(exchange).await;
    assert_eq!(answer["values"], json!([0x776F]), "{answer}");
    wait_number(&node, "sim.speed", 7.0).await;
    let (_, writes) = node.ask("GET", "writes", Value::Null).await;
    let items = writes["items"].as_array().unwrap();
    let applied = items.iter().filter(|item| item["state"] == "applied");
    assert_eq!(applied.count(), 4, "{writes:#}");
    node.stop().await;
}

/// Requests, the exception that each is answered by, and why.
fn refused() -> [(Value, u8, &'static str); 8] {
    [
        (
            json!({ "fc": 6, "address": 0, "values": [1] }),
            2,
            "half of a value",
        ),
        (
            json!({ "fc": 16, "address": 1, "values": [1] }),
            2,
            "the other half",
        ),
        (
            json!({ "fc": 16, "address": 4, "values": [1, 1] }),
            2,
            "a node that is read only",
        ),
        (
            json!({ "fc": 6, "address": 2, "values": [1] }),
            2,
            "a status",
        ),
        (
            json!({ "fc": 6, "address": 99, "values": [1] }),
            2,
            "nothing there",
        ),
        (
            json!({ "fc": 6, "address": 7, "values": [1] }),
            2,
            "the role may not",
        ),
        (
            json!({ "fc": 16, "address": 0, "values": [0x447A, 0] }),
            3,
            "beyond the limits",
        ),
        (
            json!({ "fc": 5, "address": 0, "values": [1] }),
            2,
            "a coil that is read only",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_written_is_refused_and_on_record() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let Some(mut client) = Foreign::connect(address) else {
        return;
    };
    for (mut wish, exception, why) in refused() {
        wish["do"] = json!("write");
        let answer = client.ask(wish.clone()).await;
        assert_eq!(answer["exception"], exception, "{why}: {wish}: {answer}");
    }
    // Two datapoints in one request, of which the second may not be written: none is.
    let answer = client.write(16, 6, &[1, 1]).await;
    assert_eq!(answer["exception"], 2, "{answer}");
    wait_number(&node, "sim.speed", -7.0).await;

    let (_, writes) = node.ask("GET", "writes", Value::Null).await;
    let items = writes["items"].as_array().unwrap();
    let of = |state: &str| items.iter().filter(|item| item["state"] == state).count();
    assert_eq!((of("applied"), of("rejected")), (0, 3), "{writes:#}");
    // Who it was stands in the audit: the server by its name, and the client's address.
    let is_told = || {
        let audit = std::fs::read_to_string(node.data().join("audit.log")).ok()?;
        let words = [
            "modbus:scada",
            "127.0.0.1",
            "sim.locked",
            "policy",
            "limits",
        ];
        words.iter().all(|word| audit.contains(word)).then_some(())
    };
    eventually("all of it is in the audit", is_told).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_cannot_reach_its_device_says_so() {
    let (node, address) = start("allow: [ 127.0.0.1 ]").await;
    let Some(mut client) = Foreign::connect(address) else {
        return;
    };
    let (status, answer) = node
        .put("sim.faults.disconnect", json!({ "value": 60 }), "")
        .await;
    assert_eq!(status, 200, "{answer}");
    let wish = json!({ "do": "write", "fc": 6, "address": 6, "values": [1] });
    let answer = client
        .until(wish, |answer| answer["exception"].is_u64())
        .await;
    assert_eq!(answer["exception"], 11, "{answer}");
    node.stop().await;
}

//! Clients as providers of samples.

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::harness::{Client, Lines, Node, PATIENCE};

const LINES: &str = "application/x-ndjson";

async fn send(client: &Client, path: &str, media: &str, body: &'static str) -> Vec<Value> {
    let request = client.post(path).header("content-type", media).body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn samples_are_taken_below_the_prefix_only() {
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let body = "{\"define\":[{\"id\":7,\"name\":\"mes.level\",\"type\":\"f32\",\"unit\":\"m\"}]}\n\
        {\"t\":1795000000000000,\"r\":[[7,0,1.5],[7,10,2.5],[8,0,1]]}\n\
        not json\n\
        {\"samples\":[{\"name\":\"mes.order\",\"value\":\"A-17\"},\
        {\"name\":\"other.x\",\"value\":1},{\"name\":\"mes.order\",\"value\":5}]}\n";
    let acks = send(&mes, "/api/v1/samples", LINES, body).await;
    let sum = |member: &str| {
        acks.iter()
            .filter_map(|ack| ack[member].as_u64())
            .sum::<u64>()
    };
    assert_eq!(
        (sum("lines"), sum("applied"), sum("refused")),
        (4, 3, 4),
        "{acks:?}"
    );
    let admin = node.admin();
    let level = admin.document("/api/v1/datapoints/mes.level").await;
    assert_eq!(
        (&level["value"], &level["meta"]["unit"]),
        (&2.5.into(), &"m".into())
    );
    assert_eq!(level["source_time"], "2026-11-18T11:06:40.000010Z");
    let order = admin.document("/api/v1/datapoints/mes.order").await;
    assert_eq!(
        (&order["value"], &order["meta"]["type"]),
        (&"A-17".into(), &"text".into())
    );
    assert_eq!(order["quality"]["status"], "good");
    let document = "{\n \"samples\": [\n {\"name\": \"mes.count\", \"value\": 3}\n ]\n}";
    let acks = send(&mes, "/api/v1/samples", "application/json", document).await;
    assert_eq!(acks, [json!({"lines": 1, "applied": 1, "refused": 0})]);
    let refused = admin
        .post("/api/v1/samples")
        .header("content-type", LINES)
        .body("");
    assert_eq!(admin.problem(refused).await, (403, "forbidden".into()));
    let wrong = mes
        .post("/api/v1/samples")
        .header("content-type", "text/csv")
        .body("");
    assert_eq!(
        mes.problem(wrong).await,
        (415, "unsupported_media_type".into())
    );
}

#[tokio::test]
async fn small_parts_are_all_taken_over() {
    const PARTS: u64 = 300;
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let part = |value: u64| {
        let line = format!("{{\"samples\":[{{\"name\":\"mes.n\",\"value\":{value}}}]}}\n");
        Ok::<_, std::io::Error>(line)
    };
    let parts = futures_util::stream::iter((1..=PARTS).map(part));
    let request = mes.post("/api/v1/samples").header("content-type", LINES);
    let response = request
        .body(reqwest::Body::wrap_stream(parts))
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    let acks: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // However many parts an acknowledgement stands for, none is left out.
    for member in ["lines", "applied"] {
        let sum: u64 = acks.iter().filter_map(|ack| ack[member].as_u64()).sum();
        assert_eq!(sum, PARTS, "{member}: {acks:?}");
    }
    let last = node.admin().document("/api/v1/datapoints/mes.n").await;
    assert_eq!(last["value"], 300.0);
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_stale() {
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let body = "{\"samples\":[{\"name\":\"mes.x\",\"value\":1}]}";
    send(&mes, "/api/v1/samples?stale_after=1s", LINES, body).await;
    let admin = node.admin();
    let quality = || async {
        let document = admin.document("/api/v1/datapoints/mes.x").await;
        document["quality"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(quality().await, "ok");
    let silent = async { while quality().await != "stale" {} };
    tokio::time::timeout(PATIENCE, silent)
        .await
        .expect("it stayed good");
    send(&mes, "/api/v1/samples?stale_after=1s", LINES, body).await;
    assert_eq!(quality().await, "ok");
}

/// A request whose body goes on as long as something is sent into the channel.
async fn endless(mes: &Client, path: &str) -> (tokio::sync::mpsc::Sender<String>, Lines) {
    let (lines, body) = tokio::sync::mpsc::channel::<String>(4);
    let body = futures_util::stream::unfold(body, |mut body| async move {
        let line = body.recv().await?;
        Some((Ok::<_, std::io::Error>(line), body))
    });
    let request = mes
        .post(path)
        .header("content-type", LINES)
        .body(reqwest::Body::wrap_stream(body.boxed()));
    (lines, Lines::new(request.send().await.unwrap()))
}

#[tokio::test]
async fn a_provider_that_hangs_with_its_request_open_is_stale_too() {
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let (lines, mut acks) = endless(&mes, "/api/v1/samples?stale_after=1s").await;
    let line = "{\"samples\":[{\"name\":\"mes.x\",\"value\":1}]}\n";
    lines.send(line.into()).await.unwrap();
    assert_eq!(acks.next().await["applied"], 1);
    let admin = node.admin();
    let until = async |wanted: &str| {
        let look = async {
            loop {
                let document = admin.document("/api/v1/datapoints/mes.x").await;
                if document["quality"]["reason"] == wanted {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, look).await;
        in_time.unwrap_or_else(|_| panic!("it is not {wanted}"));
    };
    until("ok").await;
    until("stale").await;
    // An empty line is a sign of life.
    lines.send("\n".into()).await.unwrap();
    until("ok").await;
}

#[tokio::test]
async fn an_endless_body_is_acknowledged_as_it_comes() {
    let node = Node::start().await;
    let mes = node.client(&node.token("mes", "viewer", Some("mes")));
    let (lines, mut acks) = endless(&mes, "/api/v1/samples").await;
    for count in 1..=3 {
        // Half a line now, the rest with the next one: only whole lines count.
        let line = format!("{{\"samples\":[{{\"name\":\"mes.x\",\"value\":{count}}}]}}\n{{\"sam");
        let line = if count == 1 {
            line
        } else {
            format!("ples\":[]}}\n{line}")
        };
        lines.send(line).await.unwrap();
        assert_eq!(acks.next().await["applied"], 1);
        let document = node.admin().document("/api/v1/datapoints/mes.x").await;
        assert_eq!(document["value"], f64::from(count));
    }
    drop(lines);
    assert_eq!(acks.next().await["refused"], 1);
    assert!(acks.text().await.is_none());
}

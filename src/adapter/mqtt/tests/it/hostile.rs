//! Brokers that mean no good: the adapter gives up the session, says why, and comes back.

use std::time::Duration;

use mainstem_adapter::{AdapterSpec, AdapterState};
use mainstem_model::{Access, Value};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{self, PATIENCE, start};

const CONNACK: &[u8] = &[0x20, 2, 0, 0];

fn spec(port: u16) -> AdapterSpec {
    let temperature = json!({"topic": "t", "qos": 0});
    let endpoints = vec![rig::endpoint("t", Access::Read, "f64", temperature)];
    rig::spec(
        port,
        &json!({"maxPacketBytes": 2048, "connectTimeout": 1000}),
        endpoints,
    )
}

/// Says something after each CONNECT, once, and then is a good broker that publishes 1.
async fn then_a_good_one(evil: Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async move {
        let mut evil = Some(evil);
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            drop(stream.read(&mut buffer).await);
            if let Some(evil) = evil.take() {
                drop(stream.write_all(&evil).await);
                // Until the adapter hangs up.
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
                continue;
            }
            stream.write_all(CONNACK).await.unwrap();
            drop(stream.read(&mut buffer).await);
            let granted = [0x90, 3, buffer[2], buffer[3], 0];
            stream.write_all(&granted).await.unwrap();
            stream
                .write_all(&[0x30, 4, 0, 1, b't', b'1'])
                .await
                .unwrap();
            while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
        }
    };
    let rig = start(spec(port));
    let good = tokio::time::timeout(PATIENCE, rig.value("t", &Value::F64(1.0)));
    tokio::select! {
        () = serve => {}
        good = good => good.unwrap(),
    }
    rig.runner.stop().await;
}

#[tokio::test]
async fn garbage_in_place_of_an_answer() {
    then_a_good_one(b"\xff\xff\xff\xff\xff\xff\xff\xff nothing of this".to_vec()).await;
}

#[tokio::test]
async fn a_length_of_five_bytes() {
    then_a_good_one([CONNACK, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]].concat()).await;
}

#[tokio::test]
async fn a_packet_that_is_too_long() {
    // 256 MiB are promised, and nothing is made ready for them.
    then_a_good_one([CONNACK, &[0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1]].concat()).await;
}

#[tokio::test]
async fn a_topic_that_is_no_text() {
    then_a_good_one([CONNACK, &[0x30, 5, 0, 2, 0xff, 0xfe, b'1'], &[0xf0, 0]].concat()).await;
}

#[tokio::test]
async fn acknowledgements_of_nothing() {
    then_a_good_one([CONNACK, &[0x40, 2, 0x77, 0x77], &[0x90, 3, 0x77, 0x77, 0]].concat()).await;
}

#[tokio::test]
async fn silence_after_the_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = start(spec(listener.local_addr().unwrap().port()));
    rig.until(|rig| {
        let standing = rig.runner.standing();
        standing.state != AdapterState::Online && format!("{standing:?}").contains("connection")
    })
    .await;
    rig.runner.stop().await;
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = start(spec(listener.local_addr().unwrap().port()));
    let serve = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            drop(stream.read(&mut buffer).await);
            drop(stream.write_all(&[0x20, 2, 0, 5]).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let told = rig.until(|rig| format!("{:?}", rig.runner.standing()).contains("NotAuthorized"));
    tokio::select! {
        () = serve => {}
        () = told => {}
    }
    rig.runner.stop().await;
}

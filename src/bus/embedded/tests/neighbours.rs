//! Clients that disturb others, or take what is theirs (H36, H37).

use std::time::{Duration, Instant};

use mainstem_model::TopicFilter;
use tokio::io::AsyncWriteExt;

use super::harness::{Connect, Stage, inlet, message, publish, subscribe};
use crate::embedded::{Limits, Transport};
use crate::{Bus, Qos};

#[tokio::test]
async fn a_tenant_sees_and_writes_only_what_is_his() {
    let stage = Stage::new().await;
    stage
        .gate
        .grant("one", &["one/#", "both/+"], &["one/#", "both/+"]);
    let mut wire = stage.dial().await;
    wire.send(&Connect::new("c1").by("one").bytes()).await;
    assert_eq!(wire.wait_for(0x20).await[1], 0);
    for (filter, reason) in [
        ("one/#", 1),
        ("one/a/+", 1),
        ("$share/g/one/a", 1),
        ("#", 0x87),
        ("+/a", 0x87),
        ("two/a", 0x87),
        ("one", 1),
        ("both/#", 0x87),
        ("$SYS/#", 0x87),
        ("$share/g/two/a", 0x87),
        ("$share/g/#", 0x87),
    ] {
        assert_eq!(wire.subscribe(filter, 1).await, reason, "{filter}");
    }
    for (topic, reason) in [
        ("one/a", 0),
        ("both/a", 0),
        ("both/a/b", 0x87),
        ("two/a", 0x87),
        ("one", 0),
        ("onex", 0x87),
        ("$SYS/one", 0x87),
        ("$share/g/one/a", 0x87),
    ] {
        assert_eq!(wire.publish(topic, b"").await, reason, "{topic}");
    }
    let refused = stage.gate.refused.lock();
    let told = refused
        .iter()
        .map(|one| (one.breach.word(), one.principal.as_deref()));
    let told: Vec<_> = told.collect();
    assert!(told.contains(&("subscribe", Some("one"))), "{told:?}");
    assert!(told.contains(&("publish", Some("one"))), "{told:?}");
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_and_rights_end_at_once() {
    let stage = Stage::new().await;
    stage.gate.grant("guest", &["g"], &["g"]);
    for password in ["", "wrong"] {
        let mut wire = stage.dial().await;
        wire.send(&Connect::new("c").by(password).bytes()).await;
        assert_eq!(
            wire.wait_for(0x20).await[1],
            0x86,
            "bad user name or password"
        );
        wire.hung_up().await;
    }
    stage.refused("login").await;
    // A will is a message too.
    let mut wire = stage.dial().await;
    let hello = Connect {
        will: Some(("elsewhere".to_owned(), b"x".to_vec())),
        ..Connect::new("w").by("guest")
    };
    wire.send(&hello.bytes()).await;
    let everything = [TopicFilter::new("#").unwrap()];
    let mut heard = stage.bus.subscribe(&everything, 10).await.unwrap();
    drop(wire);
    let mut wire = stage.dial().await;
    wire.send(&Connect::new("c").by("guest").bytes()).await;
    assert_eq!(wire.wait_for(0x20).await[1], 0);
    wire.ping().await;
    stage.gate.revoke("guest");
    wire.hung_up().await;
    stage
        .bus
        .publish(message("end", "", Qos::AtMostOnce))
        .await
        .unwrap();
    assert_eq!(
        heard.next().await.unwrap().topic.as_str(),
        "end",
        "no will before it"
    );
}

#[tokio::test]
async fn a_session_belongs_to_its_principal() {
    let stage = Stage::new().await;
    stage.gate.grant("thief", &["#"], &["#"]);
    let mut owner = stage.dial().await;
    owner.send(&Connect::new("mine").keeping().bytes()).await;
    owner.wait_for(0x20).await;
    owner.subscribe("a", 1).await;
    for clean in [true, false] {
        let mut thief = stage.dial().await;
        let hello = Connect {
            clean,
            ..Connect::new("mine").by("thief")
        };
        thief.send(&hello.bytes()).await;
        assert_eq!(thief.wait_for(0x20).await[1], 0x87, "not authorized");
    }
    owner.ping().await;
    stage.refused("foreign_session").await;
}

#[tokio::test]
async fn a_storm_of_takeovers_ends_and_loses_nothing() {
    let stage = Stage::new().await;
    let mut quiet = stage.client("quiet").await;
    let mut first = stage.dial().await;
    first.send(&Connect::new("same").keeping().bytes()).await;
    first.wait_for(0x20).await;
    first.subscribe("a", 1).await;
    let mut wires = vec![first];
    for number in 0..100 {
        let text = number.to_string();
        stage
            .bus
            .publish(message("a", &text, Qos::AtLeastOnce))
            .await
            .unwrap();
        let mut wire = stage.dial().await;
        wire.send(&Connect::new("same").keeping().bytes()).await;
        wires.push(wire);
    }
    quiet.ping().await;
    let mut last = wires.pop().unwrap();
    for mut wire in wires {
        wire.hung_up().await;
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 100 {
        let body = last.wait_for(0x30).await;
        let (id, payload) = (&body[3..5], &body[5..]);
        last.send(&[0x40, 2, id[0], id[1]]).await;
        let at = payload.iter().rposition(|byte| !byte.is_ascii_digit());
        let number = &payload[at.map_or(0, |at| at + 1)..];
        seen.insert(String::from_utf8(number.to_vec()).unwrap());
    }
    let counts = stage.bus.counts().await;
    assert_eq!((counts.clients, counts.sessions), (2, 2), "{counts:?}");
}

#[tokio::test]
async fn wills_that_answer_each_other_end() {
    let stage = Stage::new().await;
    let everything = [TopicFilter::new("will/#").unwrap()];
    let mut heard = stage.bus.subscribe(&everything, 1000).await.unwrap();
    // Each will is on a topic to which the others have subscribed.
    let mut wires = Vec::new();
    for number in 0..50 {
        let mut wire = stage.dial().await;
        let hello = Connect {
            will: Some((format!("will/{number}"), b"gone".to_vec())),
            ..Connect::new(format!("w{number}"))
        };
        wire.send(&hello.bytes()).await;
        wire.wait_for(0x20).await;
        wire.subscribe("will/#", 1).await;
        wires.push(wire);
    }
    drop(wires);
    for _ in 0..50 {
        assert_eq!(&heard.next().await.unwrap().payload[..], b"gone");
    }
    stage
        .bus
        .publish(message("will/end", "", Qos::AtMostOnce))
        .await
        .unwrap();
    assert_eq!(
        heard.next().await.unwrap().topic.as_str(),
        "will/end",
        "one each"
    );
}

#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    let stage = Stage::new().await;
    let mut deaf = stage.client("deaf").await;
    deaf.subscribe("flood/#", 1).await;
    let mut ears = stage.client("ears").await;
    ears.subscribe("flood/#", 1).await;
    let payload = "x".repeat(10_000);
    let started = Instant::now();
    let reader = async {
        for _ in 0..15_000 {
            let body = ears.wait_for(0x30).await;
            let id = &body[9..11];
            ears.stream
                .write_all(&[0x40, 2, id[0], id[1]])
                .await
                .unwrap();
        }
    };
    let writer = async {
        for _ in 0..15_000 {
            let one = message("flood/a", &payload, Qos::AtLeastOnce);
            stage.bus.publish(one).await.unwrap();
        }
    };
    tokio::join!(reader, writer);
    println!(
        "15,000 messages of 10 kB beside one who does not read: {:?}",
        started.elapsed()
    );
    // A client that publishes waits for the deaf one at most once, and not for long.
    let mut client = stage.client("client").await;
    let started = Instant::now();
    for _ in 0..100 {
        assert_eq!(client.publish("flood/b", b"x").await, 0);
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn connections_are_bounded() {
    let stage = Stage::with(Limits {
        clients: 3,
        ..Limits::default()
    })
    .await;
    let mut wires = Vec::new();
    for number in 0..3 {
        wires.push(stage.client(&format!("c{number}")).await);
    }
    let mut one_more = stage.dial().await;
    one_more.send(&Connect::new("more").bytes()).await;
    one_more.hung_up().await;
    stage.refused("connections").await;
    for wire in &mut wires {
        wire.ping().await;
    }
    drop(wires);
    let end = tokio::time::Instant::now() + super::harness::PATIENCE;
    loop {
        let mut wire = stage.dial().await;
        wire.send(&Connect::new("later").bytes()).await;
        if wire.packet().await.is_some() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < end,
            "places are not given back"
        );
    }
}

#[tokio::test]
async fn a_listener_that_is_taken_away_takes_its_clients() {
    let stage = Stage::new().await;
    let mut wire = stage.client("c").await;
    let kept = stage.bus.listening()[0].inlet.clone();
    let other = inlet(Transport::WebSocket);
    assert!(stage.bus.listen(&[kept, other.clone()]).await.is_empty());
    wire.ping().await;
    assert_eq!(stage.bus.listening().len(), 2);
    assert!(stage.bus.listen(&[other]).await.is_empty());
    wire.hung_up().await;
    assert!(stage.bus.address(Transport::Tcp).is_none());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut busy = inlet(Transport::Tcp);
    busy.address = taken.local_addr().unwrap();
    assert_eq!(
        stage.bus.listen(&[busy]).await.len(),
        1,
        "the port is somebody else's"
    );
}

#[tokio::test]
async fn what_is_sent_at_once_is_taken_one_by_one() {
    let stage = Stage::new().await;
    let mut wire = stage.dial().await;
    let mut bytes = Connect::new("c").bytes();
    bytes.extend(subscribe(b"a", 1));
    for _ in 0..10 {
        bytes.extend(publish(b"a", b"x", 0x30, None, &[]));
    }
    for byte in bytes {
        wire.send(&[byte]).await;
    }
    wire.wait_for(0x20).await;
    wire.wait_for(0x90).await;
    for _ in 0..10 {
        wire.wait_for(0x30).await;
    }
}

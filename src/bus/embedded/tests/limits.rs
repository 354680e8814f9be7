//! What hostile clients send, byte by byte (H26 to H31, H33 to H35).

use mainstem_model::TopicFilter;

use super::harness::{Connect, Stage, message, packet, publish, subscribe, text, until, varint};
use crate::embedded::{CLIENT_ID_BYTES_MAX, Limits, RECEIVE_MAX, TOPIC_ALIAS_MAX};
use crate::{Bus, Publication, PublishError, Qos};

#[tokio::test]
async fn lengths_are_looked_at_before_anything_else() {
    let stage = Stage::new().await;
    for (bytes, word) in [
        (&[0x10, 0xff, 0xff, 0xff, 0x7f][..], "packet_size"),
        (&[0x10, 0x80, 0x80, 0x80, 0x80, 0x01], "length"),
        (&[0x30, 0x05, 0, 1, b'a', b'b', b'c'], "not_connect"),
        (b"GET / HTTP/1.1\r\n\r\n", "not_connect"),
    ] {
        let mut wire = stage.dial().await;
        wire.send(bytes).await;
        wire.hung_up().await;
        stage.refused(word).await;
    }
    for (bytes, word) in [
        (Connect::new("twice").bytes(), "second_connect"),
        (vec![0x30, 0xff, 0xff, 0xff, 0x7f], "packet_size"),
        (vec![0x30, 0xff, 0xff, 0xff, 0xff, 0x7f], "length"),
        (vec![0x20, 2, 0, 0], "packet_type"),
    ] {
        stage.gate.refused.lock().clear();
        let mut wire = stage.client("twice").await;
        wire.send(&bytes).await;
        wire.hung_up().await;
        stage.refused(word).await;
    }
    stage.client("as ever").await.ping().await;
}

#[tokio::test]
async fn client_ids_cannot_be_odd_or_leave_the_folder() {
    let stage = Stage::new().await;
    let odd: Vec<Vec<u8>> = vec![
        b"../../outside".to_vec(),
        b"..".to_vec(),
        b"a/b".to_vec(),
        b"a\\b".to_vec(),
        b"nul\0".to_vec(),
        b"bell\x07".to_vec(),
        "c1\u{85}".as_bytes().to_vec(),
        b"mainstem:0".to_vec(),
        vec![b'x'; CLIENT_ID_BYTES_MAX + 1],
        // 65,535 bytes are more than a CONNECT may have here.
        vec![b'x'; 65_535],
        vec![0xff, 0xfe],
    ];
    for id in odd {
        let mut wire = stage.dial().await;
        wire.send(&Connect::new(&id).keeping().bytes()).await;
        if let Some((kind, body)) = wire.packet().await {
            assert_eq!(kind, 0x20, "{id:?}");
            assert_ne!(body[1], 0, "{id:?}");
        }
        wire.hung_up().await;
    }
    let folder = stage.folder.as_ref().unwrap().path();
    let names: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(stage.bus.counts().await.sessions, 0);
    // The longest one, and what only looks odd.
    for id in [
        "x".repeat(CLIENT_ID_BYTES_MAX),
        "Gerät 1 (Halle)".to_owned(),
    ] {
        let mut wire = stage.dial().await;
        wire.send(&Connect::new(&id).keeping().bytes()).await;
        assert_eq!(wire.wait_for(0x20).await[1], 0, "{id}");
        assert_eq!(wire.subscribe("a", 1).await, 1);
    }
    let stage = stage.restart().await;
    assert_eq!(stage.bus.counts().await.sessions, 2);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let stage = Stage::with(Limits {
        sessions: 20,
        ..Limits::default()
    })
    .await;
    let mut let_in = 0;
    for number in 0..40 {
        let mut wire = stage.dial().await;
        let hello = Connect::new(format!("client{number}")).keeping();
        wire.send(&hello.bytes()).await;
        let body = wire.wait_for(0x20).await;
        let_in += u32::from(body[1] == 0);
        assert!(body[1] == 0 || body[1] == 0x97, "{body:?}");
        wire.send(&[0xe0, 0]).await;
        wire.hung_up().await;
    }
    assert_eq!(let_in, 20);
    stage.refused("sessions").await;
    // Those that have a session come back.
    let mut wire = stage.dial().await;
    wire.send(&Connect::new("client3").keeping().bytes()).await;
    assert_eq!(wire.wait_for(0x20).await[..2], [1, 0]);
}

#[tokio::test]
async fn topics_that_are_none_are_not_published() {
    let stage = Stage::new().await;
    let everything = [TopicFilter::new("#").unwrap()];
    let mut heard = stage.bus.subscribe(&everything, 100).await.unwrap();
    let slashes = vec![b'/'; 65_535];
    let bad: [&[u8]; 7] = [
        b"",
        b"a/+",
        b"#",
        b"a\0b",
        &slashes,
        b"$SYS/broker/x",
        &[0xff],
    ];
    for topic in bad {
        let mut wire = stage.client("c").await;
        wire.send(&publish(topic, b"x", 0x32, Some(1), &[])).await;
        // Refused with a reason, or the connection is ended.
        if let Some((kind, body)) = wire.packet().await {
            let reason = body.get(2).copied().unwrap_or_default();
            assert!(
                kind == 0xe0 || (kind == 0x40 && reason >= 0x80),
                "{topic:?}: {body:?}"
            );
        }
    }
    for filter in [&b""[..], b"a#", b"#/a", b"a\0", b"+a", &slashes] {
        let mut wire = stage.client("c").await;
        wire.send(&subscribe(filter, 1)).await;
        if let Some((kind, body)) = wire.packet().await {
            let reason = *body.last().unwrap();
            assert!(
                kind == 0xe0 || (kind == 0x90 && reason >= 0x80),
                "{filter:?}: {body:?}"
            );
        }
    }
    stage
        .bus
        .publish(message("end", "", Qos::AtMostOnce))
        .await
        .unwrap();
    assert_eq!(
        heard.next().await.unwrap().topic.as_str(),
        "end",
        "nothing else came"
    );
}

#[tokio::test]
async fn retained_messages_are_bounded_in_number_and_bytes() {
    let stage = Stage::with(Limits {
        retained_messages: 40,
        retained_bytes: 3000,
        ..Limits::default()
    })
    .await;
    let mut wire = stage.client("c").await;
    let mut retain = async |topic: String, bytes: usize| {
        let payload = vec![b'x'; bytes];
        wire.send(&publish(topic.as_bytes(), &payload, 0x33, Some(1), &[]))
            .await;
        wire.wait_for(0x40)
            .await
            .get(2)
            .copied()
            .unwrap_or_default()
    };
    let mut kept = 0;
    while retain(format!("n{kept}"), 1).await == 0 {
        kept += 1;
    }
    // The broker's own below $SYS count among them.
    assert!((10..=40).contains(&kept), "{kept}");
    assert_eq!(retain("one more".to_owned(), 1).await, 0x97);
    assert_eq!(
        retain("n1".to_owned(), 2).await,
        0,
        "a new one in place of an old one"
    );
    assert_eq!(
        retain("n2".to_owned(), 4000).await,
        0,
        "the last one for which there was room"
    );
    assert_eq!(
        retain("n3".to_owned(), 100).await,
        0x97,
        "no room for its bytes"
    );
    let own = Publication {
        retain: true,
        ..message("own", "xy", Qos::AtLeastOnce)
    };
    let refused = stage.bus.publish(own.clone()).await;
    assert!(
        matches!(refused, Err(PublishError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(retain("n2".to_owned(), 0).await, 0, "one is taken away");
    stage.bus.publish(own).await.unwrap();
    let counts = stage.bus.counts().await;
    assert_eq!(counts.retained, kept);
    assert!(counts.retained_bytes < 3000, "{counts:?}");
    let stage = stage.restart().await;
    assert_eq!(
        stage.bus.counts().await.retained_bytes,
        counts.retained_bytes
    );
}

#[tokio::test]
async fn what_is_begun_and_not_ended_is_bounded() {
    let stage = Stage::new().await;
    let mut wire = stage.client("c").await;
    // One packet id again and again is one message.
    for _ in 0..3 * RECEIVE_MAX {
        wire.send(&publish(b"a", b"x", 0x3c, Some(1), &[])).await;
        wire.wait_for(0x50).await;
    }
    for id in 2..=RECEIVE_MAX {
        wire.send(&publish(b"a", b"x", 0x34, Some(id), &[])).await;
        wire.wait_for(0x50).await;
    }
    wire.send(&publish(b"a", b"x", 0x34, Some(RECEIVE_MAX + 1), &[]))
        .await;
    let (kind, body) = wire.packet().await.unwrap();
    assert_eq!((kind, body[0]), (0xe0, 0x93), "receive maximum exceeded");
    wire.hung_up().await;
    stage.refused("protocol").await;
}

#[tokio::test]
async fn a_packet_id_used_twice_is_two_messages_only_after_its_end() {
    let stage = Stage::new().await;
    let everything = [TopicFilter::new("a").unwrap()];
    let mut heard = stage.bus.subscribe(&everything, 100).await.unwrap();
    let mut wire = stage.client("c").await;
    for text in ["one", "two"] {
        for first in [0x34, 0x3c, 0x3c] {
            wire.send(&publish(b"a", text.as_bytes(), first, Some(5), &[]))
                .await;
            wire.wait_for(0x50).await;
        }
        wire.send(&[0x62, 2, 0, 5]).await;
        wire.wait_for(0x70).await;
    }
    wire.send(&[0x62, 2, 0, 77]).await;
    assert_eq!(wire.wait_for(0x70).await[2], 0x92, "no such packet id");
    for text in ["one", "two"] {
        assert_eq!(&heard.next().await.unwrap().payload[..], text.as_bytes());
    }
    stage
        .bus
        .publish(message("a", "end", Qos::AtLeastOnce))
        .await
        .unwrap();
    assert_eq!(&heard.next().await.unwrap().payload[..], b"end");
}

#[tokio::test]
async fn properties_that_are_none_end_the_connection() {
    let stage = Stage::new().await;
    let alias = |number: u16| {
        let mut property = vec![0x23];
        property.extend(number.to_be_bytes());
        property
    };
    for (topic, properties) in [
        (&b"a"[..], alias(0)),
        (b"a", alias(TOPIC_ALIAS_MAX + 1)),
        (b"", alias(3)),
        // A subscription identifier is the broker's to send.
        (b"a", vec![0x0b, 1]),
        (b"a", vec![0x7e, 1]),
    ] {
        stage.gate.refused.lock().clear();
        let mut wire = stage.client("c").await;
        wire.send(&publish(topic, b"x", 0x30, None, &properties))
            .await;
        wire.hung_up().await;
        stage.refused("protocol").await;
    }
    let mut wire = stage.client("c").await;
    let mut body = vec![0, 7, 2, 0x0b, 0];
    body.extend(text(b"a"));
    body.push(1);
    wire.send(&packet(0x82, &body)).await;
    // The standard wants the end of the connection; the broker takes it as none (docs/MQTT.md).
    assert!(wire.packet().await.is_none_or(|(kind, _)| kind == 0x90));
    // Aliases that are some, up to the last.
    let mut wire = stage.client("c").await;
    let heard = [TopicFilter::new("a").unwrap()];
    let mut heard = stage.bus.subscribe(&heard, 100).await.unwrap();
    for number in 1..=TOPIC_ALIAS_MAX {
        wire.send(&publish(b"a", b"", 0x30, None, &alias(number)))
            .await;
        wire.send(&publish(b"", b"", 0x30, None, &alias(number)))
            .await;
    }
    for _ in 0..2 * TOPIC_ALIAS_MAX {
        heard.next().await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_properties_are_carried_or_refused_by_their_bytes() {
    let stage = Stage::new().await;
    let mut properties = Vec::new();
    for number in 0..10_000 {
        properties.push(0x26);
        properties.extend(text(b"k"));
        properties.extend(text(number.to_string().as_bytes()));
    }
    let mut listener = stage.client("listener").await;
    listener.subscribe("a", 0).await;
    let mut wire = stage.client("c").await;
    assert_eq!(wire.publish("b", b"").await, 0);
    wire.send(&publish(b"a", b"end", 0x32, Some(1), &properties))
        .await;
    wire.wait_for(0x40).await;
    let body = listener.wait_for(0x30).await;
    assert!(body.len() > properties.len() && body.ends_with(b"end"));
    // In a CONNECT they are more than somebody may send whom nobody knows.
    let mut stranger = stage.dial().await;
    let hello = Connect {
        properties,
        ..Connect::new("s")
    };
    stranger.send(&hello.bytes()).await;
    stranger.hung_up().await;
    stage.refused("packet_size").await;
}

#[tokio::test]
async fn subscriptions_of_one_client_are_bounded() {
    let stage = Stage::new().await;
    let mut wire = stage.client("c").await;
    let mut reasons = Vec::new();
    for part in 0..11 {
        let mut body = vec![0, 7, 0];
        for number in 0..100 {
            body.extend(text(format!("t/{part}/{number}").as_bytes()));
            body.push(0);
        }
        wire.send(&packet(0x82, &body)).await;
        let answer = wire.wait_for(0x90).await;
        reasons.extend_from_slice(&answer[answer.len() - 100..]);
    }
    let granted = reasons.iter().filter(|reason| **reason < 0x80).count();
    assert_eq!(
        (granted, reasons.len()),
        (crate::embedded::SUBSCRIPTIONS_MAX, 1100)
    );
}

#[tokio::test]
async fn random_bytes_disturb_nobody() {
    let stage = Stage::new().await;
    let mut quiet = stage.client("quiet").await;
    // A fixed sequence: what fails here fails again.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..300 {
        let mut wire = stage.client("noise").await;
        let mut bytes = Vec::new();
        for _ in 0..1 + random() % 4 {
            let kind = u8::try_from(random() % 256).unwrap();
            let length = usize::try_from(random() % 40).unwrap();
            bytes.push(kind);
            bytes.extend(varint(length));
            bytes.extend((0..length).map(|_| u8::try_from(random() % 256).unwrap()));
        }
        wire.send(&bytes).await;
        drop(wire);
        if round % 50 == 0 {
            quiet.ping().await;
        }
    }
    quiet.ping().await;
    let bus = &stage.bus;
    let end = tokio::time::Instant::now() + super::harness::PATIENCE;
    while bus.counts().await.clients > 1 {
        assert!(tokio::time::Instant::now() < end, "a connection stays");
        tokio::task::yield_now().await;
    }
    until("still there", || true).await;
}

//! The node's own messages, clients, and what outlasts a restart.

use super::harness::{Connect, PATIENCE, Stage, Wire, message, publish};
use crate::{Bus, Publication, PublishError, Qos, Subscription, TopicFilter};

fn filters(texts: &[&str]) -> Vec<TopicFilter> {
    let filter = |text: &&str| TopicFilter::new(text).unwrap();
    texts.iter().map(filter).collect()
}

async fn next(subscription: &mut Subscription) -> crate::Message {
    let next = tokio::time::timeout(PATIENCE, subscription.next()).await;
    next.expect("a message in time").expect("not stopped")
}

#[tokio::test]
async fn the_node_hears_itself_once_in_order_and_without_a_socket() {
    let stage = Stage::new().await;
    let (bus, all) = (&stage.bus, filters(&["a/+", "a/#", "a/b", "a/b"]));
    let mut heard = bus.subscribe(&all, 1000).await.unwrap();
    for number in 0..300 {
        let qos = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce][number % 3];
        let text = number.to_string();
        bus.publish(message("a/b", &text, qos)).await.unwrap();
    }
    let mut numbers: Vec<usize> = Vec::new();
    for _ in 0..300 {
        let message = next(&mut heard).await;
        assert_eq!(message.origin, Some(uuid::Uuid::from_u128(7)));
        assert!(message.publisher.is_none() && !message.retained);
        numbers.push(
            std::str::from_utf8(&message.payload)
                .unwrap()
                .parse()
                .unwrap(),
        );
    }
    // Each of the two channels keeps its order; each message came once.
    let sure: Vec<usize> = numbers.iter().copied().filter(|n| n % 3 != 0).collect();
    assert!(sure.is_sorted(), "{sure:?}");
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
    assert_eq!(heard.missed(), 0);
}

#[tokio::test]
async fn a_slow_subscription_of_the_node_misses_and_is_told_how_many() {
    let stage = Stage::new().await;
    let mut slow = stage.bus.subscribe(&filters(&["#"]), 10).await.unwrap();
    let mut quick = stage.bus.subscribe(&filters(&["#"]), 5000).await.unwrap();
    for _ in 0..2000 {
        let one = message("a", "x", Qos::AtLeastOnce);
        stage.bus.publish(one).await.unwrap();
    }
    for _ in 0..2000 {
        next(&mut quick).await;
    }
    super::harness::until("all arrived", || slow.missed() == 1990).await;
    for _ in 0..10 {
        next(&mut slow).await;
    }
    assert_eq!((slow.missed(), quick.missed()), (1990, 0));
    assert!(stage.bus.counts().await.missed >= 1990);
}

#[tokio::test]
async fn what_is_retained_is_told_to_who_comes_later() {
    let stage = Stage::new().await;
    let kept = Publication {
        retain: true,
        ..message("a/b", "1", Qos::AtLeastOnce)
    };
    stage.bus.publish(kept.clone()).await.unwrap();
    let stage = stage.restart().await;
    let mut late = stage
        .bus
        .subscribe(&filters(&["a/#", "#"]), 10)
        .await
        .unwrap();
    let message = next(&mut late).await;
    assert!(message.retained && &message.payload[..] == b"1");
    let emptied = Publication {
        payload: bytes::Bytes::new(),
        ..kept
    };
    stage.bus.publish(emptied).await.unwrap();
    assert!(!next(&mut late).await.retained);
    let mut none = stage.bus.subscribe(&filters(&["a/#"]), 10).await.unwrap();
    stage
        .bus
        .publish(super::harness::message("a/c", "2", Qos::AtMostOnce))
        .await
        .unwrap();
    assert_eq!(next(&mut none).await.topic.as_str(), "a/c");
}

#[tokio::test]
async fn clients_and_the_node_hear_each_other() {
    let stage = Stage::new().await;
    let mut heard = stage.bus.subscribe(&filters(&["up/#"]), 10).await.unwrap();
    let mut client = stage.client("c1").await;
    assert_eq!(client.subscribe("down/#", 1).await, 1);
    stage
        .bus
        .publish(message("down/x", "hello", Qos::AtLeastOnce))
        .await
        .unwrap();
    let body = client.wait_for(0x30).await;
    assert!(body.ends_with(b"hello"), "{body:?}");
    assert_eq!(client.publish("up/x", b"there").await, 0);
    let message = next(&mut heard).await;
    assert_eq!(message.publisher.as_deref(), Some("all"));
    assert_eq!(message.origin, None);
    // In MQTT 3.1.1 too, and a client cannot say that it is somebody else.
    let mut old = stage.dial().await;
    let hello = Connect {
        version: 4,
        ..Connect::new("c2")
    };
    old.send(&hello.bytes()).await;
    assert_eq!(old.packet().await, Some((0x20, vec![0, 0])));
    let mut body = super::harness::text(b"up/y");
    body.extend(b"old");
    old.send(&super::harness::packet(0x30, &body)).await;
    assert_eq!(&next(&mut heard).await.payload[..], b"old");
    let mut forged = vec![0x26];
    forged.extend(super::harness::text(b"x-mqtt-sender"));
    forged.extend(super::harness::text(b"admin"));
    client
        .send(&publish(b"up/z", b"", 0x30, None, &forged))
        .await;
    assert_eq!(next(&mut heard).await.publisher.as_deref(), Some("all"));
}

#[tokio::test]
async fn what_waits_for_a_client_outlasts_a_restart() {
    let stage = Stage::new().await;
    let hello = Connect::new("keeper").keeping();
    let mut client = stage.dial().await;
    client.send(&hello.bytes()).await;
    client.wait_for(0x20).await;
    client.subscribe("q/#", 1).await;
    client.send(&[0xe0, 0]).await;
    client.hung_up().await;
    for number in 0..20 {
        let text = number.to_string();
        stage
            .bus
            .publish(message("q/a", &text, Qos::AtLeastOnce))
            .await
            .unwrap();
    }
    let stage = stage.restart().await;
    let mut client: Wire = stage.dial().await;
    client.send(&hello.bytes()).await;
    assert_eq!(client.wait_for(0x20).await[0], 1, "the session is there");
    for number in 0..20 {
        let body = client.wait_for(0x30).await;
        assert!(
            body.ends_with(number.to_string().as_bytes()),
            "{number}: {body:?}"
        );
        let id = &body[5..7];
        client.send(&[0x40, 2, id[0], id[1]]).await;
    }
}

#[tokio::test]
async fn what_the_bus_does_not_take_is_said() {
    let stage = Stage::new().await;
    let large = message("a", &"x".repeat((1 << 20) + 1), Qos::AtMostOnce);
    let refused = stage.bus.publish(large).await;
    assert!(
        matches!(refused, Err(PublishError::TooLarge { .. })),
        "{refused:?}"
    );
    let own = stage
        .bus
        .publish(message("$SYS/x", "", Qos::AtMostOnce))
        .await;
    assert!(matches!(own, Err(PublishError::Refused(_))), "{own:?}");
    stage.bus.stop(PATIENCE).await;
    let late = stage.bus.publish(message("a", "", Qos::AtMostOnce)).await;
    assert!(matches!(late, Err(PublishError::Away(_))), "{late:?}");
}

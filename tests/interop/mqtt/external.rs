//! The bus at Mosquitto, which is stopped, killed, frozen and cut off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_bus::external::{ExternalBus, ExternalSetup, Version};
use mainstem_bus::{Bus, Publication, PublishError, Qos, SubscribeError};
use mainstem_security::{Credentials, Trust, device_config};
use uuid::Uuid;

use super::cuts::Cuts;
use super::mosquitto::{Mosquitto, free_port};
use super::{PATIENCE, filters, message, next, until};

fn setup(port: u16, version: Version) -> ExternalSetup {
    ExternalSetup {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        version,
        client_id: format!("mainstem-{}", Uuid::new_v4()),
        login: None,
        keep_alive: Duration::from_secs(1),
        session: Duration::from_secs(3600),
        packet_bytes: 1 << 20,
        node: Uuid::from_u128(7),
    }
}

async fn up(port: u16, version: Version) -> ExternalBus {
    let bus = ExternalBus::start(&setup(port, version));
    until(&bus, true).await;
    bus
}

/// Publishes until the broker has acknowledged it.
async fn surely(bus: &ExternalBus, publication: &Publication) {
    loop {
        match bus.publish(publication.clone()).await {
            Ok(()) => return,
            Err(PublishError::Away(_)) => until(bus, true).await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn hears_once_what_fits_many(version: Version) {
    let Some(mosquitto) = Mosquitto::start("").await else {
        return;
    };
    let (own, other) = (
        up(mosquitto.port, version).await,
        up(mosquitto.port, version).await,
    );
    let kept = Publication {
        retain: true,
        ..message("a/kept", "old", Qos::AtLeastOnce)
    };
    other.publish(kept).await.unwrap();
    let mut wide = own.subscribe(&filters(&["a/#"]), 1000).await.unwrap();
    let told = next(&mut wide).await;
    assert!(told.retained && &told.payload[..] == b"old");
    // Mosquitto sends one copy for each filter.
    let mut many = own
        .subscribe(&filters(&["a/+", "+/b", "a/b"]), 1000)
        .await
        .unwrap();
    let told = next(&mut many).await;
    assert!(told.retained && told.topic.as_str() == "a/kept");
    for number in 0..100 {
        let qos = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce][number % 3];
        other
            .publish(message("a/b", &number.to_string(), qos))
            .await
            .unwrap();
    }
    other
        .publish(message("a/end", "", Qos::AtLeastOnce))
        .await
        .unwrap();
    for subscription in [&mut wide, &mut many] {
        let mut heard: Vec<u32> = Vec::new();
        loop {
            let message = next(subscription).await;
            if message.topic.as_str() == "a/end" {
                break;
            }
            // MQTT 3.1.1 does not tell for whose filter it is.
            if version == Version::Three && message.retained {
                continue;
            }
            assert!(!message.retained, "known already: {message:?}");
            if version == Version::Five {
                assert_eq!(message.origin, Some(Uuid::from_u128(7)));
            }
            heard.push(
                std::str::from_utf8(&message.payload)
                    .unwrap()
                    .parse()
                    .unwrap(),
            );
        }
        // MQTT 3.1.1 does not tell by which filter a message comes.
        if version == Version::Three {
            heard.dedup();
        }
        assert_eq!(heard, (0..100).collect::<Vec<u32>>());
    }
    own.stop(PATIENCE).await;
    assert!(matches!(
        own.publish(message("a", "", Qos::AtMostOnce)).await,
        Err(PublishError::Away(_))
    ));
}

#[tokio::test]
async fn a_message_that_fits_several_filters_comes_once() {
    hears_once_what_fits_many(Version::Five).await;
}

#[tokio::test]
async fn the_older_version_hears_everything_too() {
    hears_once_what_fits_many(Version::Three).await;
}

/// 5000 numbers at 400 a second over a line that is cut four times for 1.5 s.
async fn loses_nothing_that_was_acknowledged(version: Version) {
    const NUMBERS: u32 = 5000;
    let Some(mosquitto) = Mosquitto::start("").await else {
        return;
    };
    let cuts = Cuts::to(mosquitto.port).await;
    let port = cuts.address.port();
    let (from, to) = (Arc::new(up(port, version).await), up(port, version).await);
    let room = usize::try_from(NUMBERS).unwrap() * 2;
    let mut heard = to.subscribe(&filters(&["n/#"]), room).await.unwrap();
    let sender = Arc::clone(&from);
    let sending = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_micros(2500));
        for number in 0..NUMBERS {
            pace.tick().await;
            surely(
                &sender,
                &message("n/a", &number.to_string(), Qos::AtLeastOnce),
            )
            .await;
        }
    });
    let mut cutting = tokio::time::interval(Duration::from_millis(1500));
    for _ in 0..4 {
        cutting.tick().await;
        cuts.cut();
        cutting.tick().await;
        cuts.heal();
    }
    tokio::time::timeout(PATIENCE * 4, sending)
        .await
        .unwrap()
        .unwrap();
    let mut counts = BTreeMap::<u32, u32>::new();
    while counts.len() < room / 2 {
        let message = next(&mut heard).await;
        let number: u32 = std::str::from_utf8(&message.payload)
            .unwrap()
            .parse()
            .unwrap();
        *counts.entry(number).or_default() += 1;
    }
    let twice = counts.values().filter(|count| **count > 1).count();
    assert_eq!(heard.missed(), 0);
    assert!(from.counts().connections >= 2, "the line was cut");
    // A number is sent again only if its acknowledgement was under way when the line was cut.
    assert!(twice <= 4 * 100, "{twice}");
}

#[tokio::test]
async fn what_was_acknowledged_arrives_over_a_line_that_is_cut() {
    loses_nothing_that_was_acknowledged(Version::Five).await;
}

#[tokio::test]
async fn what_was_acknowledged_arrives_in_the_older_version() {
    loses_nothing_that_was_acknowledged(Version::Three).await;
}

#[tokio::test]
async fn a_broker_that_stops_dies_or_freezes_is_an_outage_and_comes_back() {
    let Some(mut mosquitto) = Mosquitto::start("").await else {
        return;
    };
    let bus = up(mosquitto.port, Version::Five).await;
    let mut heard = bus.subscribe(&filters(&["x/+"]), 1000).await.unwrap();
    for signal in ["TERM", "KILL"] {
        mosquitto.restart(signal).await;
        surely(&bus, &message("x/a", signal, Qos::ExactlyOnce)).await;
        assert_eq!(&next(&mut heard).await.payload[..], signal.as_bytes());
    }
    mosquitto.signal("STOP");
    let held = bus
        .publish(message("x/a", "frozen", Qos::AtLeastOnce))
        .await;
    assert!(matches!(held, Err(PublishError::Away(_))), "{held:?}");
    until(&bus, false).await;
    let away = bus.publish(message("x/a", "away", Qos::AtMostOnce)).await;
    assert!(matches!(away, Err(PublishError::Away(_))), "{away:?}");
    let away = bus.subscribe(&filters(&["y"]), 1).await;
    assert!(matches!(away, Err(SubscribeError::Away(_))));
    mosquitto.signal("CONT");
    surely(&bus, &message("x/a", "thawed", Qos::AtLeastOnce)).await;
    // What nobody acknowledged may come, once or twice; what was acknowledged comes.
    while &next(&mut heard).await.payload[..] != b"thawed" {}
    assert!(bus.counts().unknown >= 1);
}

#[tokio::test]
async fn what_the_broker_refuses_is_said() {
    let acl = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(acl.path(), "topic readwrite ok/#\n").unwrap();
    std::os::unix::fs::chown(acl.path(), Some(0), Some(0)).unwrap();
    let more = format!("acl_file {}", acl.path().display());
    let Some(mosquitto) = Mosquitto::start(&more).await else {
        return;
    };
    let bus = up(mosquitto.port, Version::Five).await;
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        // More often than there may be messages in flight: each leaves a place blocked.
        for _ in 0..30 {
            match bus.publish(message("other", "", qos)).await {
                Err(PublishError::Refused(_)) => {}
                Err(PublishError::Away(_)) => until(&bus, true).await,
                answer => panic!("{answer:?}"),
            }
        }
        surely(&bus, &message("ok/a", "", qos)).await;
    }
    let large = "x".repeat((1 << 20) + 1);
    let refused = bus.publish(message("ok/a", &large, Qos::AtMostOnce)).await;
    assert!(matches!(refused, Err(PublishError::TooLarge { .. })));
}

#[tokio::test]
async fn tls_by_authority_and_by_pin_with_a_certificate_of_our_own() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    std::fs::write(place("ca"), authority_certificate.pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let mut pin = None;
    for name in ["broker", "node"] {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut leaf = rcgen::CertificateParams::new(names).unwrap();
        leaf.distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        std::fs::write(place(name), certificate.pem()).unwrap();
        std::fs::write(place(&format!("{name}.key")), key.serialize_pem()).unwrap();
        pin = pin.or(mainstem_security::Pin::of_certificate(certificate.der()));
    }
    let tls_port = free_port();
    let at = folder.path().display();
    let more = format!(
        "listener {tls_port} 127.0.0.1\ncafile {at}/ca\ncertfile {at}/broker\nkeyfile \
         {at}/broker.key\nrequire_certificate true\n"
    );
    let Some(_mosquitto) = Mosquitto::start(&more).await else {
        return;
    };
    let own = Credentials::Files {
        certificate: place("node"),
        key: place("node.key"),
    };
    for trust in [Trust::CaFile(place("ca")), Trust::Pin(pin.unwrap())] {
        let bus = ExternalBus::start(&ExternalSetup {
            tls: Some(device_config(&trust, Some(&own), Vec::new()).unwrap()),
            ..setup(tls_port, Version::Five)
        });
        until(&bus, true).await;
        let mut heard = bus.subscribe(&filters(&["t"]), 10).await.unwrap();
        bus.publish(message("t", "over TLS", Qos::AtLeastOnce))
            .await
            .unwrap();
        assert_eq!(&next(&mut heard).await.payload[..], b"over TLS");
    }
    // Another key, or no certificate of our own: an outage that says why.
    let stranger = "sha256:00".to_owned() + &"0".repeat(62);
    let stranger = Trust::Pin(stranger.parse().unwrap());
    for (trust, own) in [(stranger, Some(&own)), (Trust::Pin(pin.unwrap()), None)] {
        let bus = ExternalBus::start(&ExternalSetup {
            tls: Some(device_config(&trust, own, Vec::new()).unwrap()),
            ..setup(tls_port, Version::Five)
        });
        let mut state = bus.state();
        let said = state.wait_for(|state| match state {
            mainstem_bus::BusState::Up => panic!("let in"),
            mainstem_bus::BusState::Down(outage) => &*outage.cause != "not connected yet",
        });
        let said = tokio::time::timeout(PATIENCE, said).await.unwrap().unwrap();
        println!("{:?}", *said);
    }
}

//! A connection that breaks while the server lives: nothing is lost that the server could keep.

use super::relay::Relay;
use super::security::{speed, trust_all};
use super::*;

struct Place {
    folder: TempDir,
    device: Device,
    relay: Relay,
    policy: &'static str,
}

async fn place(python: &Path, policy: &'static str, transfer: bool) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let policies = ["NoSecurity", "Aes256Sha256RsaPss_SignAndEncrypt"];
    let options = json!({ "policies": policies, "transfer": transfer });
    let device = Device::plant(python, folder.path(), 0, &options).await;
    let relay = Relay::start(device.port(), None).await;
    Place {
        folder,
        device,
        relay,
        policy,
    }
}

impl Place {
    fn start(&self) -> Session {
        let options = json!({
            "endpointUrl": format!("opc.tcp://127.0.0.1:{}/plant/", self.relay.port),
            "securityPolicy": self.policy, "requestTimeout": 30_000,
            "username": "operator", "password": "right", "keepAlive": 2_000,
        });
        let mut endpoints = speed();
        endpoints[0].operation["queueSize"] = 10.into();
        // A sign of life every second, so that a subscription without one is soon missed.
        endpoints[0].stale_after = Some(Duration::from_secs(2));
        // What never changes has to be good again, too.
        endpoints.push(subscribed("level", "u8", "i=2267"));
        Session::start(built(&KIND, self.folder.path(), options, endpoints).adapter)
    }

    async fn open(&self) -> Session {
        if self.policy != "None" {
            self.start().end().await.1.unwrap_err();
            trust_all(&self.folder);
        }
        let session = self.start();
        session.until_value(0, Value::F64(1.0)).await;
        session.until_value(1, Value::UInt(255)).await;
        // Its subscription is known to be whole from here on.
        assert_eq!(session.write(0, Value::F64(1.5)).await, APPLIED);
        session.until_value(0, Value::F64(1.5)).await;
        session
    }

    /// Cuts the connection and changes the value meanwhile.
    async fn cut(&mut self, session: Session) -> Session {
        self.relay.cut().await;
        let (adapter, ended) = session.end().await;
        assert_eq!(ended.unwrap_err().code(), "connection_closed");
        // Nobody is there, and the session is not forgotten because of that.
        let (adapter, ended) = Session::start(adapter).end().await;
        assert!(matches!(ended, Err(SessionEnd::Lost { .. })), "{ended:?}");
        for value in [2, 3, 4] {
            self.device.tell(json!(["set", value, 0])).await;
        }
        self.relay.mend().await;
        Session::start(adapter)
    }
}

fn numbers(session: &Session) -> Vec<f64> {
    let all = session.recorder.all().into_iter();
    let number = |reading: mainstem_adapter::Reading| match reading.value {
        Some(Value::F64(number)) => Some(number),
        _ => None,
    };
    let mut numbers: Vec<_> = all.filter_map(number).collect();
    numbers.dedup();
    numbers
}

#[tokio::test]
async fn a_session_goes_on_after_a_cut_and_brings_what_was_missed() {
    let Some(python) = python() else { return };
    for policy in ["None", "Aes256Sha256RsaPss"] {
        let mut place = place(&python, policy, false).await;
        let session = place.open().await;
        let before = place.device.tell(json!(["sessions"])).await;
        let session = place.cut(session).await;
        session.until_value(0, Value::F64(4.0)).await;
        session.until_value(1, Value::UInt(255)).await;
        assert_eq!(numbers(&session), [2.0, 3.0, 4.0], "{policy}");
        let after = place.device.tell(json!(["sessions"])).await;
        assert_eq!(before, after, "{policy}: the same session");

        assert_eq!(session.write(0, Value::F64(7.0)).await, APPLIED);
        session.until_value(0, Value::F64(7.0)).await;
        session.stop().await.1.unwrap();
    }
}

#[tokio::test]
async fn subscriptions_are_taken_over_by_another_session() {
    let Some(python) = python() else { return };
    let mut place = place(&python, "None", true).await;
    let session = place.open().await;
    place.device.tell(json!(["forget"])).await;
    let session = place.cut(session).await;
    session.until_value(0, Value::F64(4.0)).await;
    session.until_value(1, Value::UInt(255)).await;
    assert_eq!(numbers(&session), [2.0, 3.0, 4.0]);
    place.device.tell(json!(["set", 5, 0])).await;
    session.until_value(0, Value::F64(5.0)).await;
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_subscription_that_falls_silent_is_missed() {
    let Some(python) = python() else { return };
    let mut place = place(&python, "None", false).await;
    let session = place.open().await;
    place.device.tell(json!(["forget"])).await;
    // It is taken over, and this server does not know where to send what it has.
    let session = place.cut(session).await;
    let (adapter, ended) = session.end().await;
    assert_eq!(ended.unwrap_err().code(), "subscription_lost");
    place.device.tell(json!(["set", 5, 0])).await;
    let session = Session::start(adapter);
    session.until_value(0, Value::F64(5.0)).await;
    session.stop().await.1.unwrap();
}

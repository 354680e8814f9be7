//! Redundant sets of foreign servers, each a process of its own.

use mainstem_model::Quality;

use super::security::speed;
use super::*;

struct Set {
    folder: TempDir,
    devices: Vec<Device>,
}

async fn set(python: &Path, levels: &[u8]) -> Set {
    let folder = tempfile::tempdir().unwrap();
    let mut devices = Vec::new();
    for level in levels {
        let options = json!({ "level": level });
        devices.push(Device::plant(python, folder.path(), 0, &options).await);
    }
    Set { folder, devices }
}

impl Set {
    fn start(&self, urls: &[&str]) -> Session {
        let options = json!({
            "endpoints": urls, "securityPolicy": "None", "serviceLevelInterval": 200,
            "requestTimeout": 2_000, "keepAlive": 1_000,
        });
        Session::start(built(&KIND, self.folder.path(), options, speed()).adapter)
    }

    fn urls(&self) -> Vec<&str> {
        let urls = self.devices.iter();
        urls.map(|device| device.url.as_str()).collect()
    }

    async fn level(&mut self, index: usize, level: u8) {
        self.devices[index].tell(json!(["level", level])).await;
    }

    async fn set(&mut self, index: usize, value: f64, age: f64) {
        self.devices[index].tell(json!(["set", value, age])).await;
    }
}

fn numbers(session: &Session) -> Vec<f64> {
    let all = session.recorder.all();
    assert!(
        all.iter().all(|reading| reading.quality == Quality::GOOD),
        "{all:?}"
    );
    let number = |reading: &mainstem_adapter::Reading| match reading.value {
        Some(Value::F64(number)) => number,
        ref other => panic!("{other:?}"),
    };
    let mut numbers: Vec<_> = all.iter().map(number).collect();
    numbers.dedup();
    numbers
}

async fn until_peer(session: &Session, url: &str) {
    session
        .until(&format!("{url} is used"), |_| {
            let peer = session.statistics.snapshot().peer;
            (peer.as_deref() == Some(url)).then_some(())
        })
        .await;
}

#[tokio::test]
async fn the_next_server_takes_over_and_nobody_sees_an_old_value() {
    let Some(python) = python() else { return };
    let mut set = set(&python, &[255, 150, 100]).await;
    set.set(0, 10.0, 5.0).await;
    // The others are behind.
    set.set(1, 9.0, 60.0).await;
    set.set(2, 8.0, 90.0).await;
    let urls: Vec<_> = set.urls().into_iter().map(str::to_owned).collect();
    let session = set.start(&set.urls());
    session.until_value(0, Value::F64(10.0)).await;
    until_peer(&session, &urls[0]).await;

    // It is about to be serviced.
    set.level(0, 0).await;
    until_peer(&session, &urls[1]).await;
    set.set(1, 11.0, 0.0).await;
    session.until_value(0, Value::F64(11.0)).await;
    assert_eq!(session.write(0, Value::F64(12.0)).await, APPLIED);
    session.until_value(0, Value::F64(12.0)).await;

    // A server that dies without a word.
    set.level(0, 0).await;
    let mut dead = set.devices.remove(1);
    dead.process.kill().await.unwrap();
    until_peer(&session, &urls[2]).await;
    set.set(1, 13.0, 0.0).await;
    session.until_value(0, Value::F64(13.0)).await;

    // A healthy one is found again.
    set.set(0, 12.5, 30.0).await;
    set.level(0, 255).await;
    until_peer(&session, &urls[0]).await;
    set.set(0, 14.0, 0.0).await;
    session.until_value(0, Value::F64(14.0)).await;
    assert_eq!(numbers(&session), [10.0, 11.0, 12.0, 13.0, 14.0]);
    session.stop().await.1.unwrap();
}

#[tokio::test]
async fn a_dead_server_of_the_set_delays_nobody_and_all_dead_say_why() {
    let Some(python) = python() else { return };
    let mut set = set(&python, &[255]).await;
    // Takes connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = (
        format!("opc.tcp://{}/", silent.local_addr().unwrap()),
        silent,
    );
    let urls = [silent.0.as_str(), set.devices[0].url.as_str()];
    let session = set.start(&urls);
    session.until_value(0, Value::F64(1.0)).await;
    assert_eq!(session.statistics.snapshot().peer.as_deref(), Some(urls[1]));
    session
        .until("the silent one is counted", |_| {
            let errors = session.statistics.snapshot().errors;
            errors.contains_key("timeout").then_some(())
        })
        .await;
    set.devices[0].process.kill().await.unwrap();
    let (adapter, ended) = session.end().await;
    ended.unwrap_err();
    let ended = Session::start(adapter).end().await.1.unwrap_err();
    let message = ended.to_string();
    for device in urls_of(&silent.0, &set) {
        assert!(message.contains(&device), "{message}");
    }
}

fn urls_of(silent: &str, set: &Set) -> [String; 2] {
    [silent.to_owned(), set.devices[0].url.clone()]
}

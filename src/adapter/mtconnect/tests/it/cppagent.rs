//! The agent of the MTConnect Institute (cppagent), where one is at hand: no Debian package and no
//! registry has it, so `MAINSTEM_CPPAGENT` names the program. It reads the tests' own adapter.

use std::process::Stdio;

use mainstem_adapter::conformance::{PATIENCE, left_out};
use mainstem_model::{Reason, Value};
use serde_json::json;

use crate::rig::{agent, content, count, machine, read};

const DEVICES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:1.3">
<Header creationTime="2010-03-04T18:44:40+00:00" sender="localhost" instanceId="1" bufferSize="131072" version="1.3"/>
<Devices><Device id="d" name="mill" uuid="u1"><DataItems>
<DataItem category="EVENT" id="avail" type="AVAILABILITY"/>
<DataItem category="SAMPLE" id="x2" name="Xact" type="POSITION" subType="ACTUAL" units="MILLIMETER" nativeUnits="MILLIMETER"/>
<DataItem category="EVENT" id="exec" name="execution" type="EXECUTION"/>
<DataItem category="EVENT" id="msg" type="MESSAGE"/>
<DataItem category="CONDITION" id="sys" type="SYSTEM"/>
</DataItems></Device></Devices></MTConnectDevices>"#;

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn program() -> Option<std::ffi::OsString> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    let program = std::env::var_os("MAINSTEM_CPPAGENT");
    if program.is_none() {
        left_out(
            "MTConnect against cppagent",
            "MAINSTEM_CPPAGENT names no agent",
        );
    }
    program
}

/// A folder with what the agent has to know.
fn configured(port: u16, adapter: u16) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("mainstem-cppagent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("devices.xml"), DEVICES).unwrap();
    let config = format!(
        "Devices = devices.xml\nPort = {port}\nBufferSize = 8\nReconnectInterval = 200\n\
         Adapters {{\n mill {{\n Host = 127.0.0.1\n Port = {adapter}\n }}\n}}\n\
         logger_config {{\n logging_level = error\n output = file agent.log\n}}\n"
    );
    std::fs::write(folder.join("agent.cfg"), config).unwrap();
    folder
}

/// Waits until somebody listens.
async fn answers(port: u16) {
    let begun = std::time::Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .is_err()
    {
        assert!(begun.elapsed() < PATIENCE, "the agent does not answer");
        tokio::task::yield_now().await;
    }
}

/// An agent's instance is the second in which it began, by a clock that lags a little: that one and
/// the next have to be over.
async fn another_second() {
    let second = || jiff::Timestamp::now().as_second();
    let begun = second();
    while second() <= begun + 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_an_adapter_says_comes_through_a_real_agent() {
    let Some(program) = program() else { return };
    let Some(mut machine) = machine(&["--heartbeat", "1000"]).await else {
        return;
    };
    let port = free_port();
    let folder = configured(port, machine.port());
    let start = || {
        let mut command = tokio::process::Command::new(&program);
        command.args(["run", "agent.cfg"]).current_dir(&folder);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.kill_on_drop(true).spawn().unwrap()
    };
    let mut real = start();
    let endpoints = vec![
        read("Xact", "sample"),
        read("exec", "event"),
        read("sys", "condition"),
        read("msg", "message"),
        read("avail", "event"),
    ];
    answers(port).await;
    let mut rig = agent(
        port,
        &json!({ "device": "mill", "heartbeat": 1000 }),
        endpoints,
    );
    rig.until("the state", |seen| {
        seen.value(0) == Some(&Value::F64(1.5)) && seen.value(1) == Some(&Value::text("READY"))
    })
    .await;
    assert_eq!(rig.seen().reason(2), Some(Reason::DeviceDown));
    machine.command("condition sys fault F1 too hot").await;
    machine.command("condition sys warning W1 low").await;
    machine.command("observe msg door open").await;
    let seen = rig
        .until("fault and message", |seen| {
            let has_both = |text: &str| text.contains("F1") && text.contains("W1");
            let both = matches!(seen.value(2), Some(Value::Json(text)) if has_both(text));
            both && seen.good(3) > 0
        })
        .await;
    assert_eq!(content(seen.value(2))["level"], "fault");
    assert_eq!(
        content(seen.value(3)),
        json!({ "code": "M1", "text": "door open" })
    );
    for number in 0..100 {
        machine.command(&format!("observe x2 {number}.5")).await;
    }
    rig.until("all", |seen| {
        seen.good(0) >= 101 && seen.value(0) == Some(&Value::F64(99.5))
    })
    .await;
    assert_eq!(count(&rig, "gap"), 0);
    // The agent dies and comes back: another instance, read anew.
    real.kill().await.unwrap();
    rig.ended().await.unwrap_err();
    another_second().await;
    let _second = start();
    answers(port).await;
    rig.start();
    machine.command("observe x2 7").await;
    rig.until("seven", |seen| {
        seen.value(0) == Some(&Value::F64(7.0)) && seen.online == 2
    })
    .await;
    let errors = rig.statistics.snapshot().errors;
    assert_eq!(errors.get("agent_restarted"), Some(&1), "{errors:?}");
    assert_eq!(errors.get("gap"), None, "{errors:?}");
    rig.stopped().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

//! Programs that do what they should not.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::conformance::Rig;
use mainstem_adapter::{AdapterState, Standing};
use mainstem_model::Value;
use serde_json::json;

use super::spec;
use crate::KIND;

const LIMIT: Duration = Duration::from_secs(20);
const HELLO: &str = r#"echo '{"hello":{"protocol":1}}';"#;

/// A connector that is a script of the shell.
fn rig(script: &str) -> Rig {
    let connection = json!({
        "command": ["sh", "-c", script],
        "connectTimeoutMs": 1000,
        "answerTimeoutMs": 300,
        "silenceMs": 900,
        "intervalMs": 50,
        "environment": { "GIVEN": "yes" },
    });
    Rig::start(KIND, spec(connection, Path::new("/")))
}

/// The first cause that is told.
async fn cause(rig: &Rig) -> (String, String) {
    let told = |standings: &[Standing]| {
        let causes = standings
            .iter()
            .filter_map(|standing| standing.cause.clone());
        causes
            .map(|cause| (cause.code.to_string(), cause.message.to_string()))
            .next()
    };
    let cause = rig
        .witness
        .until("a cause", LIMIT, |seen| told(&seen.standings))
        .await;
    rig.runner.stop().await;
    cause
}

async fn expect(script: &str, code: &str, words: &str) {
    let (found, message) = cause(&rig(script)).await;
    assert!(
        found == code && message.contains(words),
        "{found}: {message}"
    );
}

#[tokio::test]
async fn what_a_program_does_wrong_is_told_with_its_last_words() {
    expect(
        "echo too bad >&2; exit 3",
        "ended",
        "exit status: 3); it said last: too bad",
    )
    .await;
    expect("exit 0", "ended", "said nothing").await;
    expect("echo hello", "invalid_line", "no line of the protocol").await;
    expect("echo '{}'; cat", "misconfigured", "is no hello").await;
    let newer = r#"echo '{"hello":{"protocol":2}}'; cat >/dev/null"#;
    expect(newer, "misconfigured", "speaks version 2").await;
    expect(
        "exec cat >/dev/null",
        "timeout",
        "did not say hello in time",
    )
    .await;
    expect(
        &format!("{HELLO} cat >/dev/null"),
        "timeout",
        "did not connect",
    )
    .await;
    let refuses =
        format!(r#"{HELLO} echo '{{"failed":{{"message":"no licence"}}}}'; cat >/dev/null"#);
    expect(&refuses, "connector", "no licence").await;
    // A line without an end costs no more memory than the longest line may.
    expect(
        &format!("{HELLO} cat /dev/zero"),
        "ended",
        "a line of more than",
    )
    .await;
}

#[tokio::test]
async fn a_configuration_that_the_programs_schema_forbids_is_told_without_its_values() {
    let hello = json!({"hello": {"protocol": 1, "schema": {
        "config": {"type": "object", "required": ["port"]},
        "address": {"type": "object", "properties": {"signal": {"enum": ["inflow"]}}},
    }}});
    let rig = rig(&format!("echo '{hello}'; cat >/dev/null"));
    let (code, message) = cause(&rig).await;
    assert_eq!(code, "misconfigured");
    assert!(
        message.contains("\"port\" is a required property"),
        "{message}"
    );
    assert!(message.contains("level: address/signal"), "{message}");
    assert!(
        !message.contains("\"level\""),
        "a value is shown: {message}"
    );
}

#[tokio::test]
async fn a_missing_program_is_a_mistake_in_the_configuration() {
    let connection = json!({ "command": ["./no/such/program"] });
    let rig = Rig::start(KIND, spec(connection, Path::new("/")));
    let (code, message) = cause(&rig).await;
    assert_eq!(code, "misconfigured");
    assert!(
        message.contains("/./no/such/program cannot be started"),
        "{message}"
    );
}

/// Connected, and deaf from then on.
#[tokio::test]
async fn a_program_that_falls_silent_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let script = format!(
        "echo x >>{}; {HELLO} echo '{{\"connected\":true}}'; exec cat >/dev/null",
        starts.display()
    );
    let rig = rig(&script);
    rig.witness.until_state(AdapterState::Online, LIMIT).await;
    let answer = rig.write("inflow", Value::F64(1.0), LIMIT).await;
    assert!(
        format!("{answer:?}").contains("did not answer within"),
        "{answer:?}"
    );
    let again = || std::fs::read(&starts).is_ok_and(|lines| lines.len() >= 4);
    rig.witness
        .until("a second start", LIMIT, |_| again().then_some(()))
        .await;
    rig.runner.stop().await;
}

/// The program's own children, its environment, and its end when the adapter stops.
#[tokio::test]
async fn nothing_of_a_program_outlasts_its_adapter_and_little_is_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (child, environment) = (
        folder.path().join("child"),
        folder.path().join("environment"),
    );
    let script = format!(
        "env >{}; sleep 1000 & echo $! >{}.new; mv {}.new {}; {HELLO} \
         echo '{{\"connected\":true}}'; exec cat >/dev/null",
        environment.display(),
        child.display(),
        child.display(),
        child.display(),
    );
    let rig = rig(&script);
    rig.witness.until_state(AdapterState::Online, LIMIT).await;
    let number = std::fs::read_to_string(&child).unwrap();
    let running = || {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
        status.is_ok_and(|status| !status.contains(") Z "))
    };
    assert!(running());
    rig.runner.stop().await;
    let gone = async {
        while running() {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(LIMIT, gone).await;
    assert!(gone.is_ok(), "a child of the program goes on");
    let environment = std::fs::read_to_string(&environment).unwrap();
    assert!(environment.contains("GIVEN=yes") && environment.contains("PATH="));
    assert!(!environment.contains("CARGO"), "{environment}");
}

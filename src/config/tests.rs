//! Whole files: faulty ones against what is said about them, a good one against what is made of it.

mod kinds;
mod loggers;
mod node_file;
mod renaming;

use std::path::{Path, PathBuf};

use crate::load::load_with;
use crate::{NodeConfig, Problems};

/// Set to write the fixtures' `expected.txt` anew; then read the difference.
const BLESS: &str = "MAINSTEM_BLESS";

fn environment(name: &str) -> Option<String> {
    match name {
        "PLC_PASSWORD" => Some("geheim-geheim-geheim".into()),
        "CONTROLLER" => Some("plc-seven.example".into()),
        _ => None,
    }
}

fn load(path: &Path) -> Result<NodeConfig, Problems> {
    load_with(path, &kinds::KINDS, &environment)
}

fn load_text(text: &str) -> Result<NodeConfig, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
fn every_fixture_says_what_it_should() {
    let folder = fixtures();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 15, "the fixtures are where they were");
    let mut wrong = Vec::new();
    for case in cases {
        let problems = load(&case.join("node.yaml")).expect_err("a faulty file");
        let said = format!("{problems}\n").replace(&format!("{}/", case.display()), "");
        assert!(
            !said.contains("geheim") && !said.contains("hunter2"),
            "a secret:\n{said}"
        );
        let expected = case.join("expected.txt");
        if std::env::var_os(BLESS).is_some() {
            std::fs::write(&expected, &said).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn problems_are_json_too() {
    let problems = load_text("version: 1\nnode: { nmae: line1 }\n").unwrap_err();
    let json = problems.to_json();
    let first = &json["problems"][0];
    assert_eq!(first["line"], 2);
    assert_eq!(first["column"], 9);
    assert_eq!(first["key"], "node.nmae");
    assert_eq!(first["nearest"], "name");
    assert!(
        first["expected"].as_str().unwrap().contains("`data`"),
        "{json:#}"
    );
}

#[test]
fn the_smallest_file_has_the_defaults() {
    let config = load_text("version: 1\nnode:\n  name: line1\nfeed:\nlimits:\n").unwrap();
    assert_eq!(config.feed.log_bytes, 16 << 20);
    assert_eq!(config.limits.connections, 1024);
    assert_eq!(config.listen.len(), 1);
    assert!(config.unix_socket.unwrap().ends_with("data/mainstem.sock"));
    assert!(config.adapters.is_empty() && config.remotes.is_empty());
}

const GOOD: &str = r#"
version: 1
node: { name: line1, data: state }
unix_socket: off
definitions:
  host: 10.0.0.7
  usual: { interval: 500, fc: 3 }
  delays: &delays { initialDelay: 2000, maxDelay: 5s }
resources:
  plc1:
    type: Cybus::Connection
    properties:
      protocol: modbus
      connection:
        host: !sub '${host}'
        password: "${env:PLC_PASSWORD}"
        connectionStrategy: { <<: *delays, maxDelay: 10s }
  temperature:
    type: Endpoint
    properties:
      protocol: Modbus
      connection: !ref plc1
      subscribe: !merge [ !ref usual, { address: 7, length: 2 } ]
      unit: °C
      access: rw
      scaling: { factor: 0.1 }
  speed:
    type: Endpoint
    properties: { connection: plc1, write: { fc: 6, address: 9 }, name: plc1.motor.speed }
  line0:
    type: Remote
    properties:
      address: [ "https://10.0.0.8:8443", "https://[::1]" ]
      token: "${env:PLC_PASSWORD}-and-more"
      pin: "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      mode: poll
      drift: 0
      dataloggers: a; b
"#;

#[test]
fn a_good_file_is_resolved() {
    let config = load_text(GOOD)
        .map_err(|problems| panic!("{problems}"))
        .unwrap();
    assert_eq!(config.unix_socket, None);
    let [plc] = config.adapters.as_slice() else {
        panic!("one adapter")
    };
    assert_eq!(plc.spec.connection["host"], "10.0.0.7");
    assert_eq!(plc.spec.connection["password"], "geheim-geheim-geheim");
    assert!(plc.spec.connection.get("connectionStrategy").is_none());
    assert_eq!(plc.strategy.initial_delay.as_secs(), 2);
    assert_eq!(plc.strategy.max_delay.as_secs(), 10);
    let names: Vec<&str> = plc.spec.endpoints.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["temperature", "motor.speed"]);
    let temperature = &plc.spec.endpoints[0];
    assert_eq!(temperature.interval.unwrap().as_millis(), 500);
    assert_eq!(temperature.operation["address"], 7);
    assert_eq!(temperature.access.as_str(), "rw");
    assert_eq!(plc.spec.endpoints[1].access.as_str(), "w");
    let [remote] = config.remotes.as_slice() else {
        panic!("one remote")
    };
    assert_eq!(remote.routes[1].to_string(), "https://[::1]");
    assert_eq!(remote.profile, mainstem_remote::Profile::Poll);
    assert_eq!(remote.token.expose(), "geheim-geheim-geheim-and-more");
    assert_eq!((remote.drift, remote.data_loggers.len()), (None, 2));
    assert!(!format!("{remote:?}").contains("geheim"));
}

#[test]
fn a_large_file_takes_no_long_time() {
    let mut text = GOOD.to_owned();
    for index in 0..5000 {
        let fc = if index % 10 == 0 { "seven" } else { "3" };
        text.push_str(&format!(
            "  e{index}:\n    type: Endpoint\n    properties:\n      connection: !ref plc1\n      \
             subscribe: {{ fc: {fc}, address: {index}, length: 1, interval: 1000 }}\n"
        ));
    }
    let begin = std::time::Instant::now();
    let problems = load_text(&text).unwrap_err();
    assert_eq!((problems.problems.len(), problems.left_out), (500, 0));
    assert!(load_text(&text.replace("seven", "4")).is_ok());
    // Far above what it takes without optimisation; a square of the endpoints takes minutes.
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

#[test]
fn parts_compare_one_by_one() {
    let (a, b) = (
        load_text(GOOD).unwrap(),
        load_text(&GOOD.replace("7, length", "8, length")),
    );
    let b = b.unwrap();
    assert_eq!(
        (&a.remotes, &a.feed, &a.limits),
        (&b.remotes, &b.feed, &b.limits)
    );
    assert_ne!(
        a.adapters[0].spec.endpoints[0],
        b.adapters[0].spec.endpoints[0]
    );
    assert_eq!(
        a.adapters[0].spec.endpoints[1],
        b.adapters[0].spec.endpoints[1]
    );
}

use std::sync::Arc;

use mainstem_model::ManualClock;
use serde_json::json;

use super::*;
use crate::token::{Refusal, Tokens};

fn parse(value: serde_json::Value) -> AccessConfig {
    serde_json::from_value(value).unwrap()
}

fn resolve(text: &str) -> Result<Secret, SecretError> {
    Secret::resolve(text, &|name| (name == "SCADA").then(|| "s3cret".to_owned()))
}

#[test]
fn a_good_file_gives_roles_and_tokens() {
    let config = parse(json!({
        "roles": {"operator": {"read": ["**"], "write": ["!line1.safety.**", "line1.**"]}},
        "tokens": [
            {"name": "scada", "role": "operator", "secret": "${env:SCADA}"},
            {"name": "old", "role": "viewer", "hash": format!("sha256:{}", "0".repeat(64)),
             "expires": "2027-01-01T00:00:00Z", "provide": "mes"},
        ]
    }));
    assert_eq!(config.check(), []);
    let (declared, problems) = config.tokens(&resolve);
    assert_eq!(problems, []);
    let folder = tempfile::tempdir().unwrap();
    let roles = Arc::new(config.roles());
    let clock = Arc::new(ManualClock::default());
    let tokens = Tokens::open(folder.path(), roles, declared, clock).unwrap();
    let scada = tokens.verify("s3cret", None).unwrap().principal;
    assert!(scada.may_write("line1.pump").allowed);
    assert!(!scada.may_write("line1.safety.stop").allowed && !scada.rights.admin);
    assert_eq!(tokens.verify("other", None).unwrap_err(), Refusal::Unknown);
}

#[test]
fn every_problem_is_told_at_once() {
    let config = parse(json!({
        "roles": {
            "admin": {},
            "bad": {"read": ["a..b"], "write": ["ok", ""], "provide": "a b"},
        },
        "tokens": [
            {"name": "x", "role": "boss", "hash": "md5:1"},
            {"name": "x", "role": "viewer", "secret": "in the clear"},
            {"name": "y", "role": "viewer", "expires": "tomorrow", "provide": ""},
        ]
    }));
    let at: Vec<String> = config
        .check()
        .into_iter()
        .map(|problem| problem.at)
        .collect();
    let expected = [
        "roles.admin",
        "roles.bad.read[0]",
        "roles.bad.write[1]",
        "roles.bad.provide",
        "tokens[0].role",
        "tokens[0].hash",
        "tokens[1].name",
        "tokens[1].secret",
        "tokens[2]",
        "tokens[2].expires",
        "tokens[2].provide",
    ];
    assert_eq!(at, expected);
}

#[test]
fn unknown_keys_are_refused() {
    for bad in [
        json!({"role": {}}),
        json!({"roles": {"x": {"reed": []}}}),
        json!({"tokens": [{"name": "x", "role": "viewer", "token": "t"}]}),
    ] {
        assert!(
            serde_json::from_value::<AccessConfig>(bad.clone()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn a_secret_that_is_not_there_is_a_problem() {
    let config =
        parse(json!({"tokens": [{"name": "x", "role": "viewer", "secret": "${env:NOPE}"}]}));
    assert_eq!(config.check(), []);
    let (declared, problems) = config.tokens(&resolve);
    assert!(declared.is_empty());
    assert!(problems[0].text.contains("NOPE"), "{problems:?}");
}

#[test]
fn limits_and_schema() {
    let role = RoleConfig {
        read: vec!["**".into(); PATTERNS_MAX + 1],
        ..RoleConfig::default()
    };
    let config = AccessConfig {
        roles: [("r".to_owned(), role)].into(),
        tokens: Vec::new(),
    };
    assert_eq!(config.check()[0].at, "roles.r.read");
    let schema = schemars::schema_for!(AccessConfig);
    assert!(schema.to_value().pointer("/properties/tokens").is_some());
}

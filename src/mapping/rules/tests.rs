//! What each rule does, and the behaviours of the expression language that the rules rely on.

use std::time::Duration;

use bytes::Bytes;
use mainstem_model::Monotonic;
use mainstem_service::{
    MappingItem, Publish, Qos, Rule, RuleSection, Subscribe, TopicPattern, TopicTemplate,
};
use serde_json::{Value, json};

use super::*;

fn rules(rules: Value) -> Vec<Rule> {
    let sections: Vec<RuleSection> = serde_json::from_value(rules).unwrap();
    let rules = sections.into_iter().map(RuleSection::resolve);
    rules.collect::<Option<_>>().unwrap()
}

fn pipeline_to(topic: &str, written: Value) -> Pipeline {
    Pipeline::new(&MappingItem {
        subscribe: vec![Subscribe {
            pattern: TopicPattern::new("#").unwrap(),
            endpoint: None,
            qos: Qos::default(),
            label: None,
        }],
        publish: Publish {
            topic: TopicTemplate::new(topic).unwrap(),
            endpoint: None,
            qos: Qos::default(),
            retain: false,
        },
        rules: rules(written),
        startup_events: false,
    })
    .unwrap()
}

fn pipeline(written: Value) -> Pipeline {
    pipeline_to("out", written)
}

fn input(topic: &str, payload: impl Into<Bytes>) -> Input {
    Input {
        topic: topic.into(),
        label: topic.into(),
        vars: vec![("line".into(), "l1".into())],
        payload: payload.into(),
        wall_ms: 1000,
    }
}

fn at(millis: u64) -> Monotonic {
    Monotonic::from_micros(millis * 1000)
}

/// What a message comes to: JSON, nothing if it was held, or the words of the fault.
fn out(pipeline: &mut Pipeline, topic: &str, payload: &str) -> Result<Option<Value>, String> {
    match pipeline.take(input(topic, payload.to_owned()), at(0)) {
        Outcome::Publish(message) => Ok(Some(serde_json::from_slice(&message.payload).unwrap())),
        Outcome::Held => Ok(None),
        Outcome::Failed(fault) => Err(fault.to_string()),
    }
}

fn transformed(expression: &str, payload: &str) -> Result<Option<Value>, String> {
    let mut pipeline = pipeline(json!([{"transform": {"expression": expression}}]));
    out(&mut pipeline, "t", payload)
}

#[test]
fn without_rules_bytes_pass_as_they_are() {
    let mut plain = pipeline(json!([]));
    let Outcome::Publish(message) = plain.take(input("t", vec![0, 159, 146]), at(0)) else {
        panic!("published")
    };
    assert_eq!(
        (&message.topic[..], &message.payload[..]),
        ("out", &[0, 159, 146][..])
    );
    // What a filter only looked at keeps its digits.
    let mut filtered = pipeline(json!([{"filter": {"expression": "n > 1"}}]));
    let text = r#"{"n": 9007199254740993 }"#;
    let Outcome::Publish(message) = filtered.take(input("t", text), at(0)) else {
        panic!("published")
    };
    assert_eq!(message.payload, text);
}

#[test]
fn expressions_do_what_the_language_says() {
    let cases = [
        ("value * 2", json!({"value": 21}), json!(42)),
        ("$", json!([1]), json!([1])),
        ("$.value", json!({"value": [7]}), json!([7])),
        (
            "a.b[c > 1].c",
            json!({"a": {"b": [{"c": 1}, {"c": 2}, {"c": 3}]}}),
            json!([2, 3]),
        ),
        (
            "a.b[c > 2].c",
            json!({"a": {"b": [{"c": 1}, {"c": 3}]}}),
            json!(3),
        ),
        (
            "{'id': $.id, 'n': $count(x)}",
            json!({"id": "i", "x": [1, 2]}),
            json!({"id": "i", "n": 2}),
        ),
        ("$round(2.345, 2)", json!(0), json!(2.34)),
        (
            "$string(1.5) & '-' & $uppercase('x')",
            json!(0),
            json!("1.5-X"),
        ),
        (
            "$merge([$, {'b': 2}])",
            json!({"a": 1}),
            json!({"a": 1, "b": 2}),
        ),
        (
            "$map([1..3], function($v) { $v * $v })",
            json!(0),
            json!([1, 4, 9]),
        ),
        (
            "value > 3 ? 'high' : 'low'",
            json!({"value": 5}),
            json!("high"),
        ),
        (
            "$fromMillis(0)",
            json!(0),
            json!("1970-01-01T00:00:00.000Z"),
        ),
        ("$pad('7', -3, '0')", json!(0), json!("007")),
        (
            "$formatInteger(1733219059372, '#,##0')",
            json!(0),
            json!("1,733,219,059,372"),
        ),
        ("$formatInteger(14, 'I')", json!(0), json!("XIV")),
        (
            "$context.topic & '/' & $context.vars.line",
            json!(0),
            json!("t/l1"),
        ),
    ];
    for (expression, payload, wanted) in cases {
        let got = transformed(expression, &payload.to_string());
        assert_eq!(got, Ok(Some(wanted)), "{expression}");
    }
}

#[test]
fn expressions_without_a_result_publish_nothing_and_wrong_ones_say_why() {
    assert_eq!(transformed("missing", "{}"), Ok(None));
    assert!(
        transformed("$", "{ no json")
            .unwrap_err()
            .contains("no JSON")
    );
    assert!(
        transformed("function($x) { $x }", "1")
            .unwrap_err()
            .contains("function")
    );
    assert!(transformed("'a' * 2", "1").is_err());
}

#[test]
fn no_expression_runs_away() {
    for expression in [
        "($f := function($x) { $f($x + 1) }; $f(0))",
        "($f := function($x) { 1 + $f($x + 1) }; $f(0))",
        "[1..1000000]",
        "$pad('x', 2000000000)",
        "$pad('x', -2e9, 'ab')",
        "$formatInteger(1e12, 'I')",
        "[1..10000].([1..10000])",
    ] {
        let begin = std::time::Instant::now();
        assert!(transformed(expression, "1").is_err(), "{expression}");
        // The limit is 100 ms; the machine may be busy.
        assert!(begin.elapsed() < Duration::from_secs(5), "{expression}");
    }
    let large = format!("\"{}\"", "x".repeat(2 << 20));
    assert!(transformed("$", &large).unwrap_err().contains("at most"));
    assert!(transformed("$ & $ & $", &format!("\"{}\"", "x".repeat(1 << 19))).is_err());
    assert!(transformed("$", &"[".repeat(100_000)).is_err());
}

#[test]
fn what_cannot_be_read_is_said_beforehand() {
    assert!(check_expression("$.value").is_ok());
    for wrong in ["$.value[", "1 +", "{'a': }", "\"open"] {
        assert!(!check_expression(wrong).unwrap_err().is_empty(), "{wrong}");
    }
}

#[test]
fn filters_pass_or_drop() {
    let mut pipeline = pipeline(json!([{"filter": {"expression": "value > 1"}}]));
    assert_eq!(
        out(&mut pipeline, "t", r#"{"value":2}"#),
        Ok(Some(json!({"value": 2})))
    );
    assert_eq!(out(&mut pipeline, "t", r#"{"value":1}"#), Ok(None));
    let mut odd = super::tests::pipeline(json!([{"filter": {"expression": "value"}}]));
    assert!(
        out(&mut odd, "t", r#"{"value":1}"#)
            .unwrap_err()
            .contains("neither")
    );
}

#[test]
fn stash_remembers_by_topic() {
    let mut pipeline = pipeline(json!([
        {"transform": {"expression": "{'now': $, 'before': $last('x')}"}},
        {"stash": {"label": "x"}},
    ]));
    let before = |value: &Value| value["before"]["now"].clone();
    assert_eq!(
        before(&out(&mut pipeline, "a", "1").unwrap().unwrap()),
        Value::Null
    );
    assert_eq!(
        before(&out(&mut pipeline, "a", "2").unwrap().unwrap()),
        json!(1)
    );
    assert_eq!(
        before(&out(&mut pipeline, "b", "3").unwrap().unwrap()),
        Value::Null
    );
    // Stashed earlier in the same message, it is this one: the usual way to keep a time stamp.
    let mut usual = super::tests::pipeline(json!([
        {"stash": {"label": "initial"}},
        {"transform": {"expression": "$.value"}},
        {"transform": {"expression": "{'timestamp': $last('initial').timestamp, 'value': $}"}},
    ]));
    let got = out(
        &mut usual,
        "a",
        r#"{"timestamp": 5, "value": 7, "more": 1}"#,
    );
    assert_eq!(got, Ok(Some(json!({"timestamp": 5, "value": 7}))));
}

#[test]
fn cov_compares_with_what_passed_last() {
    let mut absolute = pipeline(json!([{"cov": {"key": "v", "deadband": 1}}]));
    let mut passes = |v: f64| {
        out(&mut absolute, "t", &json!({"v": v}).to_string())
            .unwrap()
            .is_some()
    };
    assert_eq!(
        [10.0, 11.0, 11.1, 10.2, 10.0].map(&mut passes),
        [true, false, true, false, true]
    );
    let mut relative =
        pipeline(json!([{"cov": {"key": "v", "deadband": 10, "deadbandMode": "relative"}}]));
    let mut passes = |v: f64| {
        out(&mut relative, "t", &json!({"v": v}).to_string())
            .unwrap()
            .is_some()
    };
    assert_eq!(
        [100.0, 110.0, 111.0, 121.0].map(&mut passes),
        [true, false, true, false]
    );
    let mut deep = pipeline(json!([{"cov": {"key": "a.b"}}]));
    let mut passes = |v: Value| out(&mut deep, "t", &v.to_string()).unwrap().is_some();
    let same = json!({"a": {"b": {"c": [1, 2]}}, "x": 1});
    assert!(passes(same.clone()) && !passes(same) && passes(json!({"a": 1})));
    // Each topic for itself.
    let mut own = pipeline(json!([{"cov": {"key": "v"}}]));
    assert!(out(&mut own, "a", r#"{"v":1}"#).unwrap().is_some());
    assert!(out(&mut own, "b", r#"{"v":1}"#).unwrap().is_some());
    assert!(out(&mut own, "a", r#"{"v":1}"#).unwrap().is_none());
}

#[test]
fn collect_gives_the_last_of_each_label() {
    let mut pipeline = pipeline(json!([{"collect": {}}]));
    assert_eq!(out(&mut pipeline, "a", "1"), Ok(Some(json!({"a": 1}))));
    assert_eq!(
        out(&mut pipeline, "b", "2"),
        Ok(Some(json!({"a": 1, "b": 2})))
    );
    assert_eq!(
        out(&mut pipeline, "a", "3"),
        Ok(Some(json!({"a": 3, "b": 2})))
    );
}

#[test]
fn bursts_go_when_full_or_due() {
    let mut full = pipeline(json!([{"burst": {"maxSize": 2}}]));
    assert_eq!(
        out(&mut full, "t", r#"{"timestamp":1,"value":1}"#),
        Ok(None)
    );
    let wanted = json!([{"timestamp": 1, "value": 1}, {"timestamp": 1000, "value": 2}]);
    assert_eq!(out(&mut full, "t", "2"), Ok(Some(wanted)));
    assert_eq!(full.due(), None);

    let mut timed = pipeline(json!([
        {"burst": {"interval": 500}},
        {"transform": {"expression": "$count($)"}},
    ]));
    assert_eq!(timed.take(input("t", "1"), at(100)), Outcome::Held);
    assert_eq!(timed.take(input("t", "2"), at(300)), Outcome::Held);
    assert_eq!(timed.due(), Some(at(600)));
    assert!(timed.tick(at(599)).is_empty());
    let published = timed.tick(at(600));
    let [Outcome::Publish(message)] = published.as_slice() else {
        panic!("{published:?}")
    };
    assert_eq!(message.payload, "2");
    assert!(timed.tick(at(2000)).is_empty(), "no input, no output");
    let mut idle = pipeline(json!([{"burst": {}}]));
    assert_eq!(out(&mut idle, "t", "1"), Ok(Some(json!(1))));
}

#[test]
fn bytes_are_parsed() {
    let parsed = |format: &str, bytes: &[u8]| {
        let mut pipeline = pipeline(json!([{"parse": {"format": format}}]));
        match pipeline.take(input("t", bytes.to_vec()), at(0)) {
            Outcome::Publish(message) => serde_json::from_slice::<Value>(&message.payload).ok(),
            _ => None,
        }
    };
    let cases: &[(&str, &[u8], Value)] = &[
        ("json", b"{\"a\":1}", json!({"a": 1})),
        ("utf8", "grün".as_bytes(), json!("grün")),
        ("latin1", &[0x67, 0xfc], json!("gü")),
        ("ascii", b"abc", json!("abc")),
        ("hex", &[0x0f, 0xa0], json!("0fa0")),
        ("boolean", &[2], json!(true)),
        ("int8", &[0xff], json!(-1)),
        ("int16BE", &[0xff, 0xfe], json!(-2)),
        ("int16LE", &[0xfe, 0xff], json!(-2)),
        ("uint32BE", &[0, 0, 1, 0], json!(256)),
        ("uint32LE", &[0, 1, 0, 0], json!(256)),
        ("floatBE", &1.5f32.to_be_bytes(), json!(1.5)),
        ("doubleLE", &0.1f64.to_le_bytes(), json!(0.1)),
        ("toBase64", b"abc", json!("YWJj")),
        ("fromBase64", b"YWJj\n", json!("abc")),
        (
            "csv",
            b"a,b\r\n\"1,\"\"x\",2\n",
            json!([["a", "b"], ["1,\"x", "2"]]),
        ),
    ];
    for (format, bytes, wanted) in cases {
        assert_eq!(parsed(format, bytes).as_ref(), Some(wanted), "{format}");
    }
    for (format, bytes) in [
        ("int16BE", &[1u8, 2, 3][..]),
        ("boolean", &[]),
        ("ascii", &[0x80]),
        ("utf8", &[0xff]),
        ("fromBase64", b"***"),
        ("floatLE", &[0, 0, 0xc0, 0x7f]),
        ("csv", b"\"open"),
    ] {
        assert_eq!(parsed(format, bytes), None, "{format}");
    }
}

#[test]
fn topics_are_made_of_variables() {
    let mut pipeline = pipeline_to(
        "out/{line}/{kind}",
        json!([{"setContextVars": {"vars": {"kind": "type"}}}]),
    );
    let mut topic = |payload: &str| match pipeline.take(input("t", payload.to_owned()), at(0)) {
        Outcome::Publish(message) => Ok(message.topic),
        other => Err(format!("{other:?}")),
    };
    assert_eq!(topic(r#"{"type": "motor"}"#).unwrap(), "out/l1/motor");
    assert_eq!(topic(r#"{"type": 7}"#).unwrap(), "out/l1/7");
    // What a payload says must not lead to another place in the tree of topics.
    for wrong in [
        r#""a/set""#,
        r##""#""##,
        r#""+""#,
        r#""""#,
        "{}",
        "null",
        r#""$SYS""#,
    ] {
        let error = topic(&format!(r#"{{"type": {wrong}}}"#)).unwrap_err();
        assert!(error.contains("Topic"), "{wrong}: {error}");
    }
}

#[test]
fn steps_are_explained() {
    let mut pipeline = pipeline(json!([
        {"transform": {"expression": "value"}},
        {"filter": {"expression": "$ > 3"}},
        {"transform": {"expression": "$ + 1"}},
    ]));
    let (steps, outcome) = pipeline.explain(input("t", r#"{"value": 2}"#), at(0));
    assert_eq!(outcome, Outcome::Held);
    let shown: Vec<_> = steps
        .iter()
        .map(|s| (s.rule, s.payload.as_deref()))
        .collect();
    assert_eq!(shown, [("transform", Some("2")), ("filter", None)]);
}

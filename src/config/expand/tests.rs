//! What expands, what does not, and what must end.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::parse::parse;

fn expanded(text: &str) -> (Value, Vec<String>) {
    let mut report = Report::new(Path::new("f"), text);
    let tree = parse(text, &mut report).map(|tree| expand(tree, &mut report).tree);
    let value = tree.map_or(Value::Null, |tree| tree.to_json());
    let problems = report.finish().map(|p| p.problems).unwrap_or_default();
    (
        value,
        problems
            .into_iter()
            .map(|problem| problem.message)
            .collect(),
    )
}

#[test]
fn tags_and_merge_keys() {
    let text = "definitions: { a: 1, b: !sub 'x${a}', m: { k: 1, l: 2 } }
resources: { r: 0 }
one: !ref a
two: !ref b
three: !sub '${b}-${env:X}-${r}'
four: !merge [ !ref m, { l: 3 } ]
five: { <<: !ref m, k: 9 }
six: { <<: [ { k: 1 }, { k: 2, n: 3 } ] }
seven: !ref r
";
    let (value, problems) = expanded(text);
    assert!(problems.is_empty(), "{problems:?}");
    let wanted = json!({"resources": {"r": 0}, "one": 1, "two": "x1", "three": "x1-${env:X}-r",
        "four": {"k": 1, "l": 3}, "five": {"k": 9, "l": 2}, "six": {"k": 1, "n": 3}, "seven": "r"});
    assert_eq!(value, wanted);
}

#[test]
fn circles_end() {
    let (_, problems) = expanded("definitions: { a: !ref b, b: [ !ref a ], c: !sub '${c}' }");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems.iter().any(|p| p.contains("circle")),
        "{problems:?}"
    );
    assert!(
        problems.iter().any(|p| p.contains("contains itself")),
        "{problems:?}"
    );
}

#[test]
fn a_bomb_of_references_ends() {
    let mut text = String::from("definitions:\n  d0: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    for level in 1..12 {
        let parts = vec![format!("!ref d{}", level - 1); 10].join(", ");
        text.push_str(&format!("  d{level}: [ {parts} ]\n"));
    }
    text.push_str("x: !ref d11\n");
    let (_, problems) = expanded(&text);
    assert!(
        problems.iter().any(|p| p.contains("more than 250000")),
        "{problems:?}"
    );
}

#[test]
fn a_bomb_of_aliases_ends() {
    let mut text = String::from("a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    for level in 1..12 {
        let parts = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [ {parts} ]\n"));
    }
    let (_, problems) = expanded(&text);
    assert!(
        problems.iter().any(|p| p.contains("more than 250000")),
        "{problems:?}"
    );
}

#[test]
fn depth_is_limited_at_n_and_n_plus_one() {
    let nested = |depth: usize| format!("x: {}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(expanded(&nested(31)).1.is_empty());
    assert!(expanded(&nested(32)).1[0].contains("deeper than 32"));
    let within = format!(
        "definitions: {{ d: {}{} }}\nx: [[[[[[[[!ref d]]]]]]]]",
        "[".repeat(25),
        "]".repeat(25)
    );
    assert!(expanded(&within).1[0].contains("deeper than 32"));
}

#[test]
fn what_a_file_is_called_can_be_referred_to() {
    let text =
        "node: { name: line-1 }\none: !ref Cybus::ServiceId\ntwo: !sub '${Cybus::MqttRoot}/x'";
    let (value, problems) = expanded(text);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        (&value["one"], &value["two"]),
        (&json!("line1"), &json!("services/line1/x"))
    );
    let text = "node: { name: !sub '${n}', service_id: own }
definitions: { n: 7, CYBUS_MQTT_ROOT: !sub 'plant/${n}' }
one: !ref Cybus::ServiceId
two: !ref Cybus::MqttRoot
three: '${Cybus::MqttRoot}/x'";
    let (value, problems) = expanded(text);
    assert_eq!(
        (&value["one"], &value["two"]),
        (&json!("own"), &json!("plant/7"))
    );
    assert_eq!(problems, ["`${Cybus::MqttRoot}` is not replaced here"]);
}

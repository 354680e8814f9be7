//! The section `aliases:`, and a node file with another name in it.

use mainstem_model::Name;

use super::{load, load_text};
use crate::{Bearing, RenamePlan, Renamed};

const FILE: &str = r#"version: 1
node: { name: line1 } # a label
roles:
  operator:
    read: [ "**" ]
    write: [ "!plc.safety.**", "plc.**", "press.lamp" ] # what may be written
    link: true
tokens:
  - { name: plant1, role: operator, token: "a-token-of-the-plant" }
policies:
  - match: [ "pl*.speed" ]
    interlock: { datapoint: plc.temp, min: 1 }
resources:
  plc:
    type: Connection
    properties: { protocol: modbus, connection: { host: 10.0.0.7 } }
  temp:
    type: Endpoint
    properties: { connection: !ref plc, subscribe: { fc: 3, address: 1 } }
"#;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn plan(text: &str, from: &str, to: &str) -> RenamePlan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.yaml");
    std::fs::write(&path, text).unwrap();
    RenamePlan::of(&path, &name(from), &name(to)).unwrap()
}

fn of(plan: &RenamePlan, bearing: Bearing) -> Vec<String> {
    let of = plan
        .mentions
        .iter()
        .filter(|mention| mention.bearing == bearing);
    of.map(|mention| format!("{} {}: {}", mention.line, mention.what, mention.text))
        .collect()
}

#[test]
fn a_plan_names_every_place() {
    let plan = plan(FILE, "plc", "press");
    let named = [
        "6 role: !plc.safety.**",
        "6 role: plc.**",
        "12 interlock: plc.temp",
        "14 adapter: plc",
        "19 endpoint's connection: plc",
    ];
    assert_eq!(of(&plan, Bearing::Names), named);
    assert_eq!(of(&plan, Bearing::StillFits), ["5 role: **"]);
    assert_eq!(of(&plan, Bearing::NoLongerFits), ["11 policy: pl*.speed"]);
    assert_eq!(of(&plan, Bearing::BeginsToFit), ["6 role: press.lamp"]);
    assert!(
        plan.widens(),
        "press.lamp may be written, plc.lamp too: but who knows"
    );
    assert_eq!(plan.readers, ["plant1"]);
}

#[test]
fn a_renamed_file_keeps_its_comments_and_is_right() {
    let Renamed { text, put_in } = plan(FILE, "plc", "press").renamed().unwrap();
    assert_eq!(put_in, 12..14);
    assert!(
        text.contains("write: [ \"!press.safety.**\", \"press.**\", \"press.lamp\" ] # what"),
        "{text}"
    );
    assert!(
        text.contains("aliases:\n  \"plc\": \"press\"\nresources:\n  press:\n"),
        "{text}"
    );
    let config = load_text(&text).unwrap();
    assert_eq!(config.adapters[0].name.as_str(), "press");
    assert_eq!(config.adapters[0].spec.endpoints[0].name.as_str(), "temp");
    assert_eq!(config.aliases[0].from.as_str(), "plc");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    // Once more: the alias before follows, and a second one joins it.
    let again = plan(&text, "press.temp", "press.temperature")
        .renamed()
        .unwrap()
        .text;
    let config = load_text(&again).unwrap();
    assert_eq!(
        config.adapters[0].spec.endpoints[0].name.as_str(),
        "temperature"
    );
    assert_eq!(config.aliases.len(), 2);
}

#[test]
fn what_cannot_be_edited_is_said() {
    let why = |from: &str, to: &str| plan(FILE, from, to).by_hand.unwrap();
    assert!(why("other", "x").contains("nothing in this file is called other"));
    assert!(why("plc", "press.main").contains("one word"));
    assert!(why("plc.temp", "press.temp").contains("name: press.temp"));
}

#[test]
fn aliases_in_braces_get_one_more() {
    for (before, after) in [
        ("aliases: {}\n", "aliases: { \"plc\": \"press\" }\n"),
        (
            "aliases: { x: plc }\n",
            "aliases: { \"plc\": \"press\", x: press }\n",
        ),
        (
            "aliases:\n    x: plc\n",
            "aliases:\n    \"plc\": \"press\"\n    x: press\n",
        ),
    ] {
        let file = FILE.replace("policies:", &format!("{before}policies:"));
        let text = plan(&file, "plc", "press").renamed().unwrap().text;
        assert!(text.contains(after), "{text}");
    }
}

#[test]
fn an_alias_that_leads_nowhere_is_warned_of() {
    let aliases = "aliases: { a: plc, b: a, c: gone.temp, d: plc.later }\n";
    let config = load_text(&format!("{FILE}{aliases}")).unwrap();
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    assert!(
        config.warnings[0].contains("`c` leads to `gone.temp`"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn too_many_aliases_are_refused() {
    let many = |count: usize| {
        let lines: String = (0..count).map(|i| format!("  old{i}: plc\n")).collect();
        load_text(&format!("{FILE}aliases:\n{lines}"))
    };
    assert_eq!(many(1024).unwrap().aliases.len(), 1024);
    assert!(many(1025).is_err());
    assert!(load(std::path::Path::new("/nowhere/node.yaml")).is_err());
}

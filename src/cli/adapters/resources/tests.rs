//! What is written can be read by a node, whatever a device calls its parts.

use super::*;

fn item(path: &[&str]) -> Item {
    Item {
        path: path.iter().map(|part| (*part).to_owned()).collect(),
        operation: json!({"fc": 3, "address": 0}),
        ..Item::default()
    }
}

#[test]
fn resources_are_written_as_a_person_would() {
    let mut resources = Resources::of("press", "modbus", json!({"host": "10.1.2.3", "unitId": 1}));
    resources.add(Item {
        value_type: Some("f32".into()),
        unit: Some("°C".into()),
        sample: Some("21.5\nevil: yes".into()),
        ..item(&["Oven 1", "temperature"])
    });
    resources.add(Item {
        obstacle: Some("a structure".into()),
        ..item(&["Oven 1", "temperature"])
    });
    let expected = "\
# Written by `a b`.
# Put it below `resources:` of a node file, and strike out what is not needed;
# `mainstem check` looks over the result.
resources:
  press:
    type: Cybus::Connection
    properties:
      protocol: modbus
      connection:
        host: \"10.1.2.3\"
        unitId: 1

  # seen: 21.5 evil: yes
  press_Oven_1_temperature:
    type: Cybus::Endpoint
    properties:
      connection: press
      name: press.Oven_1.temperature
      type: f32
      unit: \"°C\"
      subscribe:
        fc: 3
        address: 0

  # left out: a structure
  # press_Oven_1_temperature_2:
    # type: Cybus::Endpoint
    # properties:
      # connection: press
      # name: press.Oven_1.temperature_2
      # subscribe:
        # fc: 3
        # address: 0
";
    assert_eq!(resources.to_yaml("a\nb"), expected);
}

#[test]
fn a_device_cannot_name_a_secret_of_this_machine() {
    let mut resources = Resources::of("plc", "opcua", json!({"host": "a"}));
    resources.add(Item {
        description: Some("${file:/etc/shadow}".into()),
        ..item(&["x"])
    });
    let text = resources.to_yaml("a");
    let lines = text.lines().filter(|line| line.contains("shadow"));
    assert!(lines.clone().count() > 0);
    assert!(
        lines.clone().all(|line| line.trim_start().starts_with('#')),
        "{text}"
    );
}

#[test]
fn names_are_short_and_each_its_own() {
    let mut resources = Resources::of("plc", "opcua", json!({}));
    let deep: Vec<String> = (0..20).map(|level| format!("level{level}")).collect();
    let long = vec!["x".repeat(500); 6];
    for path in [deep, long, vec!["…".into()], vec!["connection".into()]] {
        resources.add(Item {
            path,
            ..Item::default()
        });
    }
    for (_, name, _) in &resources.items {
        mainstem_model::Name::local(name).unwrap();
    }
    let names: Vec<_> = resources
        .items
        .iter()
        .map(|(_, name, _)| name.as_str())
        .collect();
    assert_eq!(names[2..], ["plc.value", "plc.connection_"]);
}

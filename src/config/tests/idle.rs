//! What is right and does nothing is said.

use super::load_text;

#[test]
fn what_has_no_effect_is_said() {
    let text = "version: 1
node: { name: line1 }
bus: { external: { host: broker.example, tls: false } }
resources:
  web: { type: Server::Http, properties: {} }
  quiet: { type: Node::Http, properties: { parent: web, method: POST, route: /a, retain: true } }
  held: { type: Node::Http, properties: { parent: web, method: POST, route: /b,
    operation: transaction, retain: true, inputBuffering: { enabled: true } } }
  way: { type: Mapping, properties: { mappings: [
    { subscribe: { topic: a, qos: 1 }, publish: { topic: b } },
    { subscribe: { topic: c, qos: 2 }, publish: { topic: d } } ] } }
";
    let warnings = load_text(text).unwrap().warnings;
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    for (warning, part) in warnings
        .iter()
        .zip(["held: `retain`", "held: `inputB", "way: `c` is"])
    {
        assert!(warning.contains(part), "{warning}");
    }
    let own = text.replace(
        "bus: { external: { host: broker.example, tls: false } }\n",
        "",
    );
    assert_eq!(load_text(&own).unwrap().warnings.len(), 2);
}

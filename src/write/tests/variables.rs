//! Writes to GUI variables: the same path, another name space.

use mainstem_model::{Monotonic, Role as SourceRole};

use super::*;
use crate::reason;

fn variable(name: &str, value: &str) -> Request {
    Request {
        space: Space::Variable,
        ..request(name, value)
    }
}

fn bench() -> (tempfile::TempDir, Node) {
    let folder = tempfile::tempdir().unwrap();
    let line = node("line1", folder.path(), quick(), system(), false);
    (folder, line)
}

async fn ended(line: &Node, request: Request) -> Arc<WriteRecord> {
    let record = line.desk.submit(request).await.unwrap();
    line.end(record.id).await
}

fn text(line: &Node, name: &str) -> Option<String> {
    Some(line.store.variable(name)?.value.to_string())
}

#[tokio::test]
async fn a_variable_is_set_at_once_and_made_where_it_was_not() {
    let (_folder, mut line) = bench();
    let record = ended(&line, variable("plc.setpoint", "\"hello\"")).await;
    assert_eq!(record.state(), WriteState::Applied);
    assert_eq!(record.space, Space::Variable);
    assert_eq!(text(&line, "plc.setpoint").unwrap(), "hello");
    // The datapoint of the same name was not asked for anything.
    assert!(line.is_idle());
    assert!(line.store.point("plc.setpoint").is_some());
    let hops: Vec<_> = record.outcome.hops.iter().map(|hop| &*hop.node).collect();
    assert_eq!(hops, ["line1"]);
}

#[tokio::test]
async fn what_is_not_allowed_or_no_text_changes_nothing() {
    let (_folder, line) = bench();
    let denied = ended(&line, variable("locked.text", "\"x\"")).await;
    assert_eq!(denied.outcome.reason.as_deref(), Some(reason::POLICY));
    let said = denied.outcome.message.as_deref().unwrap();
    assert!(said.contains("!locked.**"), "{said}");
    let hidden = line.desk.submit(variable("hidden.text", "\"x\"")).await;
    assert!(
        matches!(hidden, Err(Refusal::NoSuchVariable(_))),
        "{hidden:?}"
    );
    for name in ["alone", "a..b", "a b.c", &["a"; 9].join(".")] {
        let malformed = line.desk.submit(variable(name, "\"x\"")).await;
        assert!(matches!(malformed, Err(Refusal::Malformed(_))), "{name}");
    }
    let long = format!("\"{}\"", "x".repeat(64 * 1024 + 1));
    for value in ["null", "7", "true", "{}", "[\"x\"]", long.as_str()] {
        let record = ended(&line, variable("a.b", value)).await;
        let shown = &value[..value.len().min(10)];
        assert_eq!(
            record.outcome.reason.as_deref(),
            Some(reason::TYPE),
            "{shown}"
        );
    }
    let pulse = Request {
        pulse: Some(Duration::from_secs(1)),
        ..variable("a.b", "\"x\"")
    };
    assert_eq!(ended(&line, pulse).await.state(), WriteState::Rejected);
    assert_eq!(line.store.statistics().variables, 0);
}

#[tokio::test]
async fn a_key_stands_for_one_name_space() {
    let (_folder, mut line) = bench();
    let keyed = |space, value: &str| Request {
        space,
        key: Some("k".to_owned()),
        ..request("plc.setpoint", value)
    };
    let first = ended(&line, keyed(Space::Variable, "\"5\"")).await;
    let again = ended(&line, keyed(Space::Variable, "\"5\"")).await;
    assert_eq!(first.id, again.id);
    let other = line.desk.submit(keyed(Space::Datapoint, "5")).await;
    assert!(matches!(other, Err(Refusal::KeyReused { .. })), "{other:?}");
    line.apply(request("plc.setpoint", "5")).await;
    assert_eq!(line.count, 1);
}

#[tokio::test]
async fn the_ledger_and_the_audit_log_tell_it_from_a_datapoint() {
    let (folder, line) = bench();
    let id = ended(&line, variable("status.text", "\"on\"")).await.id;
    assert_eq!(line.audit_lines("variable.write"), 1);
    line.desk.stop().await;
    drop(line);
    let line = node("line1", folder.path(), quick(), system(), false);
    let kept = line.desk.get(id, &admin()).unwrap();
    assert_eq!(
        (kept.space, kept.state()),
        (Space::Variable, WriteState::Applied)
    );
}

#[tokio::test]
async fn below_the_prefix_of_a_link_it_goes_on_and_nowhere_else() {
    let (_folder, line) = bench();
    let link = line
        .store
        .put_own_source(None, "cell", SourceRole::Link, Quality::GOOD, false);
    let nobody = ended(&line, variable("cell.status.text", "\"x\"")).await;
    assert_eq!(nobody.outcome.reason.as_deref(), Some(reason::NO_OWNER));
    let mut owner = line.store.register_owner(link, true);
    let record = line
        .desk
        .submit(variable("cell.status.text", "\"x\""))
        .await;
    let id = record.unwrap().id;
    let order = owner.orders.recv().await.unwrap();
    assert_eq!((order.target, order.id), (Target::Variable, id));
    assert_eq!(order.name.as_str(), "cell.status.text");
    order.reply.send(Outcome::new(WriteState::Applied)).unwrap();
    assert_eq!(line.end(id).await.state(), WriteState::Applied);
    // Here it changes when its owner says so, not before.
    assert!(text(&line, "cell.status.text").is_none());
}

#[tokio::test]
async fn what_is_late_is_not_set() {
    let (_folder, line) = bench();
    let late = Request {
        entry: Entry::Link {
            principal: principal("above", false),
            id: WriteId(uuid::Uuid::new_v4()),
            deadline: Monotonic::default(),
            originators: vec!["bob@plant1".to_owned()],
        },
        ..variable("status.text", "\"late\"")
    };
    assert_eq!(ended(&line, late).await.state(), WriteState::Expired);
    assert!(text(&line, "status.text").is_none());
}

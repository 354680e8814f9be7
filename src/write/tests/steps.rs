//! Each step of the path, and what is refused at it.

use super::*;
use crate::{BUDGET_MAX, reason};

fn manual_node(folder: &Path) -> (Node, Arc<ManualClock>) {
    let clock = manual();
    (node("line1", folder, quick(), clock.clone(), false), clock)
}

#[tokio::test]
async fn an_applied_write_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let record = line
        .desk
        .submit(request("plc.setpoint", "21.5"))
        .await
        .unwrap();
    assert_eq!(record.state(), WriteState::Accepted);
    let order = line.arrives().await;
    assert_eq!((order.id, order.name.as_str()), (record.id, "plc.setpoint"));
    assert_eq!(order.originators, ["bob@line1"]);
    assert_eq!(line.desk.counters().open, 1);
    line.carry_out(order);
    let record = line.end(record.id).await;
    assert_eq!(record.state(), WriteState::Applied);
    assert!(record.outcome.verified && record.outcome.reason.is_none());
    let hops: Vec<_> = record
        .outcome
        .hops
        .iter()
        .map(|hop| (hop.node.as_str(), hop.state))
        .collect();
    assert_eq!(hops, [("line1", WriteState::Applied)]);
    let counters = line.desk.counters();
    assert_eq!(
        (counters.accepted, counters.applied, counters.open),
        (1, 1, 0)
    );
    assert_eq!(line.audit_lines("value=21.5"), 1);
    assert_eq!(line.audit_lines("10.0.0.9"), 1);
}

#[tokio::test]
async fn what_may_not_be_begun_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let cases = [
        ("plc.safety", "1", reason::POLICY, "!plc.safety"),
        ("plc.state", "1", reason::READ_ONLY, "can only be read"),
        ("plc.setpoint", "\"hot\"", reason::TYPE, "expected f64"),
        ("plc.setpoint", "null", reason::TYPE, "found null"),
        ("plc.setpoint", "100.5", reason::LIMITS, "0 to 100"),
        ("mes.order", "\"A1\"", reason::NO_OWNER, "mes.order"),
    ];
    for (name, value, reason, text) in cases {
        let record = line.desk.submit(request(name, value)).await.unwrap();
        assert_eq!(record.state(), WriteState::Rejected, "{record:?}");
        assert_eq!(record.outcome.reason.as_deref(), Some(reason));
        assert!(
            record.outcome.message.as_ref().unwrap().contains(text),
            "{record:?}"
        );
        assert_eq!(record.outcome.hops.len(), 1);
        assert_eq!(
            line.desk.get(record.id, &principal("bob", false)),
            Some(record)
        );
    }
    assert_eq!(line.audit_lines("rejected"), cases.len());
    assert!(line.is_idle());
    let counters = line.desk.counters();
    assert_eq!((counters.accepted, counters.rejected[reason::TYPE]), (0, 2));
}

#[tokio::test]
async fn what_nobody_may_know_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (line, _) = manual_node(folder.path());
    let secret = Name::new("other.secret").unwrap();
    line.store
        .define(
            line.source,
            &secret,
            Definition::new(Scalar::F64).writable(),
        )
        .unwrap();
    for name in ["other.secret", "plc.nothing", "no name"] {
        let refusal = line.desk.submit(request(name, "1")).await.unwrap_err();
        assert_eq!(refusal, Refusal::NoSuchPoint(name.to_owned()));
    }
    assert_eq!(
        (line.desk.counters().refused, line.audit_lines("refused")),
        (3, 3)
    );
}

#[tokio::test]
async fn a_request_has_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let with = |key: Option<String>, budget| Request {
        key,
        budget,
        ..request("plc.setpoint", "1")
    };
    let second = Duration::from_secs(1);
    for bad in [
        with(Some(String::new()), second),
        with(Some("x".repeat(129)), second),
        with(None, Duration::ZERO),
        with(None, BUDGET_MAX + second),
    ] {
        let refusal = line.desk.submit(bad).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
    }
    let good = line.apply(with(Some("x".repeat(128)), BUDGET_MAX)).await;
    assert_eq!(good.state(), WriteState::Applied);
}

#[tokio::test]
async fn the_devices_own_word_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let id = line
        .desk
        .submit(request("plc.setpoint", "1"))
        .await
        .unwrap()
        .id;
    let no = Outcome::because(WriteState::Rejected, "IllegalDataAddress", "exception 2");
    line.arrives().await.reply.send(no).unwrap();
    let record = line.end(id).await;
    assert_eq!(record.outcome.reason.as_deref(), Some("IllegalDataAddress"));
    assert_eq!(line.desk.counters().rejected["IllegalDataAddress"], 1);
}

#[tokio::test]
async fn a_dropped_order_is_unknown_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let id = line
        .desk
        .submit(request("plc.setpoint", "1"))
        .await
        .unwrap()
        .id;
    drop(line.arrives().await);
    let record = line.end(id).await;
    assert_eq!(record.state(), WriteState::Unknown);
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::LOST));
    assert_eq!(record.outcome.hop.as_deref(), Some("plc"));
}

#[tokio::test]
async fn late_in_the_queue_is_never_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, clock) = manual_node(folder.path());
    let id = line
        .desk
        .submit(request("plc.setpoint", "1"))
        .await
        .unwrap()
        .id;
    eventually("the order waits", || !line.owner.orders.is_empty()).await;
    clock.advance(Duration::from_secs(6));
    let order = line.arrives().await;
    line.carry_out(order);
    let record = line.end(id).await;
    assert_eq!((record.state(), line.count), (WriteState::Expired, 0));
}

#[tokio::test]
async fn late_before_the_queue_is_not_even_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    // Less than any commit takes, so it passes while the ledger works.
    let request = Request {
        budget: Duration::from_micros(1),
        ..request("plc.setpoint", "1")
    };
    let id = line.desk.submit(request).await.unwrap().id;
    let record = line.end(id).await;
    assert_eq!(record.state(), WriteState::Expired);
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::DEADLINE));
    assert!(line.is_idle());
    assert_eq!(line.desk.counters().expired, 1);
}

#[tokio::test]
async fn no_answer_is_unknown_until_the_truth_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), system(), false);
    let request = Request {
        budget: Duration::from_millis(50),
        ..keyed("1", "k")
    };
    let id = line.desk.submit(request).await.unwrap().id;
    let order = line.arrives().await;
    let record = line.end(id).await;
    assert_eq!(record.state(), WriteState::Unknown);
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::NO_ANSWER));
    order.reply.send(Outcome::new(WriteState::Applied)).unwrap();
    let desk = Arc::clone(&line.desk);
    eventually("the truth replaces it", || {
        desk.get(id, &admin()).unwrap().state() == WriteState::Applied
    })
    .await;
    // It lasts, and nothing replaces it any more.
    assert!(!desk.resolve(id, Outcome::new(WriteState::Expired)).await);
    let copy = line.crash();
    let again = node("line1", copy.path(), quick(), system(), false);
    let stored = again.desk.submit(keyed("1", "k")).await.unwrap();
    assert_eq!((stored.id, stored.state()), (id, WriteState::Applied));
    assert_eq!(stored.outcome.hops.len(), 1);
}

#[tokio::test]
async fn open_writes_are_limited() {
    let folder = tempfile::tempdir().unwrap();
    let config = WriteConfig {
        open_max: 3,
        ..quick()
    };
    let mut line = node("line1", folder.path(), config, manual(), false);
    let mut open = Vec::new();
    for value in ["1", "2", "3"] {
        open.push(
            line.desk
                .submit(request("plc.setpoint", value))
                .await
                .unwrap()
                .id,
        );
    }
    let busy = line
        .desk
        .submit(request("plc.setpoint", "4"))
        .await
        .unwrap();
    assert_eq!(busy.outcome.reason.as_deref(), Some(reason::BUSY));
    for id in open {
        let order = line.arrives().await;
        line.carry_out(order);
        line.end(id).await;
    }
    let free = line.apply(request("plc.setpoint", "5")).await;
    assert_eq!((free.state(), line.count), (WriteState::Applied, 4));
}

#[tokio::test]
async fn kept_writes_are_limited_and_age() {
    let folder = tempfile::tempdir().unwrap();
    let config = WriteConfig {
        kept_max: 5,
        ..quick()
    };
    let clock = manual();
    let mut line = node("line1", folder.path(), config, clock.clone(), false);
    for _ in 0..5 {
        line.apply(request("plc.setpoint", "1")).await;
    }
    // Their ids may still come again, so there is no room yet.
    let busy = line
        .desk
        .submit(request("plc.setpoint", "2"))
        .await
        .unwrap();
    assert_eq!(busy.outcome.reason.as_deref(), Some(reason::BUSY));
    clock.advance(Duration::from_secs(6));
    for _ in 0..9 {
        line.apply(request("plc.setpoint", "1")).await;
        clock.advance(Duration::from_secs(6));
    }
    assert!(line.desk.counters().kept <= 6);
    line.apply(keyed("7", "k")).await;
    clock.advance(config.kept_for);
    line.apply(keyed("8", "k")).await;
    assert_eq!((line.count, line.desk.counters().kept), (16, 1));
}

#[tokio::test]
async fn listings_show_what_one_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    for _ in 0..5 {
        line.apply(request("plc.setpoint", "1")).await;
    }
    let open = line
        .desk
        .submit(request("plc.setpoint", "2"))
        .await
        .unwrap()
        .id;
    let (bob, eve) = (principal("bob", false), principal("eve", false));
    let open_ones = WriteQuery {
        open: true,
        ..WriteQuery::default()
    };
    let first = line.desk.list(&bob, &WriteQuery::default(), None, 4);
    assert_eq!((first.items.len(), first.items[0].id), (4, open));
    let second = line
        .desk
        .list(&admin(), &WriteQuery::default(), first.next, 4);
    assert_eq!((second.items.len(), second.next), (2, None));
    assert!(
        line.desk
            .list(&eve, &WriteQuery::default(), None, 10)
            .items
            .is_empty()
    );
    assert!(line.desk.get(open, &eve).is_none());
    assert!(line.desk.wait(open, &eve, PATIENCE).await.is_none());
    assert_eq!(line.desk.list(&bob, &open_ones, None, 10).items.len(), 1);
    let waited = line.desk.wait(open, &bob, Duration::ZERO).await.unwrap();
    assert!(!waited.is_final());
}

#[tokio::test]
async fn stopping_answers_every_open_write() {
    let folder = tempfile::tempdir().unwrap();
    let (mut line, _) = manual_node(folder.path());
    let id = line.desk.submit(keyed("1", "k")).await.unwrap().id;
    let _held = line.arrives().await;
    tokio::time::timeout(PATIENCE, line.desk.stop())
        .await
        .unwrap();
    let record = line.desk.get(id, &admin()).unwrap();
    assert_eq!(record.state(), WriteState::Unknown);
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::RESTARTED));
    let refusal = line.desk.submit(request("plc.setpoint", "1")).await;
    assert_eq!(refusal.unwrap_err(), Refusal::Stopping);
    // The ledger was closed with the outcome in it.
    let (mut again, _) = manual_node(folder.path());
    let stored = again.desk.submit(keyed("1", "k")).await.unwrap();
    assert_eq!((stored.id, stored.state()), (id, WriteState::Unknown));
    assert!(again.is_idle());
}

#[test]
fn whoever_waits_is_told_even_if_the_task_is_torn_away() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (line, id, _held) = runtime.block_on(async {
        let (mut line, _) = manual_node(folder.path());
        let id = line
            .desk
            .submit(request("plc.setpoint", "1"))
            .await
            .unwrap()
            .id;
        let held = line.arrives().await;
        (line, id, held)
    });
    drop(runtime);
    let record = line.desk.get(id, &admin()).unwrap();
    assert_eq!(record.state(), WriteState::Unknown);
    assert_eq!(record.outcome.reason.as_deref(), Some(reason::LOST));
}

//! A ledger that fails. Its limit is small, so that it has to be rotated soon, and a file lies
//! where its folder was, so that this fails as it does on a disk that is gone: even for root.

use mainstem_telemetry::Severity;

use super::*;
use crate::reason;

#[tokio::test]
async fn a_failing_ledger_refuses_writes_and_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let (folder, away) = (root.path().join("data"), root.path().join("away"));
    std::fs::create_dir(&folder).unwrap();
    let config = WriteConfig {
        ledger_bytes: 8 * 1024,
        kept_max: 8,
        reopen_after_max: Duration::from_millis(50),
        ..quick()
    };
    let clock = manual();
    let mut line = node("line1", &folder, config, clock.clone(), false);
    line.apply(keyed("5", "first")).await;

    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    let refused = write_until_refused(&mut line, &clock).await;
    assert_eq!(
        refused.outcome.reason.as_deref(),
        Some(reason::JOURNAL),
        "{refused:?}"
    );
    assert!(line.is_idle());
    let problem = line.health.get("writes.journal").unwrap();
    assert!(problem.active && problem.problem.severity == Severity::Critical);
    // Reading goes on.
    assert!(line.store.point("plc.setpoint").is_some());
    assert_eq!(
        line.desk.get(refused.id, &admin()),
        Some(Arc::clone(&refused))
    );

    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    let health = line.health.clone();
    eventually("the ledger works again", || {
        !health.get("writes.journal").unwrap().active
    })
    .await;
    clock.advance(Duration::from_secs(6));
    // The key of what was never begun is free.
    let key = refused.key.clone().unwrap();
    let record = line.apply(keyed("8", &key)).await;
    assert_eq!(record.state(), WriteState::Applied);
    // What the repaired ledger tells is what happened.
    let copy = line.crash();
    let again = node("line1", copy.path(), config, clock, false);
    let stored = again.desk.submit(keyed("8", &key)).await.unwrap();
    assert_eq!(
        (stored.id, stored.state()),
        (record.id, WriteState::Applied)
    );
    let kept = line
        .desk
        .list(&admin(), &WriteQuery::default(), None, 100)
        .items;
    assert!(kept.len() > 3);
    for kept in kept.iter().filter(|kept| kept.id != refused.id) {
        let found = again.desk.get(kept.id, &admin());
        assert_eq!(
            found.map(|record| record.state()),
            Some(WriteState::Applied)
        );
    }
    let told = again
        .desk
        .list(&admin(), &WriteQuery::default(), None, 100)
        .items;
    let unknown = told
        .iter()
        .filter(|record| record.state() == WriteState::Unknown);
    assert_eq!(unknown.count(), 0, "{told:?}");
}

/// Writes until the ledger refuses one; each before that is applied once.
async fn write_until_refused(line: &mut Node, clock: &ManualClock) -> Arc<WriteRecord> {
    for round in 0..1000 {
        let begun = keyed("7", &format!("k{round}"));
        let record = line.desk.submit(begun).await.unwrap();
        if record.state() == WriteState::Rejected {
            return record;
        }
        let order = line.arrives().await;
        line.carry_out(order);
        assert_eq!(line.end(record.id).await.state(), WriteState::Applied);
        assert_eq!(line.count, round + 2);
        clock.advance(Duration::from_secs(6));
    }
    panic!("the ledger never failed");
}

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
    let first = line.apply(keyed("5", "first")).await;

    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    let mut applied = 1;
    let refused = loop {
        assert!(applied < 1000, "the ledger never failed");
        let record = line
            .desk
            .submit(keyed("7", &format!("k{applied}")))
            .await
            .unwrap();
        if record.state() == WriteState::Rejected {
            break record;
        }
        let order = line.arrives().await;
        line.carry_out(order);
        assert_eq!(line.end(record.id).await.state(), WriteState::Applied);
        applied += 1;
        if applied < 6 {
            clock.advance(Duration::from_secs(6));
        }
        if line.desk.counters().kept >= 8 {
            clock.advance(Duration::from_secs(6));
        }
    };
    assert_eq!(
        refused.outcome.reason.as_deref(),
        Some(reason::JOURNAL),
        "{refused:?}"
    );
    assert!(line.is_idle());
    assert_eq!(line.count, applied);
    let problem = line.health.get("writes.journal").unwrap();
    assert!(problem.active && problem.problem.severity == Severity::Critical);
    // Reading goes on.
    assert!(line.store.point("plc.setpoint").is_some());
    assert_eq!(
        line.desk.get(refused.id, &admin()),
        Some(Arc::clone(&refused))
    );
    assert!(line.desk.get(first.id, &admin()).is_none() || first.is_final());

    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    let health = Arc::clone(&line.health);
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
    let told = again.desk.list(&admin(), None, 100, false).items;
    let unknown = told
        .iter()
        .filter(|record| record.state() == WriteState::Unknown);
    assert_eq!(unknown.count(), 0, "{told:?}");
}

//! At most once: keys, ids and crashes.

use super::*;
use crate::reason;

#[tokio::test]
async fn a_key_is_carried_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), manual(), false);
    let first = line.apply(keyed("5", "shift-1")).await;
    for same in ["5", "5.0", "5e0"] {
        assert_eq!(
            line.desk.submit(keyed(same, "shift-1")).await.unwrap(),
            first
        );
    }
    let refusal = line.desk.submit(keyed("6", "shift-1")).await.unwrap_err();
    let key = "shift-1".to_owned();
    assert_eq!(refusal, Refusal::KeyReused { key, id: first.id });
    // Somebody else's key is another key.
    let other = Request {
        entry: Entry::Client {
            principal: principal("eve", false),
            address: None,
        },
        ..keyed("6", "shift-1")
    };
    line.apply(other).await;
    assert_eq!(line.count, 2);
    assert!(line.is_idle());
}

#[tokio::test]
async fn many_at_once_with_one_key_are_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), manual(), false);
    let tasks = tokio_util::task::TaskTracker::new();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let desk = Arc::clone(&line.desk);
            tasks.spawn(async move { desk.submit(keyed("5", "k")).await.unwrap().id })
        })
        .collect();
    let order = line.arrives().await;
    for ask in asked {
        assert_eq!(ask.await.unwrap(), order.id);
    }
    line.carry_out(order);
    assert!(line.is_idle());
    assert_eq!(line.desk.counters().accepted, 1);
}

#[tokio::test]
async fn who_stops_waiting_does_not_stop_the_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), manual(), false);
    {
        let mut ask = std::pin::pin!(line.desk.submit(keyed("5", "k")));
        let polled = futures_once(ask.as_mut()).await;
        assert!(polled.is_none(), "it waits for the disk");
    }
    let order = line.arrives().await;
    let id = order.id;
    line.carry_out(order);
    assert_eq!(line.end(id).await.state(), WriteState::Applied);
    assert_eq!(line.desk.submit(keyed("5", "k")).await.unwrap().id, id);
}

/// Polls a future one time.
async fn futures_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut future = Some(future);
    std::future::poll_fn(move |context| {
        let polled = future.take().map(|future| future.poll(context));
        std::task::Poll::Ready(match polled {
            Some(std::task::Poll::Ready(output)) => Some(output),
            _ => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_crash_at_any_step_carries_nothing_out_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = node("line1", folder.path(), quick(), manual(), false);
    let before = line.crash();
    let id = line.desk.submit(keyed("5", "k")).await.unwrap().id;
    let begun = line.crash();
    let order = line.arrives().await;
    let handed = line.crash();
    line.carry_out(order);
    line.end(id).await;
    let ended = line.crash();

    // Before it was begun, it is as new.
    let mut again = node("line1", before.path(), quick(), manual(), false);
    assert_eq!(
        again.apply(keyed("5", "k")).await.state(),
        WriteState::Applied
    );
    assert_eq!(again.count, 1);
    // Begun without an outcome: nobody can tell, now and for ever.
    for copy in [begun, handed] {
        for _ in 0..2 {
            let mut again = node("line1", copy.path(), quick(), manual(), false);
            let stored = again.desk.submit(keyed("5", "k")).await.unwrap();
            assert_eq!((stored.id, stored.state()), (id, WriteState::Unknown));
            assert_eq!(stored.outcome.reason.as_deref(), Some(reason::RESTARTED));
            let refusal = again.desk.submit(keyed("6", "k")).await.unwrap_err();
            assert!(matches!(refusal, Refusal::KeyReused { .. }));
            assert!(again.is_idle());
            again.desk.stop().await;
            assert_eq!(
                again.audit_lines("unknown"),
                1,
                "reported by the first start only"
            );
        }
    }
    // With its outcome, that.
    let mut again = node("line1", ended.path(), quick(), manual(), false);
    let stored = again.desk.submit(keyed("5", "k")).await.unwrap();
    assert_eq!((stored.id, stored.state()), (id, WriteState::Applied));
    assert!(stored.outcome.verified && again.is_idle());
    assert_eq!(line.count, 1);
}

#[tokio::test]
async fn the_truth_after_a_crash_lasts_too() {
    let folder = tempfile::tempdir().unwrap();
    let line = node("line1", folder.path(), quick(), manual(), false);
    let id = line.desk.submit(keyed("5", "k")).await.unwrap().id;
    let copy = line.crash();
    let again = node("line1", copy.path(), quick(), manual(), false);
    assert!(
        !again
            .desk
            .resolve(id, Outcome::new(WriteState::Unknown))
            .await
    );
    assert!(
        again
            .desk
            .resolve(id, Outcome::new(WriteState::Applied))
            .await
    );
    assert!(
        !again
            .desk
            .resolve(id, Outcome::new(WriteState::Rejected))
            .await
    );
    again.desk.stop().await;
    let third = node("line1", copy.path(), quick(), manual(), false);
    assert_eq!(
        third.desk.get(id, &admin()).unwrap().state(),
        WriteState::Applied
    );
}

#[tokio::test]
async fn a_ledger_that_grows_is_rotated_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = WriteConfig {
        ledger_bytes: 64 * 1024,
        kept_max: 20,
        ..quick()
    };
    let clock = manual();
    let mut line = node("line1", folder.path(), config, clock.clone(), false);
    for round in 0..400 {
        let record = line.apply(keyed("5", &format!("k{round}"))).await;
        assert_eq!(record.state(), WriteState::Applied, "{record:?}");
        clock.advance(Duration::from_secs(6));
        if round % 9 == 8 {
            let copy = line.crash();
            let again = node("line1", copy.path(), config, clock.clone(), false);
            let told =
                |desk: &WriteDesk| desk.list(&admin(), &WriteQuery::default(), None, 100).items;
            for kept in told(&line.desk) {
                let found = again.desk.get(kept.id, &admin());
                assert_eq!(
                    found.map(|record| record.state()),
                    Some(WriteState::Applied)
                );
            }
        }
    }
    let bytes = std::fs::metadata(folder.path().join(crate::LEDGER_FILE))
        .unwrap()
        .len();
    assert!(bytes <= config.ledger_bytes, "{bytes}");
    assert!(line.health.list().is_empty());
    assert_eq!(line.count, 400);
}

//! Tests of `health`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mainstem_model::{ManualClock, Timestamp};

use super::*;

fn board() -> (Arc<ManualClock>, Health) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
    (Arc::clone(&clock), Health::new(clock))
}

fn problem(id: &str, severity: Severity) -> Problem {
    Problem {
        id: id.to_owned(),
        severity,
        source: "test".to_owned(),
        text: "Something is wrong.".to_owned(),
        action: "Do something.".to_owned(),
    }
}

#[test]
fn a_problem_comes_and_goes() {
    let (clock, health) = board();
    health.raise(problem("a", Severity::Warning));
    clock.advance(Duration::from_secs(5));
    health.raise(problem("a", Severity::Warning));
    assert_eq!(
        health.generation(),
        1,
        "the same problem again is no change"
    );
    let state = health.get("a").unwrap();
    assert_eq!(
        (state.since, state.active),
        (Timestamp::from_millis(1_000), true)
    );
    assert_eq!(health.worst(), Some(Severity::Warning));

    health.clear("a");
    health.clear("a");
    health.clear("unknown");
    let state = health.get("a").unwrap();
    assert_eq!(
        (state.active, state.cleared),
        (false, Some(Timestamp::from_millis(6_000)))
    );
    assert_eq!((health.worst(), health.generation()), (None, 2));

    clock.advance(Duration::from_secs(5));
    health.raise(problem("a", Severity::Warning));
    assert_eq!(
        health.get("a").unwrap().since,
        Timestamp::from_millis(11_000)
    );
}

#[test]
fn what_is_over_and_seen_is_gone() {
    let (_, health) = board();
    health.raise(problem("first", Severity::High));
    health.raise(problem("second", Severity::High));
    assert!(health.acknowledge("first"));
    health.clear("first");
    health.clear("second");
    assert!(health.acknowledge("second"));
    assert!(!health.acknowledge("second"));
    assert_eq!(health.list(), []);
}

#[test]
fn what_becomes_worse_is_news() {
    let (_, health) = board();
    health.raise(problem("a", Severity::Warning));
    health.acknowledge("a");
    health.raise(problem("a", Severity::Info));
    assert!(health.get("a").unwrap().acknowledged);
    health.raise(problem("a", Severity::Critical));
    assert!(!health.get("a").unwrap().acknowledged);
}

#[test]
fn the_board_is_bounded_and_says_so() {
    let (_, health) = board();
    for number in 0..PROBLEMS_MAX {
        health.raise(problem(&format!("p{number}"), Severity::Info));
    }
    assert_eq!(health.list().len(), PROBLEMS_MAX);
    assert_eq!(health.get(OVERFLOW_ID), None);
    health.raise(problem("late", Severity::High));
    health.raise(problem("later", Severity::High));
    assert_eq!(health.list().len(), PROBLEMS_MAX + 1);
    let overflow = health.get(OVERFLOW_ID).unwrap();
    assert!(
        overflow.active && overflow.problem.text.contains("2 reports"),
        "{overflow:?}"
    );

    // What is over makes room, although nobody has seen it yet.
    health.clear("p7");
    health.raise(problem("late", Severity::High));
    assert!(health.get("late").is_some() && health.get("p7").is_none());
    health.acknowledge("p8");
    health.clear("p8");
    assert!(!health.get(OVERFLOW_ID).unwrap().active);
}

#[test]
fn texts_are_cut_at_a_character() {
    let (_, health) = board();
    health.raise(Problem {
        text: "ä".repeat(TEXT_BYTES_MAX),
        ..problem("a", Severity::Info)
    });
    let text = health.get("a").unwrap().problem.text;
    assert_eq!(text.len(), TEXT_BYTES_MAX);
}

#[test]
fn hooks_hear_of_changes_until_they_are_dropped() {
    let (_, health) = board();
    let heard = Arc::new(AtomicU64::new(0));
    let (ear, same_board) = (Arc::clone(&heard), health.clone());
    let subscription = health.subscribe(move |generation| {
        // A hook may read the board.
        assert_eq!(same_board.generation(), generation);
        ear.store(generation, Ordering::SeqCst);
    });
    health.raise(problem("a", Severity::Info));
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    drop(subscription);
    health.clear("a");
    assert_eq!((heard.load(Ordering::SeqCst), health.generation()), (1, 2));
}

#[test]
fn hooks_are_limited() {
    let (_, health) = board();
    let mut kept: Vec<_> = (0..HOOKS_MAX)
        .map(|_| health.subscribe(|_| ()).unwrap())
        .collect();
    assert!(health.subscribe(|_| ()).is_none());
    kept.pop();
    assert!(health.subscribe(|_| ()).is_some());
}

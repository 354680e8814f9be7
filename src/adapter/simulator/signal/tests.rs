//! Shapes at known moments, and chance that repeats itself.

use super::*;
use crate::config::Wave;

const WAVE: Wave = Wave {
    min: 10.0,
    max: 30.0,
    period_s: 40.0,
};
const SECOND: Duration = Duration::from_secs(1);

fn signal(operation: Operation) -> Signal {
    Signal::new(operation, "a", 7, SECOND)
}

fn at(operation: Operation, seconds: u64) -> f64 {
    let value = signal(operation).at(Duration::from_secs(seconds), 0.0);
    value.as_f64().unwrap()
}

#[test]
fn shapes_are_where_they_belong() {
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    for (seconds, expected) in [(0, 10.0), (10, 20.0), (20, 30.0), (40, 10.0)] {
        near(at(Operation::Sine(WAVE), seconds), expected);
    }
    for (seconds, expected) in [(0, 10.0), (10, 20.0), (20, 30.0), (30, 20.0), (40, 10.0)] {
        near(at(Operation::Triangle(WAVE), seconds), expected);
    }
    near(at(Operation::Square(WAVE), 19), 30.0);
    near(at(Operation::Square(WAVE), 20), 10.0);
    near(at(Operation::Ramp(WAVE), 30), 25.0);
    near(at(Operation::Counter { step: 3 }, 5), 15.0);
}

#[test]
fn states_go_round() {
    let states = vec!["stop".to_owned(), "run".to_owned()];
    let mut signal = signal(Operation::States {
        states,
        dwell_s: 2.0,
    });
    let words = [0, 1, 2, 3, 4].map(|second| signal.at(SECOND * second, 0.0));
    assert_eq!(
        words,
        ["stop", "stop", "run", "run", "stop"].map(Value::text)
    );
}

#[test]
fn a_walk_depends_on_nothing_but_its_seed() {
    let walk = Operation::Walk {
        min: -5.0,
        max: 5.0,
        step: 1.0,
    };
    let path = |seed, name, every: usize| -> Vec<Value> {
        let mut signal = Signal::new(walk.clone(), name, seed, SECOND);
        (0..200)
            .step_by(every)
            .map(|second| signal.at(SECOND * second, 0.0))
            .collect()
    };
    let whole = path(1, "a", 1);
    assert_eq!(whole, path(1, "a", 1));
    let sparse: Vec<Value> = whole.iter().step_by(5).cloned().collect();
    assert_eq!(path(1, "a", 5), sparse, "skipped polls change nothing");
    assert_ne!(whole, path(2, "a", 1));
    assert_ne!(whole, path(1, "b", 1));
    let within = |value: &Value| (-5.0..=5.0).contains(&value.as_f64().unwrap());
    assert!(whole.iter().all(within));
}

#[test]
fn a_long_break_is_no_long_wait() {
    let mut signal = signal(Operation::Walk {
        min: 0.0,
        max: 1.0,
        step: 0.1,
    });
    let begun = std::time::Instant::now();
    signal.at(Duration::from_secs(u64::from(u32::MAX)), 0.0);
    assert!(begun.elapsed() < SECOND);
}

#[test]
fn a_follower_comes_near() {
    let mut signal = signal(Operation::Follow {
        of: "x".into(),
        lag_s: 10.0,
    });
    signal.at(Duration::ZERO, 100.0);
    let after_lag = signal.at(SECOND * 10, 100.0).as_f64().unwrap();
    assert!((after_lag - 63.212).abs() < 0.01, "{after_lag}");
    let later = signal.at(SECOND * 100, 100.0).as_f64().unwrap();
    assert!(later > 99.9, "{later}");
}

#[test]
fn constants_keep_their_type() {
    let cases = [
        (serde_json::json!(true), Value::Bool(true)),
        (serde_json::json!(-3), Value::Int(-3)),
        (serde_json::json!(u64::MAX), Value::UInt(u64::MAX)),
        (serde_json::json!(1.5), Value::F64(1.5)),
        (serde_json::json!("on"), Value::text("on")),
    ];
    for (value, expected) in cases {
        let operation = Operation::Constant { value };
        let scalar = Signal::scalar(&operation).unwrap();
        let value = signal(operation).at(SECOND, 0.0);
        assert_eq!(value.check(scalar.into()), Ok(()));
        assert_eq!(value, expected);
    }
    assert_eq!(
        Signal::scalar(&Operation::Constant {
            value: serde_json::json!([])
        }),
        None
    );
}

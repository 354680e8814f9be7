//! Which samples are kept.

use mainstem_model::{Quality, Reason, Value};

use crate::config::SampleMode;
use crate::recorder::sampler::{Kept, Sampler, Told};

fn told(time: i64, value: &Value) -> Told<'_> {
    Told {
        time,
        value: Some(value),
        quality: Quality::GOOD,
    }
}

fn times(kept: &[Option<Kept>]) -> Vec<Option<i64>> {
    kept.iter()
        .map(|kept| kept.as_ref().map(|kept| kept.time))
        .collect()
}

#[test]
fn on_change_means_by_more_than_the_deadband() {
    let mut sampler = Sampler::new(SampleMode::OnChange, 0.5, None);
    let values = [1.0, 1.4, 1.5, 1.6, 1.2, 1.0, f64::NAN, f64::NAN, 1.0].map(Value::F64);
    let kept: Vec<_> = (0..)
        .zip(&values)
        .map(|(at, v)| sampler.sample(told(at, v)))
        .collect();
    let wanted = [
        Some(0),
        None,
        None,
        Some(3),
        None,
        Some(5),
        Some(6),
        None,
        Some(8),
    ];
    assert_eq!(times(&kept), wanted);
    // The same value under another quality is another row.
    let quality = Quality::of(Reason::UncertainRange);
    let uncertain = Told {
        quality,
        ..told(9, &values[8])
    };
    assert!(sampler.sample(uncertain).is_some());
    let mut every = Sampler::new(SampleMode::Every, 0.0, None);
    assert!((0..3).all(|at| every.sample(told(at, &values[0])).is_some()));
}

#[test]
fn what_is_not_known_ends_once_and_begins_again() {
    let value = Value::F64(7.0);
    let mut sampler = Sampler::new(SampleMode::OnChange, 0.0, None);
    assert!(sampler.sample(told(10, &value)).is_some());
    let down = Quality::of(Reason::LinkDown);
    let end = sampler.end(down, 20).unwrap();
    assert_eq!(
        (end.time, end.value.as_f64(), end.quality),
        (20, None, down)
    );
    assert_eq!(sampler.end(down, 30), None, "once is enough");
    // Catch-up of what was known before a restart vouches for nothing.
    let restarted = Quality::of(Reason::Restarted);
    let old = Told {
        quality: restarted,
        ..told(10, &value)
    };
    assert_eq!(sampler.now(old, 40), None);
    let again = sampler.now(told(10, &value), 50).unwrap();
    assert_eq!((again.time, again.value.as_f64()), (50, Some(7.0)));
    assert_eq!(
        sampler.now(told(10, &value), 60),
        None,
        "catch-up is no change"
    );
    // A sample that was missed is kept under its own time.
    let missed = sampler.now(told(55, &Value::F64(8.0)), 70).unwrap();
    assert_eq!(missed.time, 55);
}

#[test]
fn an_end_stands_behind_a_clock_that_is_ahead() {
    let value = Value::F64(7.0);
    let mut sampler = Sampler::new(SampleMode::Every, 0.0, None);
    sampler.sample(told(100, &value));
    let end = sampler.end(Quality::of(Reason::Stopped), 90).unwrap();
    assert_eq!(end.time, 101);
}

#[test]
fn an_interval_keeps_what_is_so_at_its_multiples() {
    let values = [1.0, 2.0, 3.0].map(Value::F64);
    let mut sampler = Sampler::new(SampleMode::Interval, 0.0, None);
    assert_eq!(sampler.tick(10), None, "nothing is known");
    assert!(
        sampler.sample(told(11, &values[0])).is_some(),
        "where it begins"
    );
    assert_eq!(sampler.sample(told(12, &values[1])), None);
    let rows = [sampler.tick(20), sampler.tick(30)].map(Option::unwrap);
    assert_eq!(
        rows.each_ref().map(|row| (row.time, row.value.as_f64())),
        [(20, Some(2.0)), (30, Some(2.0))]
    );
    assert!(sampler.end(Quality::of(Reason::DeviceDown), 35).is_some());
    assert_eq!(sampler.tick(40), None);
}

//! Readings in, samples out, under a clock that the test moves.

mod first_word;

use std::time::Duration;

use mainstem_model::{ManualClock, Scalar, Timestamp, Value};

use super::*;
use crate::conformance::Witness;
use crate::{Installation, Scaling, Site, TimePolicy};

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// How long the first reading of a session may take here.
const FIRST_WORD: Duration = Duration::from_secs(2);

struct Bench {
    intake: Arc<Intake>,
    clock: Arc<ManualClock>,
    witness: Witness,
    statistics: Arc<Statistics>,
}

fn rule(scalar: Scalar) -> Rule {
    let value_type = scalar.into();
    Rule {
        value_type,
        scaling: None,
        time: None,
        device: None,
        is_readable: true,
        first_word_within: FIRST_WORD,
        stale_after: None,
        life: None,
    }
}

fn bench(rules: Vec<Rule>, devices: usize) -> Bench {
    let witness = Witness::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let statistics = Arc::new(Statistics::default());
    let installation = Installation {
        adapter: "a",
        kind: "test",
        points: &[],
        devices: &[],
    };
    let intake = Intake::new(
        witness.define(&installation),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Arc::clone(&statistics),
        rules.into(),
        devices,
    );
    intake.open(1);
    intake.online(1, || {});
    Bench {
        intake: Arc::new(intake),
        clock,
        witness,
        statistics,
    }
}

impl Bench {
    /// Emits and returns what came out.
    fn emit(&self, readings: impl Into<Vec<Reading>>) -> Vec<(u32, Sample)> {
        let before = self.witness.observed().samples.len();
        let mut readings = readings.into();
        self.intake.emit(1, &mut readings);
        assert!(readings.is_empty(), "the list is drained");
        let after = self.witness.observed().samples;
        after[before..]
            .iter()
            .map(|(point, sample)| (point.0, sample.clone()))
            .collect()
    }

    fn supervise(&self) -> Option<Duration> {
        let now = self.clock.monotonic();
        let next = self.intake.supervise(now);
        next.map(|next| next.since(now))
    }

    fn status(&self, device: Option<usize>) -> Option<Quality> {
        self.witness.observed().statuses.get(&device).copied()
    }
}

fn good(point: u32, value: Value) -> Reading {
    Reading::good(PointId(point), value)
}

fn stamped(value: f64, stamp: Timestamp) -> Reading {
    Reading {
        source_time: Some(stamp),
        ..good(0, Value::F64(value))
    }
}

#[test]
fn scaling_and_type_are_applied() {
    let scaling = Some(Scaling {
        factor: 0.1,
        offset: 0.0,
    });
    let bench = bench(
        vec![
            Rule {
                scaling,
                ..rule(Scalar::I32)
            },
            rule(Scalar::U16),
        ],
        0,
    );
    let out = bench.emit([good(0, Value::UInt(217)), good(1, Value::text("no number"))]);
    assert_eq!(out[0], (0, Sample::good(Value::Int(22), Some(NOW))));
    assert_eq!(
        out[1],
        (
            1,
            Sample::without_value(Quality::of(Reason::BadType), Some(NOW))
        )
    );
    assert_eq!(bench.statistics.snapshot().errors.get("bad_type"), Some(&1));
}

#[test]
fn what_did_not_change_is_confirmed_only() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    assert_eq!(bench.emit([good(0, Value::F64(1.0))]).len(), 1);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.emit([good(0, Value::F64(1.0))]), []);
    assert_eq!(bench.witness.observed().confirmations[&None], 2);
    let failed = Reading::failed(PointId(0), Reason::DeviceError);
    assert_eq!(bench.emit([failed.clone()]).len(), 1);
    assert_eq!(bench.emit([failed]), []);
    assert_eq!(
        bench.witness.observed().confirmations[&None],
        2,
        "an error vouches for nothing"
    );
    let back = bench.emit([good(0, Value::F64(1.0))]);
    assert_eq!(back.len(), 1, "the same value, good again, is news");
    assert_eq!(back[0].1.source_time, Some(bench.clock.now()));
}

#[test]
fn a_plausible_stamp_of_the_device_stands() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    let earlier = Timestamp::from_micros(NOW.micros() - 5_000_000);
    assert_eq!(
        bench.emit([stamped(1.0, earlier)])[0].1,
        Sample::good(Value::F64(1.0), Some(earlier))
    );
    assert_eq!(bench.emit([stamped(1.0, earlier)]), []);
    assert_eq!(
        bench.emit([stamped(1.0, NOW)]).len(),
        1,
        "a new stamp is news"
    );
}

#[test]
fn an_impossible_stamp_is_kept_as_a_claim() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    let ahead = |micros| Timestamp::from_micros(NOW.micros() + micros);
    assert!(
        bench.emit([stamped(1.0, ahead(60_000_000))])[0]
            .1
            .quality
            .is_good()
    );
    for claim in [ahead(60_000_001), Timestamp::from_micros(0)] {
        let sample = &bench.emit([stamped(2.0, claim)])[0].1;
        assert_eq!(sample.quality, Quality::of(Reason::BadSourceTime));
        assert_eq!(
            (sample.source_time, &sample.value),
            (Some(claim), &Some(Value::F64(2.0)))
        );
    }
    let bad = Reading {
        quality: Quality::of(Reason::BadSource),
        ..stamped(3.0, ahead(1 << 40))
    };
    assert_eq!(
        bench.emit([bad])[0].1.quality.reason,
        Reason::BadSource,
        "the worse word stands"
    );
}

#[test]
fn the_node_stamps_where_it_is_told_to() {
    let bench = bench(
        vec![Rule {
            time: Some(TimePolicy::Node),
            ..rule(Scalar::F64)
        }],
        0,
    );
    assert_eq!(
        bench.emit([stamped(1.0, Timestamp::from_micros(0))])[0]
            .1
            .source_time,
        Some(NOW)
    );
    assert_eq!(
        bench.emit([stamped(1.0, NOW)]),
        [],
        "the device's stamp plays no part"
    );
}

#[test]
fn only_the_open_session_is_heard() {
    let bench = bench(vec![rule(Scalar::F64)], 1);
    let mut readings = vec![good(0, Value::F64(1.0))];
    bench.intake.emit(0, &mut readings);
    bench.intake.device(0, 0, Quality::of(Reason::DeviceDown));
    assert!(readings.is_empty() && bench.witness.observed().samples.is_empty());
    bench.intake.close(Quality::of(Reason::Reconnecting));
    let calls = bench.witness.observed().calls;
    bench.intake.emit(1, &mut vec![good(0, Value::F64(1.0))]);
    bench
        .intake
        .online(1, || panic!("a closed session came online"));
    bench.intake.confirm(1, &[PointId(0)]);
    assert_eq!(bench.witness.observed().calls, calls);
}

#[test]
fn an_unknown_point_disturbs_nobody() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    assert_eq!(
        bench
            .emit([good(7, Value::F64(1.0)), good(0, Value::F64(2.0))])
            .len(),
        1
    );
    bench.intake.confirm(1, &[PointId(7)]);
    assert_eq!(
        bench.statistics.snapshot().errors.get("unknown_point"),
        Some(&1)
    );
}

#[test]
fn unconfirmed_becomes_stale_and_good_again() {
    let limit = Some(Duration::from_secs(3));
    let bench = bench(
        vec![
            Rule {
                stale_after: limit,
                ..rule(Scalar::F64)
            },
            rule(Scalar::F64),
        ],
        0,
    );
    bench.emit([good(0, Value::F64(1.0)), good(1, Value::F64(1.0))]);
    assert_eq!(bench.supervise(), Some(Duration::from_secs(3)));
    bench.clock.advance(Duration::from_secs(2));
    bench.intake.confirm(1, &[PointId(0)]);
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(
        bench.supervise(),
        Some(Duration::from_secs(1)),
        "the keep-alive has confirmed"
    );
    bench.clock.advance(Duration::from_secs(1));
    let next = bench.supervise();
    assert_eq!(
        next,
        Some(Duration::from_secs(3)),
        "it may become stale again"
    );
    let stale = bench.witness.observed().samples.pop().unwrap();
    assert_eq!(
        (stale.0, stale.1.quality),
        (PointId(0), Quality::of(Reason::Stale))
    );
    bench.clock.advance(Duration::from_secs(5));
    bench.supervise();
    assert_eq!(
        bench.witness.observed().samples.len(),
        3,
        "stale is said once"
    );
    let back = bench.emit([good(0, Value::F64(1.0))]);
    assert!(back[0].1.quality.is_good());
}

#[test]
fn a_life_datapoint_freezes_its_source_only() {
    let life = Some(Duration::from_secs(10));
    let on_device = Rule {
        device: Some(1),
        life,
        ..rule(Scalar::U32)
    };
    let bench = bench(vec![on_device, rule(Scalar::F64)], 2);
    bench.emit([good(0, Value::UInt(1))]);
    bench.clock.advance(Duration::from_secs(9));
    bench.emit([good(0, Value::UInt(1))]);
    assert_eq!(
        bench.supervise(),
        Some(Duration::from_secs(1)),
        "repeating is not changing"
    );
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.supervise(), Some(Duration::from_secs(1)));
    assert_eq!(bench.status(Some(1)), Some(Quality::of(Reason::Frozen)));
    assert_eq!(
        (bench.status(Some(0)), bench.status(None)),
        (None, Some(Quality::GOOD))
    );
    bench.emit([good(0, Value::UInt(2))]);
    bench.supervise();
    assert_eq!(bench.status(Some(1)), Some(Quality::GOOD));
}

#[test]
fn the_time_without_a_session_does_not_count() {
    let limit = Some(Duration::from_secs(3));
    let bench = bench(
        vec![Rule {
            stale_after: limit,
            life: limit,
            ..rule(Scalar::F64)
        }],
        0,
    );
    bench.emit([good(0, Value::F64(1.0))]);
    bench.intake.close(Quality::of(Reason::Reconnecting));
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.supervise(), None);
    bench.intake.open(2);
    bench.intake.online(2, || {});
    assert_eq!(bench.supervise(), Some(FIRST_WORD));
    assert_eq!(bench.witness.observed().samples.len(), 1);
}

#[test]
fn devices_have_a_status_of_their_own() {
    let bench = bench(
        vec![Rule {
            device: Some(0),
            ..rule(Scalar::F64)
        }],
        1,
    );
    assert_eq!(bench.status(Some(0)), Some(Quality::of(Reason::Catching)));
    bench.emit([good(0, Value::F64(1.0))]);
    assert_eq!(bench.status(Some(0)), Some(Quality::GOOD));
    let before = bench.witness.observed().status_history.len();
    bench.intake.device(1, 0, Quality::GOOD);
    bench.intake.device(1, 0, Quality::of(Reason::DeviceDown));
    bench.intake.device(1, 0, Quality::of(Reason::DeviceDown));
    bench.intake.device(1, 9, Quality::of(Reason::DeviceDown));
    assert_eq!(bench.status(Some(0)), Some(Quality::of(Reason::DeviceDown)));
    assert_eq!(
        bench.witness.observed().status_history.len(),
        before + 1,
        "only changes are told"
    );
    assert_eq!(bench.intake.quality(Some(0)).reason, Reason::DeviceDown);
}

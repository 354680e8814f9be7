//! What was said before a cut is not vouched for until it is said again (G2).

use super::*;

const GOOD: Quality = Quality::GOOD;

fn catching() -> Quality {
    Quality::of(Reason::Catching)
}

fn on_device(device: usize) -> Rule {
    Rule {
        device: Some(device),
        ..rule(Scalar::F64)
    }
}

impl Bench {
    /// What a reader sees of a datapoint: the worst of its own quality and its sources'.
    fn shown(&self, point: u32, device: Option<usize>) -> Quality {
        let observed = self.witness.observed();
        let own = observed.latest[&PointId(point)].quality;
        let of = |source| observed.statuses.get(&source).copied().unwrap_or_default();
        own.worse(device.map_or(GOOD, |device| of(Some(device))))
            .worse(of(None))
    }

    /// Loses the session, lets time pass and brings up the next one.
    fn cut(&self, session: u64) {
        self.intake.close(Quality::of(Reason::Reconnecting));
        self.clock.advance(Duration::from_secs(10));
        self.intake.open(session);
        self.intake.online(session, || {});
    }

    fn emit_in(&self, session: u64, readings: impl Into<Vec<Reading>>) {
        self.intake.emit(session, &mut readings.into());
    }

    fn own(&self, point: u32) -> Sample {
        self.witness.observed().latest[&PointId(point)].clone()
    }
}

#[test]
fn the_first_session_is_good_when_everything_was_read() {
    let bench = bench(vec![rule(Scalar::F64), rule(Scalar::F64)], 0);
    assert_eq!(bench.status(None), Some(catching()));
    bench.emit([good(0, Value::F64(1.0))]);
    bench.emit([good(0, Value::F64(2.0))]);
    assert_eq!(
        bench.status(None),
        Some(catching()),
        "one twice is not both"
    );
    bench.emit([Reading::failed(PointId(1), Reason::BadAddress)]);
    assert_eq!(bench.status(None), Some(GOOD), "an error is a word, too");
}

#[test]
fn values_from_before_the_cut_are_not_shown_as_good() {
    let bench = bench(vec![rule(Scalar::F64), rule(Scalar::F64)], 0);
    bench.emit([good(0, Value::F64(1.0)), good(1, Value::F64(1.0))]);
    assert_eq!(bench.shown(1, None), GOOD);
    bench.cut(2);
    assert_eq!(bench.shown(0, None), catching());
    bench.emit_in(2, [good(0, Value::F64(7.0))]);
    assert_eq!(bench.shown(1, None), catching(), "nobody has read it again");
    bench.emit_in(2, [good(1, Value::F64(1.0))]);
    assert_eq!(bench.shown(1, None), GOOD);
    assert_eq!(bench.intake.quality(None), GOOD);
}

#[test]
fn the_first_reading_of_a_session_is_applied_though_nothing_changed() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    bench.emit([good(0, Value::F64(1.0))]);
    bench.cut(2);
    let now = bench.clock.now();
    bench.emit_in(2, [good(0, Value::F64(1.0))]);
    bench.emit_in(2, [good(0, Value::F64(1.0))]);
    let samples = bench.witness.observed().samples;
    assert_eq!(samples.len(), 2, "{samples:?}");
    assert_eq!(samples[1].1, Sample::good(Value::F64(1.0), Some(now)));
    let failed = Reading::failed(PointId(0), Reason::BadAddress);
    bench.emit_in(2, [failed.clone()]);
    bench.cut(3);
    bench.emit_in(3, [failed.clone(), failed]);
    assert_eq!(bench.witness.observed().samples.len(), 4);
}

#[test]
fn who_is_not_heard_of_in_time_says_so_itself() {
    let bench = bench(vec![rule(Scalar::F64); 4], 0);
    let bad = Reading::failed(PointId(2), Reason::BadAddress);
    bench.emit([good(0, Value::F64(1.0)), good(1, Value::F64(1.0)), bad]);
    bench.cut(2);
    bench.emit_in(2, [good(0, Value::F64(1.0))]);
    assert_eq!(bench.supervise(), Some(FIRST_WORD));
    bench.clock.advance(FIRST_WORD - Duration::from_millis(1));
    bench.supervise();
    assert_eq!(bench.status(None), Some(catching()));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.supervise(), None, "nothing is awaited any more");
    assert_eq!(bench.status(None), Some(GOOD));
    assert_eq!(bench.own(0).quality, GOOD);
    let stale = bench.own(1);
    assert_eq!(stale.quality, Quality::of(Reason::Stale));
    assert_eq!(
        stale.value,
        Some(Value::F64(1.0)),
        "the last one stays visible"
    );
    assert_eq!(bench.own(2).quality, Quality::of(Reason::BadAddress));
    assert_eq!(bench.own(3).quality, Quality::of(Reason::Waiting));
    bench.emit_in(2, [good(1, Value::F64(1.0)), good(3, Value::F64(1.0))]);
    assert_eq!((bench.shown(1, None), bench.shown(3, None)), (GOOD, GOOD));
}

#[test]
fn each_has_its_own_time() {
    let slow = Rule {
        first_word_within: Duration::from_secs(20),
        ..rule(Scalar::F64)
    };
    let bench = bench(vec![rule(Scalar::F64), slow], 0);
    bench.clock.advance(FIRST_WORD);
    assert_eq!(bench.supervise(), Some(Duration::from_secs(18)));
    assert_eq!(bench.own(0).quality, Quality::of(Reason::Waiting));
    assert_eq!(bench.status(None), Some(catching()));
    bench.emit([good(1, Value::F64(1.0))]);
    assert_eq!(bench.status(None), Some(GOOD));
}

#[test]
fn the_time_runs_from_online_on() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    bench.intake.close(Quality::of(Reason::Reconnecting));
    bench.intake.open(2);
    bench.clock.advance(Duration::from_secs(30));
    bench.intake.online(2, || {});
    assert_eq!(bench.supervise(), Some(FIRST_WORD));
}

#[test]
fn a_device_that_comes_back_has_to_be_read_again() {
    let bench = bench(vec![on_device(0), on_device(1)], 2);
    bench.emit([good(0, Value::F64(1.0)), good(1, Value::F64(1.0))]);
    assert_eq!(bench.shown(0, Some(0)), GOOD);
    bench.intake.device(1, 0, Quality::of(Reason::DeviceDown));
    bench.clock.advance(Duration::from_secs(60));
    bench.intake.device(1, 0, GOOD);
    assert_eq!(bench.shown(0, Some(0)), catching());
    assert_eq!(
        bench.shown(1, Some(1)),
        GOOD,
        "the other one is not touched"
    );
    assert_eq!(bench.supervise(), Some(FIRST_WORD));
    bench.intake.device(1, 0, GOOD);
    assert_eq!(
        bench.shown(0, Some(0)),
        catching(),
        "said twice is not read"
    );
    let before = bench.witness.observed().samples.len();
    bench.emit([good(0, Value::F64(1.0))]);
    assert_eq!(bench.shown(0, Some(0)), GOOD);
    assert_eq!(bench.witness.observed().samples.len(), before + 1);
}

#[test]
fn a_device_that_comes_back_without_a_word_is_marked_in_time() {
    let bench = bench(vec![on_device(0)], 1);
    bench.emit([good(0, Value::F64(1.0))]);
    bench.intake.device(1, 0, Quality::of(Reason::DeviceDown));
    bench.intake.device(1, 0, GOOD);
    bench.clock.advance(FIRST_WORD);
    bench.supervise();
    assert_eq!(bench.status(Some(0)), Some(GOOD));
    assert_eq!(bench.shown(0, Some(0)), Quality::of(Reason::Stale));
}

#[test]
fn a_device_that_is_down_is_not_waited_for() {
    let bench = bench(vec![on_device(0), rule(Scalar::F64)], 1);
    bench.intake.device(1, 0, Quality::of(Reason::DeviceDown));
    bench.emit([good(1, Value::F64(1.0))]);
    assert_eq!(
        bench.status(None),
        Some(GOOD),
        "a sub-source is not the adapter"
    );
    bench.clock.advance(FIRST_WORD * 10);
    assert_eq!(bench.supervise(), None);
    assert_eq!(
        bench.witness.observed().samples.len(),
        1,
        "down says enough"
    );
    bench.cut(2);
    assert_eq!(bench.status(Some(0)), Some(Quality::of(Reason::DeviceDown)));
    bench.intake.device(2, 0, GOOD);
    assert_eq!(bench.status(Some(0)), Some(catching()));
    bench.emit_in(2, [good(0, Value::F64(1.0))]);
    assert_eq!(bench.status(Some(0)), Some(GOOD));
}

#[test]
fn a_device_is_uncertain_before_its_adapter_is_good_again() {
    let bench = bench(vec![on_device(0)], 1);
    bench.emit([good(0, Value::F64(1.0))]);
    let before = bench.witness.observed().status_history.len();
    bench.cut(2);
    bench.emit_in(2, [good(0, Value::F64(1.0))]);
    let expected = [
        (None, Quality::of(Reason::Reconnecting)),
        (Some(0), catching()),
        (None, GOOD),
        (Some(0), GOOD),
    ];
    assert_eq!(bench.witness.observed().status_history[before..], expected);
}

#[test]
fn what_is_only_written_is_not_waited_for() {
    let write_only = Rule {
        is_readable: false,
        ..rule(Scalar::F64)
    };
    let bench = bench(vec![write_only], 0);
    assert_eq!(bench.status(None), Some(GOOD));
    assert_eq!(bench.supervise(), None);
}

#[test]
fn a_keep_alive_vouches_only_for_what_was_said_in_this_session() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    bench.emit([good(0, Value::F64(1.0))]);
    bench.cut(2);
    let before = bench.witness.observed().confirmations[&None];
    bench.intake.confirm(2, &[PointId(0)]);
    assert_eq!(bench.shown(0, None), catching());
    assert_eq!(bench.witness.observed().confirmations[&None], before);
    bench.clock.advance(FIRST_WORD);
    bench.supervise();
    bench.intake.confirm(2, &[PointId(0)]);
    assert_eq!(bench.shown(0, None), Quality::of(Reason::Stale));
}

#[test]
fn a_late_keep_alive_makes_a_stale_value_good_again() {
    let bench = bench(
        vec![Rule {
            stale_after: Some(Duration::from_secs(3)),
            ..rule(Scalar::F64)
        }],
        0,
    );
    let value = bench.emit([good(0, Value::F64(1.0))]).remove(0).1;
    bench.clock.advance(Duration::from_secs(3));
    bench.supervise();
    assert_eq!(bench.own(0).quality, Quality::of(Reason::Stale));
    bench.intake.confirm(1, &[PointId(0)]);
    assert_eq!(bench.own(0), value);
    bench.intake.confirm(1, &[PointId(0)]);
    assert_eq!(bench.witness.observed().samples.len(), 3, "said once");
    // What the device itself calls stale is not ours to take back.
    bench.emit([Reading::failed(PointId(0), Reason::Stale)]);
    bench.intake.confirm(1, &[PointId(0)]);
    assert_eq!(bench.own(0).quality, Quality::of(Reason::Stale));
}

/// A seat that writes down only the order of what it is told.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl SiteAdapter for Log {
    fn apply(&self, batch: &mut Vec<(PointId, Sample)>) {
        let told = batch
            .drain(..)
            .map(|(point, _)| format!("sample {}", point.0));
        self.0.lock().extend(told);
    }

    fn status(&self, _: Option<usize>, quality: Quality) {
        self.0.lock().push(quality.reason.as_str().into());
    }

    fn confirm(&self, _: Option<usize>) {
        self.0.lock().push("confirm".into());
    }

    fn standing(&self, _: &crate::Standing) {}
}

#[test]
fn a_source_is_good_only_after_its_samples_are_there() {
    let log = Arc::new(Log::default());
    let clock = Arc::new(ManualClock::new(NOW));
    let intake = Intake::new(
        Arc::clone(&log) as Arc<dyn SiteAdapter>,
        clock,
        Arc::default(),
        vec![rule(Scalar::F64), rule(Scalar::F64)].into(),
        0,
    );
    intake.close(Quality::of(Reason::Reconnecting));
    intake.open(1);
    intake.online(1, || {});
    intake.emit(
        1,
        &mut vec![good(1, Value::F64(1.0)), good(0, Value::F64(1.0))],
    );
    let expected = [
        "reconnecting",
        "catching_up",
        "sample 1",
        "sample 0",
        "ok",
        "confirm",
    ];
    assert_eq!(*log.0.lock(), expected);
}

#[test]
fn batches_keep_their_room() {
    let bench = bench(vec![rule(Scalar::F64)], 0);
    bench.emit([good(0, Value::F64(1.0))]);
    let room = || bench.intake.state.lock().batch.capacity();
    let before = room();
    for number in 2..100 {
        bench.emit([good(0, Value::F64(f64::from(number)))]);
    }
    assert_eq!((room(), before > 0), (before, true));
}

//! Roll-ups as they are stored, against one naive count over all rows in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use mainstem_model::{NodeId, Quality, Reason, Timestamp};
use proptest::prelude::*;

use super::memory::MemorySink;
use crate::recorder::rolling::{RollSetup, Rolling, reading};
use crate::rollup::{Calendar, CounterRule, RateRule, Reading, Rule};
use crate::{Edit, LogId, Logged, Rollup, RollupBatch, Row, SeriesId, SeriesKey, Sink, Step};

const HOUR: i64 = 3_600_000_000;

/// One series in a sink, with its roll-ups as the recorder keeps them.
struct Book {
    sink: MemorySink,
    series: SeriesId,
    setup: RollSetup,
    rolling: Rolling,
    next: u64,
}

impl Book {
    fn new(setup: RollSetup) -> Self {
        let sink = MemorySink::default();
        let key = SeriesKey {
            origin: NodeId(uuid::Uuid::nil()),
            log: LogId(uuid::Uuid::nil()),
            logger: mainstem_model::Name::new("a").unwrap(),
        };
        let series = sink.series(&key).unwrap();
        let rolling =
            Rolling::open(&sink, series, setup.clone(), Timestamp::from_micros(0)).unwrap();
        Self {
            sink,
            series,
            setup,
            rolling,
            next: 1,
        }
    }

    fn write(&mut self, at: i64, value: Option<f64>, quality: Quality) {
        let row = Row {
            series: self.series,
            row: self.next,
            time: at,
            received: None,
            value: value.map_or(Logged::None, Logged::Number),
            quality: quality.code(),
        };
        self.next += 1;
        self.sink.append(vec![row.clone()]).wait().unwrap();
        self.rolling.take(&row);
    }

    /// Supersedes a stretch.
    fn edit(&mut self, from: i64, to: i64) {
        let note = "wrong".into();
        let row = Row {
            series: self.series,
            row: self.next,
            time: from,
            received: None,
            value: Logged::Edit(Arc::new(Edit { to, note })),
            quality: 0,
        };
        self.next += 1;
        self.sink.append(vec![row.clone()]).wait().unwrap();
        self.rolling.take(&row);
    }

    fn flush(&mut self, now: i64) {
        let now = Timestamp::from_micros(now);
        let mut batch = RollupBatch::default();
        self.rolling.drain(now, &mut batch);
        self.sink.put_rollups(&batch).unwrap();
        if self.rolling.is_late() {
            self.rolling.repair(&self.sink, now, false).unwrap();
        }
    }

    fn restart(&mut self, now: i64) {
        let now = Timestamp::from_micros(now);
        self.rolling = Rolling::open(&self.sink, self.series, self.setup.clone(), now).unwrap();
    }

    fn stored(&self) -> BTreeMap<(Step, i64), Rollup> {
        let all = self.sink.all_rollups().into_iter();
        // What was emptied stays as an empty one.
        let told = all.filter(|r| r.count > 0 || r.known > 0);
        told.map(|r| ((r.step, r.start), r)).collect()
    }

    fn naive(&self, until: i64) -> BTreeMap<(Step, i64), Rollup> {
        let readings: Vec<Reading> = self.sink.all(self.series).iter().map(reading).collect();
        naive(&self.setup, self.series, &readings, until)
    }
}

/// Every slot counted by looking at all rows: no carry, no open slots, no order to keep.
fn naive(
    setup: &RollSetup,
    series: SeriesId,
    rows: &[Reading],
    until: i64,
) -> BTreeMap<(Step, i64), Rollup> {
    let mut out = BTreeMap::new();
    let Some(first) = rows.first() else {
        return out;
    };
    for step in Step::ALL {
        if step == Step::Minute && !setup.minutes {
            continue;
        }
        let mut slot = setup.calendar.slot(step, first.at);
        let end = until.max(rows.last().unwrap().at);
        while slot.from <= end {
            let mut rollup = blank(series, step, slot.from);
            for (place, row) in rows.iter().enumerate() {
                if slot.contains(row.at) {
                    count(setup, &mut rollup, rows, place);
                }
                let next = rows.get(place + 1).map_or(end, |next| next.at);
                let (from, to) = (row.at.max(slot.from), next.min(slot.to));
                if let (Some(value), true) = (row.usable(), from < to) {
                    rollup.held += value * (to - from) as f64 / 1e6;
                    rollup.known += to - from;
                    rollup.min = rollup.min.min(value);
                    rollup.max = rollup.max.max(value);
                }
            }
            let is_told = rollup.count > 0 || (rollup.known > 0 && step != Step::Minute);
            if is_told {
                if rollup.min > rollup.max {
                    (rollup.min, rollup.max) = (0.0, 0.0);
                }
                out.insert((step, slot.from), rollup);
            }
            slot = setup.calendar.next(step, slot);
        }
    }
    out
}

fn blank(series: SeriesId, step: Step, start: i64) -> Rollup {
    Rollup {
        series,
        step,
        start,
        count: 0,
        good: 0,
        uncertain: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        held: 0.0,
        known: 0,
        first: 0.0,
        last: 0.0,
        increment: 0.0,
        across_gap: 0.0,
        resets: 0,
        overflows: 0,
        corrections: 0,
        rates: Vec::new(),
    }
}

fn count(setup: &RollSetup, rollup: &mut Rollup, rows: &[Reading], place: usize) {
    let row = &rows[place];
    rollup.count += 1;
    let Some(value) = row.usable() else { return };
    if rollup.good == 0 {
        rollup.first = value;
    }
    rollup.last = value;
    rollup.good += 1;
    rollup.uncertain += u32::from(!row.quality.is_good());
    rollup.sum += value;
    rollup.min = rollup.min.min(value);
    rollup.max = rollup.max.max(value);
    let Rule::Counter(counter, rates) = &setup.rule else {
        return;
    };
    let before = rows[..place].iter().rposition(|row| row.usable().is_some());
    let Some(before) = before else { return };
    let (earlier, modulus) = (rows[before].usable().unwrap(), counter.modulus.unwrap());
    let difference = value - earlier;
    let increment = if difference >= 0.0 {
        difference
    } else if difference + modulus < modulus / 4.0 {
        rollup.overflows += 1;
        difference + modulus
    } else if value < earlier / 2.0 {
        rollup.resets += 1;
        value
    } else {
        rollup.corrections += 1;
        difference
    };
    rollup.increment += increment;
    if place - before > 1 {
        rollup.across_gap += increment;
    }
    let rate = rates.first().unwrap();
    let share = crate::RateShare {
        rate: Arc::clone(&rate.name),
        increment,
        cost: increment * rate.price,
    };
    match rollup.rates.first_mut() {
        Some(first) => {
            first.increment += share.increment;
            first.cost += share.cost;
        }
        None => rollup.rates.push(share),
    }
}

fn assert_same(book: &Book, until: i64) {
    let (stored, naive) = (book.stored(), book.naive(until));
    for place in stored.keys() {
        assert!(naive.contains_key(place), "{place:?} is too much");
    }
    for (place, wanted) in &naive {
        // Whole numbers of seconds and values keep every sum exact.
        assert_eq!(stored.get(place), Some(wanted), "{place:?}");
    }
}

fn setup(rule: Rule, zone: &str, minutes: bool) -> RollSetup {
    RollSetup {
        rule,
        calendar: Calendar::new(TimeZone::get(zone).unwrap()),
        minutes,
        raw: None,
    }
}

fn rules() -> impl Strategy<Value = Rule> {
    let rate = RateRule {
        name: "always".into(),
        price: 2.0,
        window: None,
    };
    let counter = CounterRule {
        modulus: Some(1000.0),
    };
    prop_oneof![Just(Rule::Range), Just(Rule::Counter(counter, vec![rate]))]
}

/// A time in steps of 10 s over some days, a value or none, and what is done next.
fn steps() -> impl Strategy<Value = Vec<(i64, Option<i32>, u8)>> {
    let value = prop_oneof![4 => (0..1000_i32).prop_map(Some), 1 => Just(None)];
    prop::collection::vec((0..40_000_i64, value, 0..14_u8), 1..40)
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Europe/Berlin",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "UTC",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows in any order, with restarts in between: what is stored is what a naive count says.
    #[test]
    fn rollups_are_those_of_a_naive_count(
        rule in rules(),
        zone in zones(),
        minutes in any::<bool>(),
        in_order in any::<bool>(),
        mut steps in steps(),
    ) {
        // Summer time ends in Berlin in these days, and a month does.
        let begin = "2026-10-24T00:00:00Z".parse::<Timestamp>().unwrap().micros();
        if in_order {
            steps.sort_by_key(|(at, ..)| *at);
        }
        let mut book = Book::new(setup(rule, zone, minutes));
        let mut now = begin;
        for (at, value, then) in steps {
            let at = begin + at * 20_000_000;
            now = now.max(at);
            let quality = match value {
                Some(value) if value % 7 == 0 => Quality::of(Reason::UncertainRange),
                Some(_) => Quality::GOOD,
                None => Quality::of(Reason::DeviceDown),
            };
            book.write(at, value.map(f64::from), quality);
            match then {
                0..4 => book.flush(now),
                4 => book.restart(now),
                5 => {
                    book.flush(now);
                    now += HOUR;
                    book.flush(now);
                }
                // Of a moment, of some hours, of everything; and new rows in it.
                6 => book.edit(at, at + 1),
                7 => {
                    book.edit(at - 5 * HOUR, at + HOUR);
                    book.write(at - HOUR, Some(5.0), Quality::GOOD);
                }
                8 if at % 3 == 0 => book.edit(i64::MIN, i64::MAX),
                _ => {}
            }
        }
        book.flush(now);
        // An open slot is stored when something changes in it; two hours later it has ended.
        let end = now + 2 * HOUR;
        book.flush(end);
        assert_same(&book, end);
    }
}

#[test]
fn what_was_deleted_is_not_taken_out_of_roll_ups() {
    let mut book = Book::new(RollSetup {
        raw: Some(24 * HOUR),
        ..setup(Rule::Range, "UTC", false)
    });
    for at in 0..20 {
        book.write(at * HOUR / 4, Some(1.0), Quality::GOOD);
    }
    let now = 100 * HOUR;
    book.flush(now);
    let hour = |book: &Book| book.stored()[&(Step::Hour, HOUR)].clone();
    let before = hour(&book);
    assert_eq!(before.count, 4);
    book.sink.forget_before(90 * HOUR);
    book.write(HOUR + 1, Some(5.0), Quality::GOOD);
    book.flush(now);
    assert_eq!(hour(&book), before, "its other rows are gone");
    assert!(book.rolling.left > 0);
}

#[test]
fn an_increment_over_a_gap_is_told_as_such() {
    let counter = Rule::Counter(CounterRule::default(), Vec::new());
    let mut book = Book::new(setup(counter, "UTC", false));
    book.write(0, Some(100.0), Quality::GOOD);
    book.write(HOUR / 2, Some(110.0), Quality::GOOD);
    book.write(HOUR - 1_000_000, None, Quality::of(Reason::Stopped));
    book.write(3 * HOUR, Some(170.0), Quality::GOOD);
    book.write(3 * HOUR + 1_000_000, Some(175.0), Quality::GOOD);
    book.flush(5 * HOUR);
    let stored = book.stored();
    let of = |start: i64| {
        let hour = &stored[&(Step::Hour, start)];
        (hour.increment, hour.across_gap)
    };
    assert_eq!(of(0), (10.0, 0.0));
    assert!(
        !stored.contains_key(&(Step::Hour, HOUR)),
        "nothing is known of it"
    );
    assert_eq!(of(3 * HOUR), (65.0, 60.0));
    assert_eq!(stored[&(Step::Day, 0)].increment, 75.0);
}

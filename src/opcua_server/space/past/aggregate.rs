//! Aggregates over intervals, put together from the minutes and hours that the loggers keep.

use mainstem_model::Timestamp;
use opcua::types::{
    DataValue, DateTime, NodeId, ObjectId, ReadProcessedDetails, StatusCode, Variant,
};

use super::{micros, number, sum_of};
use crate::history::HistorySlot;
use crate::to_client;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const SECOND: f64 = 1e6;
/// Says that a value was calculated (part 13, 5.3.3: the bits of a historian).
const CALCULATED: u32 = 0x0000_0401;

/// What is wanted of each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    /// The mean of the samples.
    Average,
    /// The average in which each value weighs as long as it held.
    TimeAverage,
    /// The least value.
    Minimum,
    /// The greatest value.
    Maximum,
    /// How many samples there are.
    Count,
}

impl Aggregate {
    pub(super) fn parse(id: &NodeId) -> Option<Self> {
        Some(match id.as_object_id().ok()? {
            ObjectId::AggregateFunction_Average => Self::Average,
            ObjectId::AggregateFunction_TimeAverage => Self::TimeAverage,
            ObjectId::AggregateFunction_Minimum => Self::Minimum,
            ObjectId::AggregateFunction_Maximum => Self::Maximum,
            ObjectId::AggregateFunction_Count => Self::Count,
            _ => return None,
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of samples and microseconds"
    )]
    fn of(self, slots: &[HistorySlot]) -> Option<Variant> {
        let known: i64 = slots.iter().map(|slot| slot.known).sum();
        let good: u64 = slots.iter().map(|slot| slot.good).sum();
        let read = || slots.iter().filter(|slot| slot.good > 0 || slot.known > 0);
        match self {
            Self::Average => {
                (good > 0).then(|| number(sum_of(slots, |slot| slot.sum) / good as f64))
            }
            Self::TimeAverage if known > 0 => Some(number(
                sum_of(slots, |slot| slot.held) / (known as f64 / SECOND),
            )),
            Self::TimeAverage => None,
            Self::Minimum => read().map(|slot| slot.min).reduce(f64::min).map(number),
            Self::Maximum => read().map(|slot| slot.max).reduce(f64::max).map(number),
            Self::Count => {
                let count: u64 = slots.iter().map(|slot| slot.count).sum();
                Some(Variant::Int32(i32::try_from(count).unwrap_or(i32::MAX)))
            }
        }
    }
}

/// The intervals that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// The first moment.
    pub(super) from: i64,
    /// Behind the last one.
    pub(super) to: i64,
    /// Microseconds of one interval.
    width: i64,
}

impl Grid {
    pub(super) fn of(details: &ReadProcessedDetails) -> Result<Self, StatusCode> {
        let invalid = StatusCode::BadHistoryOperationInvalid;
        let from = micros(details.start_time).ok_or(invalid)?;
        let to = micros(details.end_time).ok_or(invalid)?;
        if from >= to {
            // Backwards is for raw values only.
            return Err(StatusCode::BadHistoryOperationUnsupported);
        }
        let asked = details.processing_interval * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within the span that was checked"
        )]
        let width = match asked {
            0.0 => to - from,
            asked if asked.is_finite() && asked >= 1.0 => (asked.min((to - from) as f64)) as i64,
            _ => return Err(StatusCode::BadInvalidArgument),
        };
        Ok(Self { from, to, width })
    }

    /// Whether it is put together from minutes or from hours; nothing if from neither.
    pub(super) fn step(self, has_minutes: bool) -> Option<bool> {
        let fits = |step: i64| self.from % step == 0 && self.width % step == 0;
        match (fits(HOUR), fits(MINUTE) && has_minutes) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    /// Until where one answer goes, and how many minutes or hours it needs; nothing if even one
    /// interval needs too many.
    pub(super) fn part(self, is_minutes: bool, most: usize) -> Option<(i64, usize)> {
        let step = if is_minutes { MINUTE } else { HOUR };
        let each = usize::try_from(self.width / step).ok()?.max(1);
        let intervals = i64::try_from(most / each).ok().filter(|count| *count > 0)?;
        let until = self
            .from
            .saturating_add(intervals.saturating_mul(self.width));
        Some((until.min(self.to), most))
    }

    /// The value of each interval up to some moment.
    pub(super) fn fill(self, until: i64, slots: &[HistorySlot], kind: Aggregate) -> Vec<DataValue> {
        let mut values = Vec::new();
        let (mut start, mut rest) = (self.from, slots);
        while start < until {
            let end = start.saturating_add(self.width).min(until);
            let count = rest.partition_point(|slot| slot.start < end);
            let (within, behind) = rest.split_at(count);
            values.push(told(start, kind.of(within)));
            (start, rest) = (end, behind);
        }
        values
    }
}

fn told(start: i64, value: Option<Variant>) -> DataValue {
    let status = match value {
        Some(_) => StatusCode::from(CALCULATED),
        None => StatusCode::BadNoData,
    };
    DataValue {
        value,
        status: Some(status),
        source_timestamp: Some(to_client::moment(Timestamp::from_micros(start))),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(start: i64, sum: f64, good: u64) -> HistorySlot {
        HistorySlot {
            start,
            count: good + 1,
            good,
            sum,
            min: sum / 2.0,
            max: sum,
            held: sum * 30.0,
            known: MINUTE / 2,
        }
    }

    fn doubles(values: &[DataValue]) -> Vec<Option<Variant>> {
        values.iter().map(|value| value.value.clone()).collect()
    }

    #[test]
    fn intervals_are_put_together_from_minutes() {
        let grid = Grid {
            from: 0,
            to: 4 * MINUTE,
            width: 2 * MINUTE,
        };
        assert_eq!(grid.step(true), Some(true));
        assert_eq!(grid.step(false), None);
        let slots = [slot(0, 10.0, 2), slot(MINUTE, 20.0, 3)];
        let filled = |kind| doubles(&grid.fill(grid.to, &slots, kind));
        assert_eq!(filled(Aggregate::Average), [Some(number(6.0)), None]);
        assert_eq!(filled(Aggregate::TimeAverage), [Some(number(15.0)), None]);
        assert_eq!(filled(Aggregate::Minimum), [Some(number(5.0)), None]);
        assert_eq!(filled(Aggregate::Maximum), [Some(number(20.0)), None]);
        let counts = [Some(Variant::Int32(7)), Some(Variant::Int32(0))];
        assert_eq!(filled(Aggregate::Count), counts);
    }

    #[test]
    fn one_answer_has_a_bound() {
        let grid = Grid {
            from: 0,
            to: 100 * HOUR,
            width: HOUR,
        };
        assert_eq!(grid.step(false), Some(false));
        assert_eq!(grid.part(false, 10), Some((10 * HOUR, 10)));
        let wide = Grid {
            width: 11 * HOUR,
            ..grid
        };
        assert_eq!(wide.part(false, 10), None);
        let odd = Grid { from: 1, ..grid };
        assert_eq!(odd.step(true), None);
    }
}

//! What the data loggers recorded, as the OPC UA server wants it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_datalogger::{Logged, Order, Rollup, RollupQuery, Row, SampleQuery, SeriesId, Step};
use mainstem_model::{Quality, Scalar, Value, ValueType};
use mainstem_opcua_server::{History, HistoryRow, HistorySlot, HistorySpan, Recorded};
use parking_lot::Mutex;

/// How long the list of what is recorded is believed.
const BELIEVED: Duration = Duration::from_secs(5);
/// Series asked for at a time.
const PART_MAX: usize = 1_000;

/// The series of the node, by datapoint.
#[derive(Default)]
pub(crate) struct Recordings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    book: Option<Arc<Book>>,
    by_datapoint: HashMap<String, Recorded>,
    types: HashMap<u32, Option<ValueType>>,
    read: Option<Instant>,
}

impl Recordings {
    /// Takes over the loggers that run now.
    pub(super) fn set(&self, book: Option<Arc<Book>>) {
        *self.state.lock() = State {
            book,
            ..State::default()
        };
    }

    fn book(&self) -> Result<Arc<Book>, String> {
        let book = self.state.lock().book.clone();
        book.ok_or_else(|| "this node records nothing".to_owned())
    }

    fn value_type(&self, series: u32) -> Option<ValueType> {
        self.state.lock().types.get(&series).copied().flatten()
    }
}

impl State {
    fn read_again(&mut self) {
        let is_fresh = self.read.is_some_and(|read| read.elapsed() < BELIEVED);
        let Some(book) = self.book.clone().filter(|_| !is_fresh) else {
            return;
        };
        self.read = Some(Instant::now());
        self.by_datapoint.clear();
        self.types.clear();
        let mut after = None;
        loop {
            let part = book.list(after.as_ref(), PART_MAX);
            let Some(last) = part.last() else { return };
            after = Some(last.name.clone());
            part.iter().for_each(|view| self.take(view));
        }
    }

    /// Of several loggers of one datapoint, the first one is its history.
    fn take(&mut self, view: &LoggerView) {
        let series = view.series.0;
        let minutes = view.minutes;
        let recorded = Recorded { series, minutes };
        self.types.insert(series, view.value_type);
        self.by_datapoint
            .entry(view.datapoint.to_string())
            .or_insert(recorded);
    }
}

impl History for Recordings {
    fn recorded(&self, datapoint: &str) -> Option<Recorded> {
        let mut state = self.state.lock();
        state.read_again();
        state.by_datapoint.get(datapoint).copied()
    }

    fn rows(&self, recorded: Recorded, span: &HistorySpan) -> Result<Vec<HistoryRow>, String> {
        let mut query = SampleQuery::new(SeriesId(recorded.series), span.from, span.to);
        if span.descending {
            query.order = Order::Descending;
        }
        query.limit = span.limit as u64;
        query.after = span.after;
        let value_type = self.value_type(recorded.series);
        let rows = self
            .book()?
            .sink()
            .samples(&query)
            .map_err(|error| error.to_string())?;
        rows.map(|row| {
            row.map(|row| told(row, value_type))
                .map_err(|error| error.to_string())
        })
        .collect()
    }

    fn slots(
        &self,
        recorded: Recorded,
        is_minutes: bool,
        from: i64,
        to: i64,
        limit: usize,
    ) -> Result<Vec<HistorySlot>, String> {
        let query = RollupQuery {
            series: SeriesId(recorded.series),
            step: if is_minutes { Step::Minute } else { Step::Hour },
            from,
            to,
            order: Order::Ascending,
            limit: limit as u64,
        };
        let slots = self
            .book()?
            .sink()
            .rollups(&query)
            .map_err(|error| error.to_string())?;
        slots
            .map(|slot| {
                slot.map(|slot| slot_told(&slot))
                    .map_err(|error| error.to_string())
            })
            .collect()
    }
}

fn told(row: Row, value_type: Option<ValueType>) -> HistoryRow {
    HistoryRow {
        time: row.time,
        row: row.row,
        value: value(row.value, value_type),
        quality: Quality::from_code(row.quality),
    }
}

/// A recorded value in the type of its datapoint, where it still fits.
fn value(logged: Logged, value_type: Option<ValueType>) -> Option<Value> {
    let scalar = value_type.map(|value_type| value_type.scalar);
    Some(match (logged, scalar) {
        // An edit is no sample; the store shows what it left.
        (Logged::None | Logged::Edit(_), _) => return None,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it was a 32-bit float before"
        )]
        (Logged::Number(number), Some(Scalar::F32)) => Value::F32(number as f32),
        (Logged::Number(number), _) => Value::F64(number),
        (Logged::Integer(number), Some(scalar)) => {
            Value::integer(i128::from(number), scalar.into()).unwrap_or(Value::Int(number))
        }
        (Logged::Integer(number), None) => Value::Int(number),
        (Logged::Bool(truth), _) => Value::Bool(truth),
        (Logged::Text(text), Some(Scalar::Time)) => match text.parse() {
            Ok(time) => Value::Time(time),
            Err(_) => Value::Text(text),
        },
        (Logged::Text(text), _) => Value::Text(text),
    })
}

fn slot_told(slot: &Rollup) -> HistorySlot {
    HistorySlot {
        start: slot.start,
        count: u64::from(slot.count),
        good: u64::from(slot.good),
        sum: slot.sum,
        min: slot.min,
        max: slot.max,
        held: slot.held,
        known: slot.known,
    }
}

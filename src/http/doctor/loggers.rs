//! Data loggers: series that have nothing, and a disk that will not last. What the store says itself is
//! an alarm already.

use mainstem_datalogger::recorder::Book;
use mainstem_model::Value;
use mainstem_wire::api::doctor::EXAMPLES_MAX;

use super::own::Findings;
use crate::Api;
use crate::auth::Caller;
use crate::loggers::may_read;

/// Series looked at: what is more is rare, and says no more.
const SERIES_MAX: usize = 10_000;
/// Fewer days until old samples go before their time are worth a word.
const DAYS_LEFT: f64 = 30.0;
/// Where the node says how many there are.
const DAYS_LEFT_POINT: &str = "system.storage.days_left";

impl Findings<'_> {
    pub(super) fn loggers(&mut self, api: &Api, caller: &Caller) {
        let Some(book) = api.parts.loggers() else {
            return;
        };
        self.empty_series(api, caller, &book);
        let days = api.store.point(DAYS_LEFT_POINT);
        let days = days.filter(|point| point.quality.is_good());
        let days = days.and_then(|point| match point.value {
            Some(Value::F64(days)) => Some(days),
            _ => None,
        });
        if let Some(days) = days.filter(|days| *days < DAYS_LEFT) {
            let text = format!(
                "In {days:.1} days the data loggers have all the room that they may take, and the \
                 oldest samples go before their time."
            );
            let action = "Give them more disk, raise `disk_percent`, or keep samples for fewer days \
                          (`raw_days`).";
            self.add("warning", "loggers", "loggers.days_left", text, action);
        }
    }

    /// A series in which nothing was ever stored is a wrong name, or a datapoint without values.
    fn empty_series(&mut self, api: &Api, caller: &Caller, book: &Book) {
        let (mut count, mut examples) = (0_u64, Vec::new());
        for view in book.list(None, SERIES_MAX) {
            // Known without asking the disk.
            let is_empty = book.sink().watermark(view.series).is_ok_and(|row| row == 0);
            if is_empty && !book.has_ended(&view.name) && may_read(api, caller, &view) {
                count += 1;
                if examples.len() < EXAMPLES_MAX {
                    examples.push(view.name.to_string());
                }
            }
        }
        if count == 0 {
            return;
        }
        let what = if count == 1 {
            "series has"
        } else {
            "series have"
        };
        let text = format!("{count} {what} no samples.");
        let action = "See whether the datapoints exist and have good values, and whether the loggers \
                      name them rightly.";
        let finding = self.add("info", "loggers", "loggers.empty", text, action);
        finding.count = Some(count);
        finding.examples = examples;
    }
}

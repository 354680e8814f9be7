//! Prices by the time of the day and the day of the week.

use std::sync::Arc;

use mainstem_model::Timestamp;
use mainstem_write::WindowConfig;

use super::calendar::Calendar;

/// What a unit costs within a window of time.
#[derive(Clone, Debug, PartialEq)]
pub struct RateRule {
    /// What it is called.
    pub name: Arc<str>,
    /// The price of one unit.
    pub price: f64,
    /// When it holds; always if there is none.
    pub window: Option<WindowConfig>,
}

/// The first rate that holds at a moment.
pub(super) fn rate_at<'a>(
    rates: &'a [RateRule],
    calendar: &Calendar,
    at: i64,
) -> Option<&'a RateRule> {
    let moment = Timestamp::from_micros(at);
    rates.iter().find(|rate| {
        let window = rate.window.as_ref();
        window.is_none_or(|window| window.contains(moment, calendar.zone()))
    })
}

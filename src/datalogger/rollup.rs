//! Roll-ups: what minutes, hours, days and months were like. Pure: no clock and no storage.
//!
//! Rows in order go through a [`Roller`], which keeps the open slots of one series. Rows that come
//! late, and rows that were edited, go through a [`Repair`]: it asks for the rows of the hours
//! concerned, and for the smaller slots that the larger ones are made of. Both come to the same
//! numbers, which a test holds them to.
//!
//! A day is the sum of its hours and a month the sum of its days. Minutes stand beside that: an
//! hour is made of rows, not of minutes, so that it does not matter whether minutes are kept.

mod calendar;
mod counter;
mod fold;
mod rate;
mod reading;
mod repair;
mod roller;
mod stored;
mod tally;

#[cfg(test)]
mod tests;

pub use calendar::{Calendar, Slot};
pub use counter::CounterRule;
pub use fold::{Carry, Rule};
pub use rate::RateRule;
pub use reading::Reading;
pub use repair::Repair;
pub use roller::{GRACE, Pushed, Roller};
pub use tally::{Rolled, Tally};

//! Rows that travel between nodes: what a node tells its readers of its series ([`Watch`],
//! [`answer_rows`]), and what it makes of what it is told ([`Desk`], [`Intake`]).
//!
//! A reader asks for the rows that it has not, by their numbers; whoever is asked tells them, or
//! that it no longer has them. Neither keeps anything about the other: what is stored is the only
//! state, so that a cut, a crash or another connection changes nothing but the time that it takes.

mod answer;
mod desk;
mod frame;
mod intake;
mod json;
mod names;
mod plan;
mod tap;
mod watch;

#[cfg(test)]
mod tests;

pub use answer::{AnswerError, Part, answer as answer_rows};
pub use desk::Desk;
pub(crate) use desk::DeskSetup;
pub use intake::{Halt, Intake, Naming, SeriesStanding, Standing};
pub(crate) use json::{rows_of, rows_told};
pub use tap::Tap;
pub use watch::{Watch, catalogue};

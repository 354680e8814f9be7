//! Rules, one after the other, on one message at a time.

mod burst;
mod bytes_in;
mod collect;
mod cov;
mod expression;
mod guard;
mod memory;
mod message;
mod pipeline;
mod stage;
#[cfg(test)]
mod tests;

pub use expression::check_expression;
pub use message::{Input, Message};
pub use pipeline::{Outcome, Pipeline, Step};

/// Why a message went no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The payload is no JSON, and no `parse` stands first.
    #[error("the payload is no JSON: {0}; a rule `parse` at the beginning says what its bytes are")]
    NoJson(String),
    /// The payload is larger than [`crate::INPUT_BYTES_MAX`].
    #[error("the payload has {0} bytes; rules take at most {max}", max = crate::INPUT_BYTES_MAX)]
    InputTooLarge(usize),
    /// The result is larger than [`crate::OUTPUT_BYTES_MAX`].
    #[error("the result has {0} bytes; at most {max} are published", max = crate::OUTPUT_BYTES_MAX)]
    OutputTooLarge(usize),
    /// The bytes are not what `parse` expects.
    #[error("parse: {0}")]
    Parse(String),
    /// An expression failed.
    #[error("{rule}: {cause}")]
    Expression {
        /// Which rule.
        rule: &'static str,
        /// What the engine says.
        cause: String,
    },
    /// A rule got what it cannot work with.
    #[error("{rule}: {cause}")]
    Rule {
        /// Which rule.
        rule: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// The topic to publish on cannot be made.
    #[error("the topic to publish on: {0}")]
    Topic(String),
}

//! An agent's documents. Pure. Names are looked at without their namespaces: those change with
//! each version of the standard, and the elements do not.

mod devices;
mod streams;
mod walk;

pub(super) use devices::{Item, devices};
pub(super) use streams::{Observation, Streams, What, streams};

/// The head of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Another one each time that the agent loses what it has kept.
    pub(super) instance: u64,
    /// The oldest observation that the agent still has.
    pub(super) first: u64,
    /// The one behind the last of this document.
    pub(super) next: u64,
    /// How many observations the agent keeps; it sends no more at once. 0 where it does not say.
    pub(super) buffer: u64,
}

/// Why a document is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// It is no XML, or none that an agent sends.
    #[error("{0}")]
    Invalid(String),
    /// The agent says what is wrong.
    #[error("the agent answers with {code}: {text}")]
    Error {
        /// The standard's word: `OUT_OF_RANGE`, `NO_DEVICE`, …
        code: String,
        /// What it says to people.
        text: String,
    },
}

impl Unusable {
    /// Whether what was asked for is not there any more, or not yet.
    pub(super) fn is_out_of_range(&self) -> bool {
        matches!(self, Self::Error { code, .. } if code == "OUT_OF_RANGE")
    }
}

#[cfg(test)]
mod tests;

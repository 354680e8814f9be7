//! The first hour with a device: reading an address before anything is configured, and walking
//! what the device tells about itself. Nothing here ever writes to a device.
//!
//! A kind that can be explored says so by [`crate::Kind::explore`]. Reading needs little of it:
//! [`attempt`] runs the kind's own adapter for one session, so that what is shown is what will be
//! read later. Browsing is the kind's own business.

mod answers;
mod attempt;
mod finds;
mod parts_of;
mod place;
mod tried;

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Clock, ValueType};
use serde_json::Value;

use crate::{AdapterSpec, BoxFuture, Problem, SessionEnd, Trace};

pub use attempt::{ATTEMPT_TARGETS_MAX, Answer, Attempt, attempt};
pub use finds::{BrowseLimits, Cut, FOUND_TEXT_BYTES_MAX, Finds, Found, Progress};
pub use parts_of::{DOCUMENT_PARTS_MAX, DocumentPart, document_parts, pointed};
pub use place::{Place, host_and_port};
pub use tried::{Tried, View};

/// What a kind does for somebody who does not know the device yet.
pub trait Explore: Send + Sync {
    /// How the command line explains this kind.
    fn guide(&self) -> Guide;

    /// The content of `connection:` for a URL, as a person would write it into a file. Options that
    /// the URL cannot say are laid over it afterwards, and [`crate::Kind::build`] checks the result.
    fn connection(&self, url: &str) -> Result<Value, String>;

    /// What has to be read for an address as a person writes it: the operations of endpoints, one
    /// for each of `wish.count` neighbours where the kind has neighbours. Without a type, whatever
    /// lets [`Explore::interpret`] show the most.
    ///
    /// Also `adapters import` asks this, with a type and a count of 1, and takes the first.
    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String>;

    /// Asks the device for what targets lack before they are read, such as the types of nodes.
    fn complete<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        targets: &'a mut [Target],
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        let _ = (ask, targets);
        Box::pin(std::future::ready(Ok(())))
    }

    /// What the answers may mean, one for each row that is shown. `answers` stand in the order of
    /// the targets of one wish; neighbours may be looked at together.
    fn interpret(&self, wish: &Wish<'_>, answers: &[Answer]) -> Vec<Tried> {
        let _ = wish;
        answers.iter().map(Tried::plain).collect()
    }

    /// Words within the labels of views that need a word of explanation, and that word.
    fn legend(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Walks what the device tells about itself and hands over what can be read. Returns when all
    /// was seen or [`Finds::add`] and [`Finds::visit`] say that it is enough. The caller drops the
    /// future when the time is over; what was found by then stays.
    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        let _ = (ask, finds);
        Box::pin(std::future::ready(Err(ExploreError::NotBrowsable)))
    }
}

/// How the command line explains a kind.
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// The form of a URL: `tcp://HOST[:502]`.
    pub url: &'static str,
    /// Examples of addresses, the plainest first.
    pub addresses: &'static [&'static str],
    /// Words of the command line and the option of `connection:` that each of them sets:
    /// `("unit", "unitId")`, `("user", "username")`, `("password", "password")`.
    pub words: &'static [(&'static str, &'static str)],
    /// Whether [`Explore::browse`] does anything.
    pub can_browse: bool,
}

/// An address that somebody wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// As it was written.
    pub address: &'a str,
    /// How many neighbours from there on; 1 unless more were asked for.
    pub count: usize,
    /// The type, if it is known: `bool`, `i16`, `f32`, `text`, or a word of the kind itself.
    pub data_type: Option<&'a str>,
}

/// One endpoint to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The address as it is shown.
    pub address: String,
    /// The content of `subscribe:`.
    pub operation: Value,
    /// The `type:` beside it, where the kind's own is not the wanted one.
    pub value_type: Option<ValueType>,
}

impl Target {
    /// With the type that the kind gives it.
    pub fn new(address: impl Into<String>, operation: Value) -> Self {
        Self {
            address: address.into(),
            operation,
            value_type: None,
        }
    }
}

/// Whom to ask, and what to walk.
#[derive(Clone)]
pub struct BrowseAsk {
    /// The connection; without endpoints.
    pub spec: AdapterSpec,
    /// Where to begin, in the kind's words: a node, a topic filter.
    pub start: Option<String>,
    /// How long one answer may take.
    pub patience: Duration,
    /// Where frames are told.
    pub trace: Trace,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// Why nothing, or no more, could be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExploreError {
    /// The URL, an option or an address is wrong.
    #[error("{}", said(.0))]
    Wrong(Vec<Problem>),
    /// There was no session, or it ended before anything was read.
    #[error(transparent)]
    Session(#[from] SessionEnd),
    /// Nothing came in time.
    #[error("{0}")]
    Silent(String),
    /// The protocol tells nothing about what a device has.
    #[error("this protocol does not tell what a device has")]
    NotBrowsable,
}

fn said(problems: &[Problem]) -> String {
    let say = |problem: &Problem| match problem.expected.as_str() {
        "" => format!("{}: {}", problem.pointer, problem.message),
        expected => format!(
            "{}: {}; expected {expected}",
            problem.pointer, problem.message
        ),
    };
    problems.iter().map(say).collect::<Vec<_>>().join("\n")
}

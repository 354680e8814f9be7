//! Data loggers of a remote: the store that takes their rows in is another room's, and the two meet
//! through these traits, which the node hands in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use mainstem_wire::{LogLine, LogWants};

/// What becomes of what was told.
pub type Taking = BoxFuture<'static, Result<(), IntakeError>>;

/// How the data loggers of a remote are replicated.
#[derive(Clone)]
pub struct LoggerOptions {
    /// Patterns over their names at the remote.
    pub patterns: Vec<String>,
    /// Of a polled link: time between two rounds at the least.
    pub interval: Duration,
    /// Percent of the time that a backlog may take of the link.
    pub share: u8,
    /// Where the rows go.
    pub home: Arc<dyn LoggerHome>,
}

/// Where rows of one remote go, as long as there is a store.
pub trait LoggerHome: Send + Sync {
    /// The intake of the store that there is now.
    fn intake(&self) -> Option<Arc<dyn LoggerIntake>>;
}

/// Takes in what a remote tells of its data loggers.
pub trait LoggerIntake: Send + Sync {
    /// A line of the watch, or of an answer.
    fn line(self: Arc<Self>, line: LogLine, of_answer: bool) -> Taking;

    /// A frame of an answer.
    fn frame(self: Arc<Self>, frame: Bytes) -> Taking;

    /// What is to be asked for next, if anything is missing.
    fn wants(self: Arc<Self>, bytes: u64) -> BoxFuture<'static, Option<LogWants>>;

    /// How everything stands.
    fn standing(self: Arc<Self>) -> BoxFuture<'static, LoggersStanding>;
}

/// Why nothing more is taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The store is closed; there may be another one in a moment.
    #[error("the data logger store of this node is closed")]
    Closed,
    /// What the remote told cannot be.
    #[error("{0}")]
    Nonsense(String),
}

/// How one replicated series stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggerStanding {
    /// Its name at the remote.
    pub name: String,
    /// Up to which row everything is here.
    pub watermark: u64,
    /// The last row that the remote has.
    pub last: u64,
    /// Rows that the remote has and that are not here.
    pub lag: u64,
    /// For how long there have been any.
    pub behind: Option<Duration>,
}

/// How all of them stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggersStanding {
    /// Each of them, by name.
    pub series: Vec<LoggerStanding>,
    /// Why nothing is stored here now.
    pub held_up: Option<String>,
    /// A series that is left out, and why.
    pub left_out: Option<String>,
    /// Rows that came in.
    pub rows: u64,
    /// Those of them that had just been recorded.
    pub live: u64,
    /// Rows that will never come: the remote no longer had them.
    pub gone: u64,
}

/// Where the replication of data loggers stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggersState {
    /// There is no communication with the remote, or it has not begun.
    Waiting,
    /// The remote is too old.
    NotSupported,
    /// The remote refuses, or something does not work.
    Failed,
    /// There are rows that are not here yet.
    CatchingUp,
    /// Everything is here.
    Live,
    /// The store here takes no rows.
    HeldUp,
}

impl LoggersState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::NotSupported => "not_supported",
            Self::Failed => "failed",
            Self::CatchingUp => "catching_up",
            Self::Live => "live",
            Self::HeldUp => "held_up",
        }
    }
}

/// How the data loggers of a remote are replicated now.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggersView {
    /// Where it stands.
    pub state: LoggersState,
    /// Why, where it is not live.
    pub cause: Option<String>,
    /// Each series, and what came in.
    pub standing: Arc<LoggersStanding>,
    /// Bytes of rows that came, live ones and the backlog.
    pub bytes: u64,
}

impl LoggersView {
    pub(crate) fn waiting() -> Self {
        Self {
            state: LoggersState::Waiting,
            cause: None,
            standing: Arc::default(),
            bytes: 0,
        }
    }

    /// Rows that the remote has and that are not here.
    pub fn lag(&self) -> u64 {
        let lags = self.standing.series.iter().map(|series| series.lag);
        lags.fold(0, u64::saturating_add)
    }

    /// For how long there have been any.
    pub fn behind(&self) -> Option<Duration> {
        let behind = self.standing.series.iter();
        behind.filter_map(|series| series.behind).max()
    }
}

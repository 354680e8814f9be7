//! The one method that a protocol has to implement.

use std::pin::Pin;
use std::time::Duration;

use mainstem_model::GlobSet;

use crate::{AdapterIo, Outlet, PointId};

/// A boxed future, so that adapters are objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A protocol's client side for one configured connection.
pub trait Adapter: Send {
    /// Opens one session and serves it until it ends.
    ///
    /// Returns `Ok` only after [`AdapterIo::stopped`] resolved. Calls [`AdapterIo::online`] once
    /// the device answers. Everything that it has opened is closed when it returns. The runner
    /// calls it again after a back-off, with the same `self`, so that what was learned about the
    /// device (refused blocks, word orders) may be kept.
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>>;

    /// Whether a session takes the questions of [`AdapterIo::take_asks`].
    fn is_asked(&self) -> bool {
        false
    }

    /// Whether its device comes to it, by [`AdapterIo::door`], in place of it going there.
    fn is_visited(&self) -> bool {
        false
    }

    /// Which datapoints of the node it carries out of it. Where this says something, it is given an
    /// outlet for them before its first session, if there are datapoints beside its own.
    fn carries_out(&self) -> Option<GlobSet> {
        None
    }

    /// Takes the outlet for what [`Adapter::carries_out`] says.
    fn take_outlet(&mut self, outlet: Box<dyn Outlet>) {
        drop(outlet);
    }

    /// How often a reading of a datapoint is due, where its endpoint has no `interval` that would
    /// tell. The runner waits twice as long for the first reading of a session, within bounds.
    fn interval(&self, point: PointId) -> Option<Duration> {
        let _ = point;
        None
    }
}

/// Why a session ended; it tells the runner what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The connection broke or never came up: try again with back-off.
    #[error("{message}")]
    Lost {
        /// A stable short code for statistics, such as `timeout` or `connection_refused`.
        code: &'static str,
        /// What happened, where, and what to do.
        message: String,
    },
    /// The device answered and does not want us: try again later, not sooner.
    #[error("{message}")]
    Refused {
        /// A stable short code, such as `certificate_untrusted`.
        code: &'static str,
        /// Which side refuses, why, and what to do.
        message: String,
        /// When it makes sense to try again; the runner's longest back-off if absent.
        retry_after: Option<Duration>,
    },
    /// Nothing but another configuration will help: no further try until it changes.
    #[error("{message}")]
    Misconfigured {
        /// What is wrong and what was expected.
        message: String,
    },
}

impl SessionEnd {
    /// A lost connection.
    pub fn lost(code: &'static str, message: impl Into<String>) -> Self {
        Self::Lost {
            code,
            message: message.into(),
        }
    }

    /// The stable code for statistics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lost { code, .. } | Self::Refused { code, .. } => code,
            Self::Misconfigured { .. } => "misconfigured",
        }
    }
}

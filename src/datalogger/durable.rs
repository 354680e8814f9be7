//! The promise that rows are on disk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::{Refused, SinkError};

/// Resolves when the rows are on disk, and never before. Dropping it does not take them back.
#[derive(Debug)]
#[must_use = "rows are acknowledged only when this resolves"]
pub struct Durable {
    fate: oneshot::Receiver<Result<(), Refused>>,
}

/// The other end, which tells the fate.
pub(crate) type Fate = oneshot::Sender<Result<(), Refused>>;

impl Durable {
    pub(crate) fn new() -> (Fate, Self) {
        let (sender, fate) = oneshot::channel();
        (sender, Self { fate })
    }

    /// One that is resolved already.
    pub(crate) fn ready(result: Result<(), Refused>) -> Self {
        let (sender, durable) = Self::new();
        drop(sender.send(result));
        durable
    }

    /// Waits on a thread that may block.
    pub fn wait(self) -> Result<(), Refused> {
        self.fate.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }
}

impl Future for Durable {
    type Output = Result<(), Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let fate = Pin::new(&mut self.fate).poll(context);
        fate.map(|fate| fate.unwrap_or_else(|_| Err(stopped())))
    }
}

/// The writing thread ended without a word: what became of the rows is unknown.
fn stopped() -> Refused {
    Refused {
        error: SinkError::Stopped,
        rows: Vec::new(),
    }
}

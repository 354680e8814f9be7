//! The receiving end of a subscription.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Message;

/// Messages that fit the filters of a subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    messages: mpsc::Receiver<Message>,
    missed: Arc<AtomicU64>,
    _ended: DropGuard,
}

impl Subscription {
    /// The next message; none when the bus was stopped. May be dropped and called again without
    /// losing one.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// How many messages were dropped because this end was too slow.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// The broker's end of a subscription.
#[derive(Debug, Clone)]
pub struct Tap {
    messages: mpsc::Sender<Message>,
    missed: Arc<AtomicU64>,
    ended: CancellationToken,
}

impl Tap {
    /// Hands over a message, or counts it as missed. Never waits. Returns whether it was taken.
    pub fn offer(&self, message: Message) -> bool {
        let is_taken = self.messages.try_send(message).is_ok();
        if !is_taken {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        is_taken
    }

    /// Waits until nobody listens any more.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Both ends of a subscription for which at most `capacity` messages wait.
#[must_use]
pub fn tap(capacity: usize) -> (Tap, Subscription) {
    let (sender, messages) = mpsc::channel(capacity.max(1));
    let (missed, ended) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let tap = Tap {
        messages: sender,
        missed: Arc::clone(&missed),
        ended: ended.clone(),
    };
    let _ended = ended.drop_guard();
    (
        tap,
        Subscription {
            messages,
            missed,
            _ended,
        },
    )
}

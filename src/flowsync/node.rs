//! A server node that holds requests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mainstem_bus::{Topic, TopicError};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::numbers::NodeNumbers;
use crate::shared::Shared;
use crate::table::NodeKey;
use crate::{AnsweredBy, Caller, NodeSpec, Outcome, hold, listen};

/// What of a server node its holder and its task share.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) key: NodeKey,
    pub(crate) spec: NodeSpec,
    pub(crate) requests: Topic,
    pub(crate) replies: Topic,
    /// Why the replies cannot be received; nothing while they can.
    pub(crate) away: watch::Sender<Option<Arc<str>>>,
    pub(crate) numbers: NodeNumbers,
    pub(crate) ended: CancellationToken,
}

/// A server node that holds requests. Dropping it ends those that it holds with
/// [`Outcome::Stopping`].
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    pub(crate) seat: Arc<Seat>,
}

impl Node {
    /// A server node, and the task that takes its replies.
    pub(crate) fn make(shared: &Arc<Shared>, spec: NodeSpec) -> Result<Self, TopicError> {
        let is_here = spec.answered_by == AnsweredBy::Here;
        let seat = Arc::new(Seat {
            key: NodeKey(shared.next.fetch_add(1, Ordering::Relaxed)),
            requests: spec.requests()?,
            replies: spec.replies()?,
            away: watch::Sender::new(is_here.then(hold::not_yet)),
            numbers: shared.numbers.of(spec.name.as_str()),
            ended: CancellationToken::new(),
            spec,
        });
        let mut seats = shared.seats.lock();
        seats.insert(seat.key, Arc::downgrade(&seat));
        drop(seats);
        let task = listen::listen(Arc::clone(shared), Arc::clone(&seat));
        shared.tasks.spawn(task);
        let shared = Arc::clone(shared);
        Ok(Self { shared, seat })
    }

    /// What it was made from.
    #[must_use]
    pub fn spec(&self) -> &NodeSpec {
        &self.seat.spec
    }

    /// Waits until replies can be received, for some time; whether they can.
    pub async fn ready(&self, patience: Duration) -> bool {
        let mut away = self.seat.away.subscribe();
        let ready = away.wait_for(Option::is_none);
        matches!(tokio::time::timeout(patience, ready).await, Ok(Ok(_)))
    }

    /// Tells a request on the bus, and waits for its end. Dropping the future gives its place back.
    pub async fn hold(&self, value: &RawValue, caller: Caller) -> Outcome {
        self.hold_within(value, caller, Duration::MAX).await
    }

    /// The same for who waits no longer than some time, if the node's own timeout is not shorter.
    pub async fn hold_within(&self, value: &RawValue, caller: Caller, most: Duration) -> Outcome {
        hold::hold(&self.shared, &self.seat, value, caller, most).await
    }
}

impl Node {
    /// Ends it: what it holds is answered with [`Outcome::Stopping`].
    pub fn end(&self) {
        self.seat.ended.cancel();
        self.shared.seats.lock().remove(&self.seat.key);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("spec", &self.seat.spec)
            .finish_non_exhaustive()
    }
}

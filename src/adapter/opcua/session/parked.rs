//! A session whose connection was lost: the server may still know it, and keeps what changes in
//! its subscriptions until we are back (part 4, 6.7).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{PointId, SessionEnd};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::debug;

use super::{Begun, OpcUaAdapter};
use crate::ua::link::Link;
use crate::ua::open::is_trusted;
use crate::ua::requests::Requests;
use crate::ua::resolve::Target;
use crate::ua::resume::{Back, Subscriptions};
use crate::ua::subscribe::Inbox;

/// Tries after which a new session is opened instead, where the server is there and does not do it.
const TRIES_MAX: u32 = 3;

/// What a session leaves behind.
pub(super) struct Parked {
    /// Its connection, which is cut.
    pub(super) link: Link,
    /// With the types that were learned.
    pub(super) requests: Requests,
    /// The nodes of the points.
    pub(super) targets: Vec<Target>,
    /// What is watched.
    pub(super) watched: Watched,
    /// When it was lost.
    pub(super) since: Instant,
    /// Tries so far that failed, though something was there.
    pub(super) tries: u32,
}

/// Subscriptions that the server has.
pub(super) struct Watched {
    /// Where their values arrive.
    pub(super) inbox: Arc<Mutex<Inbox>>,
    /// By publishing interval.
    pub(super) subscriptions: BTreeMap<Duration, u32>,
    /// Points that the server refused to watch.
    pub(super) refused: Option<(Instant, Vec<PointId>)>,
}

/// What became of it.
pub(super) enum Resumed {
    /// It goes on.
    Yes(Box<Begun>),
    /// Nobody is there; it may be tried again.
    NotYet(Box<Parked>, SessionEnd),
    /// A new session is needed.
    No,
}

impl Parked {
    /// Goes on where the connection was lost, if the server and its nodes are still the same.
    pub(super) async fn resume(
        mut self: Box<Self>,
        adapter: &OpcUaAdapter,
    ) -> Result<Resumed, SessionEnd> {
        let connection = &adapter.plan.connection;
        if self.since.elapsed() > connection.session_timeout {
            return Ok(Resumed::No);
        }
        // Somebody may have thought better of it.
        is_trusted(connection, &adapter.plan.folder, &self.link)?;
        let known = match self.link.resume(connection).await {
            Back::Same => true,
            Back::New => false,
            Back::NobodyThere(end) => return Ok(Resumed::NotYet(self, end)),
            Back::Refused(end) => {
                self.tries += 1;
                debug!(%end, "the session cannot be resumed");
                let may_pass = ["timeout", "connection_closed"].contains(&end.code());
                return Ok(match self.tries < TRIES_MAX && may_pass {
                    true => Resumed::NotYet(self, end),
                    false => Resumed::No,
                });
            }
        };
        let learned = self.link.drive(adapter.learn(&self.requests)).await?;
        let subscriptions = Subscriptions {
            ids: &self.watched.subscriptions,
            inbox: &self.watched.inbox,
        };
        // Indexes may have moved, and with them what the subscriptions mean.
        let is_same = learned.targets == self.targets;
        if is_same && self.link.take_over(subscriptions, known).await? {
            return Ok(Resumed::Yes(Box::new(Begun {
                link: self.link,
                requests: self.requests,
                learned,
                watched: Some(self.watched),
            })));
        }
        self.link.close().await;
        Ok(Resumed::No)
    }
}

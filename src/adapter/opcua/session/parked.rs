//! A session whose connection was lost: the server may still know it, and keeps what changes in
//! its subscriptions until we are back (part 4, 6.7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{PointId, SessionEnd};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::debug;

use super::running::Running;
use super::{Begun, OpcUaAdapter};
use crate::plan::What;
use crate::ua::link::Link;
use crate::ua::open::is_trusted;
use crate::ua::requests::Requests;
use crate::ua::resolve::Target;
use crate::ua::resume::{Back, Subscriptions};
use crate::ua::subscribe::Inbox;

/// How long a resumed session may send what it has kept before everything else is read.
const CATCH_UP: Duration = Duration::from_secs(1);
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

impl Running<'_> {
    /// Goes on with subscriptions that the server has already.
    pub(super) fn go_on(&mut self, watched: Watched) {
        self.inbox = watched.inbox;
        self.subscriptions = watched.subscriptions;
        self.retry = watched.refused;
        self.to_subscribe.clear();
        let refused = self.retry.iter().flat_map(|(_, points)| points);
        let refused: BTreeSet<_> = refused.collect();
        let points = self.subscribed.values().flatten();
        let values = points.filter(|id| {
            let point = self.plan.point(**id);
            point.is_some_and(|point| matches!(point.what, What::Value(_))) && !refused.contains(id)
        });
        // What does not change is not sent again, and nothing is trusted that was not read.
        self.unread = Some((Instant::now() + CATCH_UP, values.copied().collect()));
    }

    /// What the server may keep while there is no connection, if there is anything.
    pub(super) async fn park(self) -> Option<Box<Parked>> {
        // Half-made subscriptions are not worth it.
        if self.subscribed.is_empty() || self.subscriptions.len() < self.subscribed.len() {
            return None;
        }
        Some(Box::new(Parked {
            link: self.link.park().await?,
            requests: self.requests,
            targets: self.targets,
            watched: Watched {
                inbox: self.inbox,
                subscriptions: self.subscriptions,
                refused: self.retry,
            },
            since: Instant::now(),
            tries: 0,
        }))
    }
}

//! The servers of a redundant set: one is used, the others have a session and are asked for their
//! ServiceLevel, so that one of them can take over at once. Each has a future of its own here, so
//! a server that is slow or dead costs the others nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mainstem_adapter::{BoxFuture, SessionEnd};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::standby::{Order, Server, stand_by};
use crate::redundancy::{self, HEALTHY, Standing};
use crate::ua::link::Link;
use crate::ua::requests::Requests;

/// How much longer the others are waited for when one server is healthy.
const GRACE: Duration = Duration::from_secs(1);

/// The servers that are not used.
pub(super) struct Pool {
    servers: Vec<Arc<Server>>,
    standings: watch::Sender<Vec<Standing>>,
    orders: watch::Sender<Order>,
    // One for each server that is not used; it ends when its link is taken.
    waiting: FuturesUnordered<BoxFuture<'static, Option<(usize, Link)>>>,
}

impl Pool {
    /// Begins with all of them.
    pub(super) fn new(servers: Vec<Server>) -> Self {
        let mut pool = Self {
            standings: watch::Sender::new(vec![Standing::Unknown; servers.len()]),
            orders: watch::Sender::new(Order::Wait),
            servers: servers.into_iter().map(Arc::new).collect(),
            waiting: FuturesUnordered::new(),
        };
        for index in 0..pool.servers.len() {
            pool.add(index, None);
        }
        pool
    }

    /// Has a server stand by, after the link that it had is closed.
    pub(super) fn add(&mut self, index: usize, before: Option<Link>) {
        if let Some(server) = self.servers.get(index) {
            self.set(index, Standing::Unknown);
            self.waiting.push(Box::pin(stand_by(
                index,
                Arc::clone(server),
                before,
                self.standings.clone(),
                self.orders.subscribe(),
            )));
        }
    }

    /// The one that was used is lost.
    pub(super) fn lost(&self, index: usize, end: &SessionEnd) {
        let standing = Standing::Failed(end.code(), end.to_string());
        self.set(index, standing);
    }

    /// The URL of a server.
    pub(super) fn url(&self, index: usize) -> &str {
        self.servers
            .get(index)
            .map_or("", |server| &server.plan.url)
    }

    /// The link of the server to begin with, or why there is none.
    pub(super) async fn first(&mut self) -> Result<(usize, Link), SessionEnd> {
        let mut changes = self.standings.subscribe();
        let mut patience = None;
        loop {
            let standings = changes.borrow_and_update().clone();
            let all_known = !standings.contains(&Standing::Unknown);
            let best = redundancy::best(&standings);
            if best.is_some_and(|(_, level)| level >= HEALTHY) {
                patience.get_or_insert_with(|| Instant::now() + GRACE);
            }
            let waited_enough = patience.is_some_and(|until| until <= Instant::now());
            match best {
                Some((index, _)) if all_known || waited_enough => {
                    if let Some(taken) = self.take(index).await {
                        return Ok(taken);
                    }
                }
                None if all_known => return Err(nobody(&standings)),
                _ => {}
            }
            let wake = patience.unwrap_or_else(|| Instant::now() + GRACE);
            tokio::select! {
                _ = self.waiting.next() => {}
                _ = changes.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// The link of the best one, if any server stands by.
    pub(super) async fn next(&mut self) -> Option<(usize, Link)> {
        loop {
            let (index, _) = redundancy::best(&self.standings.borrow())?;
            if let Some(taken) = self.take(index).await {
                return Some(taken);
            }
        }
    }

    /// Waits until another server is worth a change, and gives its link.
    pub(super) async fn better(&mut self, active: usize, requests: &Requests) -> (usize, Link) {
        let asking = self.ask(active, requests);
        tokio::pin!(asking);
        let mut changes = self.standings.subscribe();
        loop {
            let found = redundancy::better(&changes.borrow_and_update(), active);
            if let Some(index) = found {
                let taken = tokio::select! {
                    taken = self.take(index) => taken,
                    never = &mut asking => match never {},
                };
                if let Some(taken) = taken {
                    return taken;
                }
            }
            tokio::select! {
                _ = self.waiting.next(), if !self.waiting.is_empty() => {}
                _ = changes.changed() => {}
                never = &mut asking => match never {},
            }
        }
    }

    // The level of the one that is used. A failure is left to the session's own signs of life.
    fn ask<'r>(
        &self,
        active: usize,
        requests: &'r Requests,
    ) -> impl Future<Output = Infallible> + use<'r> {
        let standings = self.standings.clone();
        let server = self.servers.get(active);
        let interval = server.map_or(GRACE, |server| server.plan.service_level_interval);
        async move {
            loop {
                if let Ok(level) = requests.service_level().await {
                    set(&standings, active, Standing::Level(level));
                }
                sleep(interval).await;
            }
        }
    }

    /// Says goodbye to all of them.
    pub(super) async fn close(mut self) {
        self.orders.send_replace(Order::Stop);
        while self.waiting.next().await.is_some() {}
    }

    // Nothing if it is lost just now.
    async fn take(&mut self, index: usize) -> Option<(usize, Link)> {
        let mut changes = self.standings.subscribe();
        self.orders.send_replace(Order::Take(index));
        let taken = loop {
            tokio::select! {
                biased;
                Some(Some(taken)) = self.waiting.next() => break Some(taken),
                _ = changes.changed() => {
                    let standings = changes.borrow_and_update();
                    if standings.get(index).is_none_or(|one| one.level().is_none()) {
                        break None;
                    }
                }
            }
        };
        self.orders.send_replace(Order::Wait);
        taken
    }

    fn set(&self, index: usize, standing: Standing) {
        set(&self.standings, index, standing);
    }
}

/// Tells how a server stands, if that is news.
pub(super) fn set(standings: &watch::Sender<Vec<Standing>>, index: usize, standing: Standing) {
    standings.send_if_modified(|standings| match standings.get_mut(index) {
        Some(known) if *known != standing => {
            *known = standing;
            true
        }
        _ => false,
    });
}

// The reason of the first server with those of all in the message.
fn nobody(standings: &[Standing]) -> SessionEnd {
    let mut code = None;
    let mut messages = Vec::new();
    for standing in standings {
        if let Standing::Failed(why, message) = standing {
            code.get_or_insert(*why);
            messages.push(message.as_str());
        }
    }
    let message = format!("no server of the set can be used: {}", messages.join("; "));
    SessionEnd::lost(code.unwrap_or("no_server"), message)
}

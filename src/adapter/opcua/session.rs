//! One session: the adapter's loop. Everything runs in this one future; nothing is spawned, so
//! dropping it drops the connection and answers every write that is under way.

mod done;
mod freshness;
mod intake;
mod parked;
mod pool;
mod running;
mod set;
mod signs;
mod standby;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, Reading, SessionEnd};
use parking_lot::Mutex;

use crate::plan::Plan;
use crate::session::parked::{Parked, Resumed, Watched};
use crate::session::running::Running;
use crate::ua::Error;
use crate::ua::link::{Link, Server};
use crate::ua::open::open;
use crate::ua::requests::Requests;
use crate::ua::resolve::{Target, resolve};

/// The last event and the last answer of each point: they stay true when a session ends.
type Kept = Arc<Mutex<BTreeMap<PointId, Reading>>>;

/// What has to be known before anything is asked for.
struct Learned {
    server: Server,
    // By point.
    targets: Vec<Target>,
}

/// The ends of a session after which the server may still have it.
const RESUMABLE: [&str; 2] = ["connection_closed", "keep_alive"];

/// A session at its beginning.
struct Begun {
    link: Link,
    requests: Requests,
    learned: Learned,
    // What the server watches for us already.
    watched: Option<Watched>,
}

/// An adapter of the kind `opcua`.
pub(crate) struct OpcUaAdapter {
    plan: Plan,
    kept: Kept,
    // A session whose connection was lost. Locked because a stream can be in one place only, not
    // because anybody competes for it.
    parked: Mutex<Option<Box<Parked>>>,
}

impl OpcUaAdapter {
    /// Not connected yet.
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            kept: Kept::default(),
            parked: Mutex::default(),
        }
    }

    async fn run_one(&self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let begun = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            begun = self.begin(io) => begun?,
        };
        io.online();
        let mut running = self.running(io, begun.link, begun.learned, begun.requests);
        if let Some(watched) = begun.watched {
            running.go_on(watched);
        }
        let ended = tokio::select! {
            biased;
            () = &mut stopped => Ok(()),
            ended = running.run() => Err(ended),
        };
        match &ended {
            Err(end) if RESUMABLE.contains(&end.code()) => {
                let parked = running.park().await;
                *self.parked.lock() = parked;
            }
            _ => running.into_link().close().await,
        }
        ended
    }

    // The session from before, or a new one. Whoever drops this closes the connection.
    async fn begin(&self, io: &AdapterIo) -> Result<Begun, SessionEnd> {
        let parked = self.parked.lock().take();
        if let Some(parked) = parked {
            match parked.resume(self).await? {
                Resumed::Yes(begun) => return Ok(*begun),
                Resumed::NotYet(parked, end) => {
                    *self.parked.lock() = Some(parked);
                    return Err(end);
                }
                Resumed::No => {}
            }
        }
        let plan = &self.plan;
        let mut link = open(&plan.connection, &plan.folder, self.longest()).await?;
        let requests = self.requests(io, &link);
        let learned = link.drive(self.learn(&requests)).await?;
        Ok(Begun {
            link,
            requests,
            learned,
            watched: None,
        })
    }

    /// What every request on a link needs.
    fn requests(&self, io: &AdapterIo, link: &Link) -> Requests {
        link.requests(&self.plan.connection, io.statistics(), io.clock())
            .traced(io.trace())
    }

    async fn learn(&self, requests: &Requests) -> Result<Learned, Error> {
        let server = Server::learn(requests).await?;
        let targets = resolve(requests, &server, &self.plan.all()).await?;
        let targets = targets.into_iter().map(|(_, target)| target).collect();
        Ok(Learned { server, targets })
    }

    fn running<'a>(
        &'a self,
        io: &'a mut AdapterIo,
        link: Link,
        learned: Learned,
        requests: Requests,
    ) -> Running<'a> {
        Running::new(&self.plan, self.kept.clone(), io, link, learned, requests)
    }

    /// The longest publishing interval.
    fn longest(&self) -> Duration {
        let intervals = self.plan.subscribed();
        intervals.keys().copied().max().unwrap_or(Duration::ZERO)
    }
}

impl Adapter for OpcUaAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        match self.plan.connection.others.is_empty() {
            true => Box::pin(self.run_one(io)),
            false => Box::pin(self.run_set(io)),
        }
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        self.plan.interval(point)
    }
}

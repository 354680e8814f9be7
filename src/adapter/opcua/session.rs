//! One session: the adapter's loop. Everything runs in this one future; nothing is spawned, so
//! dropping it drops the connection and answers every write that is under way.

mod done;
mod freshness;
mod intake;
mod pool;
mod running;
mod set;
mod standby;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, Reading, SessionEnd};

use crate::plan::Plan;
use crate::session::running::{Ground, Running};
use crate::ua::Error;
use crate::ua::link::Server;
use crate::ua::open::open;
use crate::ua::requests::Requests;
use crate::ua::resolve::{Target, resolve};

/// The last events and answers, by point.
type Kept = BTreeMap<PointId, Reading>;

/// A server, and the nodes of the points in it.
type Learned = (Arc<Server>, Vec<(PointId, Target)>);

/// An adapter of the kind `opcua`.
pub(crate) struct OpcUaAdapter {
    plan: Plan,
    // The last event and the last answer of each point: they stay true when a session ends.
    kept: Kept,
}

impl OpcUaAdapter {
    /// Not connected yet.
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            kept: Kept::default(),
        }
    }

    async fn run_one(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let connection = &self.plan.connection;
        let mut link = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            link = open(connection, &self.plan.folder, self.longest()) => link?,
        };
        let requests = link.requests(connection, io.statistics(), io.clock());
        let learned = tokio::select! {
            biased;
            () = &mut stopped => None,
            learned = link.drive(learn(&self.plan, &requests)) => Some(learned?),
        };
        let Some((server, targets)) = learned else {
            link.close().await;
            return Ok(());
        };
        io.online();
        let ground = Ground {
            plan: &self.plan,
            kept: &mut self.kept,
            server,
        };
        let mut running = Running::new(ground, io, link, requests, targets);
        let ended = tokio::select! {
            biased;
            () = &mut stopped => Ok(()),
            ended = running.run() => Err(ended),
        };
        running.into_link().close().await;
        ended
    }

    /// The longest publishing interval.
    fn longest(&self) -> Duration {
        let intervals = self.plan.subscribed();
        intervals.keys().copied().max().unwrap_or(Duration::ZERO)
    }
}

/// Asks a server for what has to be known before its nodes are.
async fn learn(plan: &Plan, requests: &Requests) -> Result<Learned, Error> {
    let server = Server::learn(requests).await?;
    let targets = resolve(requests, &server, &plan.all()).await?;
    Ok((Arc::new(server), targets))
}

impl Adapter for OpcUaAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(async move {
            match self.plan.connection.others.is_empty() {
                true => self.run_one(io).await,
                false => self.run_set(io).await,
            }
        })
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        self.plan.interval(point)
    }
}

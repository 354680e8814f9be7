//! One session: the adapter's loop. Everything runs in this one future; nothing is spawned, so
//! dropping it drops the connection and answers every write that is under way.

mod done;
mod freshness;
mod pool;
mod running;
mod set;
mod standby;
mod start;

use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};

use crate::plan::Plan;
use crate::session::running::Running;
use crate::ua::link::{Link, Server};
use crate::ua::open::open;
use crate::ua::requests::Requests;

/// An adapter of the kind `opcua`.
pub(crate) struct OpcUaAdapter {
    plan: Plan,
}

impl OpcUaAdapter {
    /// Not connected yet.
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    async fn run_one(&self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let connection = &self.plan.connection;
        let mut link = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            link = open(connection, &self.plan.folder, self.longest()) => link?,
        };
        let requests = self.requests(io, &link);
        let learned = tokio::select! {
            biased;
            () = &mut stopped => None,
            server = link.drive(Server::learn(&requests)) => Some(server?),
        };
        let Some(server) = learned else {
            link.close().await;
            return Ok(());
        };
        io.online();
        let mut running = Running::new(&self.plan, io, link, &server, requests);
        let ended = tokio::select! {
            biased;
            () = &mut stopped => Ok(()),
            ended = running.run() => Err(ended),
        };
        running.into_link().close().await;
        ended
    }

    /// What every request on a link needs.
    fn requests(&self, io: &AdapterIo, link: &Link) -> Requests {
        Requests {
            session: link.session.clone(),
            timeout: self.plan.connection.request_timeout,
            statistics: io.statistics().clone(),
            clock: io.clock().clone(),
            read_back: self.plan.connection.read_back,
        }
    }

    /// The longest publishing interval.
    fn longest(&self) -> Duration {
        let intervals = self.plan.subscribed();
        intervals.keys().copied().max().unwrap_or(Duration::ZERO)
    }
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

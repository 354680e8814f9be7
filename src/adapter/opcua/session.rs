//! One session: the adapter's loop. Everything runs in this one future; nothing is spawned, so
//! dropping it drops the connection and answers every write that is under way.

mod done;
mod running;
mod start;

use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, SessionEnd};

use crate::plan::Plan;
use crate::session::running::Running;
use crate::ua::link::Server;
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

    async fn connect_and_run(&self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let connection = &self.plan.connection;
        let longest = self
            .plan
            .subscribed()
            .keys()
            .copied()
            .max()
            .unwrap_or(Duration::ZERO);
        let mut link = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            link = open(connection, &self.plan.folder, longest) => link?,
        };
        let requests = Requests {
            session: link.session.clone(),
            timeout: connection.request_timeout,
            statistics: io.statistics().clone(),
            clock: io.clock().clone(),
            read_back: connection.read_back,
        };
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
}

impl Adapter for OpcUaAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.connect_and_run(io))
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        self.plan.interval(point)
    }
}

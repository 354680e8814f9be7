//! One session: the adapter's loop. Everything runs in this one future; nothing is spawned, so
//! dropping it drops the connection and answers every write that is under way.

mod done;
mod intake;
mod running;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Adapter, AdapterIo, BoxFuture, PointId, Reading, SessionEnd};

use crate::plan::Plan;
use crate::session::running::{Ground, Running};
use crate::ua::link::Server;
use crate::ua::open::open;
use crate::ua::requests::Requests;
use crate::ua::resolve::resolve;
use crate::ua::structures::Structures;

/// The last events and answers, by point.
type Kept = BTreeMap<PointId, Reading>;

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

    async fn connect_and_run(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
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
            structures: Arc::new(Structures::new(link.session.decoding_options().clone())),
        };
        let points = self.plan.all();
        let learn = async {
            let server = Server::learn(&requests).await?;
            let targets = resolve(&requests, &server, &points).await?;
            Ok((server, targets))
        };
        let learned = tokio::select! {
            biased;
            () = &mut stopped => None,
            learned = link.drive(learn) => Some(learned?),
        };
        let Some((server, targets)) = learned else {
            link.close().await;
            return Ok(());
        };
        io.online();
        let ground = Ground {
            plan: &self.plan,
            kept: &mut self.kept,
            server: Arc::new(server),
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
}

impl Adapter for OpcUaAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.connect_and_run(io))
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        self.plan.interval(point)
    }
}

//! A session with one server of a redundant set. When that server falls or its ServiceLevel does,
//! the next one takes over; for everybody above it is one session that goes on.

use mainstem_adapter::{AdapterIo, SessionEnd};
use tokio::time::Instant;
use tracing::info;

use super::freshness::Freshness;
use super::pool::Pool;
use super::running::{Ground, Running};
use super::standby;
use super::{OpcUaAdapter, learn};
use crate::ua::link::Link;

/// Why a server is not used any more.
enum Left {
    Stopped,
    Lost(SessionEnd),
    ForBetter(usize, Link),
}

impl OpcUaAdapter {
    pub(super) async fn run_set(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let servers = self.plan.connection.servers().into_iter();
        let servers = servers.map(|plan| standby::Server {
            plan,
            folder: self.plan.folder.clone(),
            longest: self.longest(),
            statistics: io.statistics().clone(),
            clock: io.clock().clone(),
        });
        let mut pool = Pool::new(servers.collect());
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let first = tokio::select! {
            biased;
            () = &mut stopped => None,
            first = pool.first() => Some(first?),
        };
        let Some((mut active, mut link)) = first else {
            pool.close().await;
            return Ok(());
        };
        let mut freshness = Freshness::new(self.plan.points.len());
        let mut is_online = false;
        loop {
            io.statistics().uses(pool.url(active));
            let (left, old) = self
                .serve(io, &mut pool, active, link, &mut freshness, &mut is_online)
                .await;
            let next = match left {
                Left::Stopped => {
                    tokio::join!(old.close(), pool.close());
                    return Ok(());
                }
                Left::ForBetter(index, link) => {
                    pool.add(active, Some(old));
                    (index, link)
                }
                Left::Lost(end) => {
                    drop(old);
                    pool.lost(active, &end);
                    let Some(next) = pool.next().await else {
                        return Err(end);
                    };
                    io.statistics().failed(end.code());
                    info!(adapter = self.plan.connection.adapter, %end, "the next server takes over");
                    pool.add(active, None);
                    next
                }
            };
            freshness.switched(Instant::now());
            (active, link) = next;
        }
    }

    // One server, until it is left. Its link comes back, so that it can be closed.
    async fn serve(
        &mut self,
        io: &mut AdapterIo,
        pool: &mut Pool,
        active: usize,
        mut link: Link,
        freshness: &mut Freshness,
        is_online: &mut bool,
    ) -> (Left, Link) {
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let requests = link.requests(&self.plan.connection, io.statistics(), io.clock());
        let learned = tokio::select! {
            biased;
            () = &mut stopped => return (Left::Stopped, link),
            learned = link.drive(learn(&self.plan, &requests)) => learned,
        };
        let (server, targets) = match learned {
            Ok(learned) => learned,
            Err(end) => return (Left::Lost(end), link),
        };
        if !std::mem::replace(is_online, true) {
            io.online();
        }
        let ground = Ground {
            plan: &self.plan,
            kept: &mut self.kept,
            server,
        };
        let mut running = Running::new(ground, io, link, requests.clone(), targets);
        running.freshness = Some(freshness);
        let left = tokio::select! {
            biased;
            () = &mut stopped => Left::Stopped,
            end = running.run() => Left::Lost(end),
            (index, link) = pool.better(active, &requests) => Left::ForBetter(index, link),
        };
        (left, running.into_link())
    }
}

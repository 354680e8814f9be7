//! A server that stands by: a session, and its ServiceLevel now and then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{SessionEnd, Statistics};
use mainstem_model::Clock;
use tokio::sync::watch;
use tokio::time::sleep;

use super::pool::set;
use crate::connection::ConnectionPlan;
use crate::redundancy::Standing;
use crate::ua::link::Link;
use crate::ua::open::open;

/// What the servers that stand by are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Stand by.
    Wait,
    /// This one is needed now.
    Take(usize),
    /// The end.
    Stop,
}

/// How a server is reached.
pub(super) struct Server {
    /// Where and how.
    pub(super) plan: ConnectionPlan,
    /// Where certificates live.
    pub(super) folder: PathBuf,
    /// The longest publishing interval.
    pub(super) longest: Duration,
    /// Where failures are counted.
    pub(super) statistics: Arc<Statistics>,
    /// For deadlines.
    pub(super) clock: Arc<dyn Clock>,
}

/// Keeps a session until its link is wanted; nothing at the end of all.
pub(super) async fn stand_by(
    index: usize,
    server: Arc<Server>,
    before: Option<Link>,
    standings: watch::Sender<Vec<Standing>>,
    mut orders: watch::Receiver<Order>,
) -> Option<(usize, Link)> {
    if let Some(link) = before {
        link.close().await;
    }
    loop {
        let opened = tokio::select! {
            biased;
            () = told(&mut orders, |order| order == Order::Stop) => return None,
            opened = open(&server.plan, &server.folder, server.longest) => opened,
        };
        let end = match opened {
            Ok(mut link) => {
                let wanted = |order| order == Order::Take(index) || order == Order::Stop;
                let ended = tokio::select! {
                    biased;
                    () = told(&mut orders, wanted) => None,
                    end = watch_level(index, &server, &mut link, &standings) => Some(end),
                };
                match ended {
                    None if *orders.borrow() == Order::Take(index) => return Some((index, link)),
                    None => {
                        link.close().await;
                        return None;
                    }
                    Some(end) => end,
                }
            }
            Err(end) => end,
        };
        server.statistics.failed(end.code());
        let standing = Standing::Failed(end.code(), end.to_string());
        set(&standings, index, standing);
        tokio::select! {
            biased;
            () = told(&mut orders, |order| order == Order::Stop) => return None,
            () = sleep(server.plan.service_level_interval) => {}
        }
    }
}

async fn watch_level(
    index: usize,
    server: &Server,
    link: &mut Link,
    standings: &watch::Sender<Vec<Standing>>,
) -> SessionEnd {
    let requests = link.requests(&server.plan, &server.statistics, &server.clock);
    loop {
        match link.drive(requests.service_level()).await {
            Ok(level) => set(standings, index, Standing::Level(level)),
            Err(end) => return end,
        }
        let pause = sleep(server.plan.service_level_interval);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                event = link.event() => if let Err(end) = event { return end },
            }
        }
    }
}

// Resolves at an order; never if nobody gives orders any more, since then we are dropped.
async fn told(orders: &mut watch::Receiver<Order>, wanted: impl Fn(Order) -> bool) {
    if orders.wait_for(|order| wanted(*order)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

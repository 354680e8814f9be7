//! Dialling up: a node behind a firewall that lets nothing in opens connections to the node above,
//! which replicates it over them. The handle; each of its tasks keeps one tunnel waiting.

mod dialling;
mod keeper;
mod standing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mainstem_model::Clock;
use mainstem_telemetry::Health;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dial::{Io, TlsDial};
use keeper::Keeper;
use standing::Standing;
pub use standing::{UplinkState, UplinkView};

/// Tunnels in use at one time. A link needs one, and a second while a dead one is noticed.
const SERVING_MAX: usize = 8;

/// Serves a connection that this node dialled exactly as one that it accepted.
pub trait Serve: Send + Sync {
    /// Serves it to its end.
    fn serve(&self, io: Box<dyn Io>, from: SocketAddr) -> BoxFuture<'static, ()>;
}

/// How a node dials up.
pub struct UplinkOptions {
    /// Its name in the configuration.
    pub name: String,
    /// The routes to the node above, which speak HTTP/1.1; after a failure the next is tried.
    pub routes: Vec<Arc<TlsDial>>,
    /// The token that the node above gave to this one.
    pub token: String,
    /// Between two signs of life of a waiting tunnel.
    pub keepalive: Duration,
    /// Tunnels that wait.
    pub spare: u32,
    /// Not to be dialled.
    pub paused: bool,
}

/// A running uplink. Dropping it ends it without waiting; [`Uplink::stop`] waits.
pub struct Uplink {
    standing: Arc<Standing>,
    /// Ends the dialling; tunnels in use go on.
    rest: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Uplink {
    /// Starts to dial up.
    pub fn start(
        options: UplinkOptions,
        serve: &Arc<dyn Serve>,
        clock: &Arc<dyn Clock>,
        health: &Health,
    ) -> Self {
        let stop = CancellationToken::new();
        let (rest, tasks) = (stop.child_token(), TaskTracker::new());
        let standing = Standing::new(&options.name, options.paused, clock, health);
        let uplink = Self {
            standing: Arc::new(standing),
            rest,
            stop,
            tasks,
        };
        if options.paused {
            return uplink;
        }
        let spare = options.spare as usize;
        let (options, permits) = (
            Arc::new(options),
            Arc::new(Semaphore::new(SERVING_MAX + spare)),
        );
        for _ in 0..spare {
            let keeper = Keeper {
                options: Arc::clone(&options),
                standing: Arc::clone(&uplink.standing),
                serve: Arc::clone(serve),
                permits: Arc::clone(&permits),
                stop: uplink.stop.clone(),
                tasks: uplink.tasks.clone(),
            };
            let rest = uplink.rest.clone();
            uplink.tasks.spawn(async move {
                tokio::select! {
                    () = rest.cancelled() => {}
                    () = keeper.run() => {}
                }
            });
        }
        uplink
    }

    /// How it stands.
    pub fn view(&self) -> UplinkView {
        self.standing.view()
    }

    /// Dials no more; what is in use is served to its end.
    pub fn rest(&self) {
        self.rest.cancel();
    }

    /// Ends the uplink with what is served over it, and waits for its tasks.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.standing.all_clear();
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

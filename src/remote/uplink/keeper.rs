//! Keeps one tunnel waiting: dials, shows signs of life, and hands the connection over to the
//! node's own server when the node above begins; then it dials the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dialling::{TunnelError, tunnel};
use super::standing::{Place, Standing};
use super::{Serve, UplinkOptions};
use crate::dial::Io;
use crate::link::chain;
use crate::timing::Timing;
use crate::tunnel::{BEGIN, SILENT_KEEPALIVES, STILL, signal};

/// How long dialling and asking may take, over a wide network and a proxy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A node above that refuses is asked again after this long, if it does not say itself.
const REFUSED_RETRY: Duration = Duration::from_secs(30);

pub(super) struct Keeper {
    pub(super) options: Arc<UplinkOptions>,
    pub(super) standing: Arc<Standing>,
    pub(super) serve: Arc<dyn Serve>,
    /// One for each tunnel, waiting or in use.
    pub(super) permits: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Keeper {
    /// Never ends by itself.
    pub(super) async fn run(self) {
        let (mut failures, mut route) = (0_u32, 0_usize);
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                return;
            };
            let pause = match self.once(route, permit).await {
                Ok(()) => {
                    failures = 0;
                    continue;
                }
                Err(Failed::Died(cause)) => {
                    failures = 0;
                    let pause = jittered(failures);
                    self.standing.failed(&cause, false, pause);
                    pause
                }
                Err(Failed::Refused(cause, pause)) => {
                    self.standing.failed(&cause, true, pause);
                    pause
                }
                Err(Failed::Lost(cause)) => {
                    let pause = jittered(failures);
                    failures += 1;
                    route = route.wrapping_add(1);
                    self.standing.failed(&cause, false, pause);
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One tunnel from its dialling until it is in use or dead.
    async fn once(&self, route: usize, permit: OwnedSemaphorePermit) -> Result<(), Failed> {
        let routes = &self.options.routes;
        let Some(dial) = routes.get(route % routes.len().max(1)) else {
            return Err(Failed::Refused("it has no address".into(), REFUSED_RETRY));
        };
        self.standing.dials(dial);
        let dialled = tunnel(dial, &self.options, &self.tasks);
        let (io, from) = match timeout(CONNECT_TIMEOUT, dialled).await {
            Ok(dialled) => dialled?,
            Err(_) => {
                let cause = format!("no connection within {CONNECT_TIMEOUT:?}");
                return Err(Failed::Lost(cause));
            }
        };
        let waits = self.standing.enter(Place::Waiting);
        let turned = self.wait(io).await.map_err(Failed::Died)?;
        drop(waits);
        self.hand_over(turned, from, permit);
        Ok(())
    }

    /// Waits until the node above begins.
    async fn wait(&self, mut io: Box<dyn Io>) -> Result<Box<dyn Io>, String> {
        let limit = self.options.keepalive * SILENT_KEEPALIVES;
        let mut ticks = tokio::time::interval(self.options.keepalive);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = tokio::time::Instant::now();
        let mut byte = [0];
        let broke = |error: std::io::Error| format!("a waiting tunnel broke: {error}");
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(heard + limit) => {
                    return Err(format!("nothing came over a waiting tunnel for {limit:?}"));
                }
                _ = ticks.tick() => {
                    let sent = timeout(limit, signal(&mut io, STILL)).await;
                    sent.map_err(|_| "a waiting tunnel takes no bytes".to_owned())?
                        .map_err(broke)?;
                }
                read = io.read(&mut byte) => match (read.map_err(broke)?, byte[0]) {
                    (1, STILL) => heard = tokio::time::Instant::now(),
                    (1, BEGIN) => {
                        signal(&mut io, BEGIN).await.map_err(broke)?;
                        return Ok(io);
                    }
                    (0, _) => return Err("the node above closed a waiting tunnel".into()),
                    _ => return Err("the node above says what is no signal".into()),
                },
            }
        }
    }

    fn hand_over(&self, io: Box<dyn Io>, from: SocketAddr, permit: OwnedSemaphorePermit) {
        let serving = self.standing.enter(Place::Serving);
        let (served, stop) = (self.serve.serve(io, from), self.stop.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = served => {}
                () = stop.cancelled() => {}
            }
            drop((serving, permit));
        });
    }
}

/// How a tunnel ended before it was used.
enum Failed {
    /// None came about; another try may help soon.
    Lost(String),
    /// None will come about until somebody changes something.
    Refused(String, Duration),
    /// It had waited.
    Died(String),
}

impl From<TunnelError> for Failed {
    fn from(error: TunnelError) -> Self {
        let cause = chain(&error);
        match error {
            TunnelError::Dial(dial) if dial.is_refusal() => Self::Refused(cause, REFUSED_RETRY),
            TunnelError::Refused {
                retry_after,
                is_final: true,
                ..
            } => Self::Refused(cause, retry_after.unwrap_or(REFUSED_RETRY)),
            _ => Self::Lost(cause),
        }
    }
}

/// A random part of a bound that doubles with each failure in a row, as links redial.
fn jittered(failures: u32) -> Duration {
    let Timing {
        redial_min,
        redial_max,
        ..
    } = Timing::LAN;
    let bound = redial_min
        .saturating_mul(1 << failures.min(16))
        .min(redial_max);
    bound.mul_f64(0.1 + 0.9 * rand::rng().random::<f64>())
}

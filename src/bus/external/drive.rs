//! The task that owns the connection. It never waits for anybody but the broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::line::{Happening, Line};
use super::{PAUSE_FIRST, PAUSE_MAX, Shared};
use crate::{BusState, Outage};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn drive(
    mut line: Line,
    shared: Arc<Shared>,
    patience: Duration,
    stop: CancellationToken,
) {
    let mut pause = PAUSE_FIRST;
    loop {
        // The client hears of its own pings at least; one that hears of nothing hangs in a write.
        let polled = tokio::select! {
            () = stop.cancelled() => break,
            polled = timeout(patience, line.poll()) => polled,
        };
        let lost = match polled {
            Ok(Ok(happening)) => note(&line, &shared, happening, &mut pause),
            Ok(Err(cause)) => Some(cause),
            Err(_) => Some("the broker does not take what it is sent".to_owned()),
        };
        let Some(cause) = lost else { continue };
        fall(&mut line, &shared, &cause);
        let longest = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let (random, _) = Uuid::new_v4().as_u64_pair();
        let wait = Duration::from_millis(longest / 2 + random % (longest / 2 + 1));
        pause = (pause * 2).min(PAUSE_MAX);
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    if shared.table.lock().part() {
        // Until the goodbye is out and the broker has closed; if it does not, nothing is lost.
        let goodbye = async { while Box::pin(line.poll()).await.is_ok() {} };
        let _closed = timeout(GOODBYE, Box::pin(goodbye)).await;
    }
    fall(&mut line, &shared, "the node stops");
}

/// Takes note of what happened. Returns why the connection has to be made anew, if it has to.
fn note(
    line: &Line,
    shared: &Shared,
    happening: Happening,
    pause: &mut Duration,
) -> Option<String> {
    if let Happening::Up { .. } = &happening {
        *pause = PAUSE_FIRST;
        shared.table.lock().up(&happening, line.resends());
        shared.state.send_replace(BusState::Up);
        tracing::info!("connected to the MQTT broker");
        return None;
    }
    let is_blocked = shared.table.lock().note(happening);
    is_blocked.then(|| "the broker has refused too much".to_owned())
}

fn fall(line: &mut Line, shared: &Shared, cause: &str) {
    shared.state.send_modify(|state| {
        let since = match state {
            BusState::Up => {
                tracing::warn!(cause, "the connection to the MQTT broker is lost");
                Instant::now()
            }
            BusState::Down(outage) => outage.since,
        };
        let cause = cause.into();
        *state = BusState::Down(Outage { cause, since });
    });
    shared.table.lock().down(line);
}

//! Waiting for a moment of the node's monotonic clock.

use std::sync::Arc;

use mainstem_model::{Clock, Monotonic};

/// Resolves when the clock has reached a moment.
///
/// The timer of the runtime counts in milliseconds of its own; asking the clock again afterwards
/// keeps a poll from beginning before its time.
pub(crate) async fn until(clock: Arc<dyn Clock>, moment: Monotonic) {
    loop {
        let now = clock.monotonic();
        if now >= moment {
            return;
        }
        tokio::time::sleep(moment.since(now)).await;
    }
}

/// Like [`until`], and never if there is no moment.
pub(crate) async fn until_some(clock: Arc<dyn Clock>, moment: Option<Monotonic>) {
    match moment {
        Some(moment) => until(clock, moment).await,
        None => std::future::pending().await,
    }
}

//! One tunnel that waits: signs of life are answered until somebody claims it or it dies.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use super::{Claim, STILL, begin, signal};
use crate::dial::Io;

/// Waits until the tunnel is claimed and gives it away, or until it is dead.
pub(super) async fn wait<I: Io + 'static>(
    mut io: I,
    limit: Duration,
    mut claimed: oneshot::Receiver<Claim>,
    mut may_stay: impl FnMut() -> bool,
) -> Option<()> {
    let mut byte = [0];
    loop {
        tokio::select! {
            claim = &mut claimed => {
                let claim = claim.ok()?;
                begin(&mut io).await.ok()?;
                return claim.send(Box::new(io)).ok();
            }
            read = tokio::time::timeout(limit, io.read(&mut byte)) => {
                let is_still = matches!(read, Ok(Ok(1))) && byte == [STILL];
                if !is_still || !may_stay() {
                    return None;
                }
                let answered = tokio::time::timeout(limit, signal(&mut io, STILL)).await;
                answered.ok()?.ok()?;
            }
        }
    }
}

//! Which secure channels have a client at their other end. The library goes on with a request whose
//! client went away; the gate sees the connection end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// The channels that are open, by the numbers that the library gave them. There are no more than
/// connections.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<u32, CancellationToken>>);

/// A channel as long as its client is there.
pub(crate) struct OpenChannel {
    channels: Arc<Channels>,
    number: u32,
}

impl Channels {
    /// A client has opened a channel.
    pub(crate) fn open(self: &Arc<Self>, number: u32) -> OpenChannel {
        self.0.lock().insert(number, CancellationToken::new());
        OpenChannel {
            channels: Arc::clone(self),
            number,
        }
    }

    /// The end of something, unless the client of a channel goes first.
    pub(crate) async fn unless_gone<T>(
        &self,
        number: u32,
        what: impl Future<Output = T>,
    ) -> Option<T> {
        let gone = self.0.lock().get(&number).cloned()?;
        gone.run_until_cancelled(what).await
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        let gone = self.channels.0.lock().remove(&self.number);
        if let Some(gone) = gone {
            gone.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_ends_with_its_channel_and_no_other() {
        let channels = Arc::new(Channels::default());
        let (first, second) = (channels.open(1), channels.open(2));
        assert_eq!(channels.unless_gone(1, async { 7 }).await, Some(7));
        let held = channels.unless_gone(1, std::future::pending::<()>());
        let other = channels.unless_gone(2, async { 8 });
        let (held, (), other) = tokio::join!(held, async { drop(first) }, other);
        assert_eq!((held, other), (None, Some(8)));
        // Whoever asks when the client has gone already is not held either.
        assert_eq!(channels.unless_gone(1, async { 9 }).await, None);
        drop(second);
        assert!(channels.0.lock().is_empty());
    }
}

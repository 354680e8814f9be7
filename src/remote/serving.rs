//! The serving end of links: which streams are open, how far their readers are, and how their
//! clocks map to ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, Role};
use mainstem_store::Store;
use mainstem_wire::{Beat, BeatAnswer};
use parking_lot::Mutex;

/// Streams with beats at one time; further ones are served without.
const STREAMS_MAX: usize = 1024;
/// A link of ours that was silent for longer is reported to who reads us.
const QUIET_FROM: Duration = Duration::from_millis(600);

/// The open streams of a node.
pub struct Serving {
    store: Arc<Store>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    streams: HashMap<u64, ServedStream>,
    next: u64,
}

/// One open stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedStream {
    /// Who reads.
    pub principal: String,
    /// The last entry that the reader applied.
    pub applied: u64,
    /// When its last beat came.
    pub beat: Option<Monotonic>,
    /// Our monotonic clock minus the reader's, in microseconds, and how wrong that can be.
    pub offset: Option<(i64, u64)>,
}

impl Serving {
    /// No streams yet.
    pub fn new(store: Arc<Store>) -> Self {
        // Sessions of different lives of the node do not meet: they begin at a random place.
        let next = store.setup().epoch.random | 1;
        Self {
            store,
            inner: Mutex::new(Inner {
                streams: HashMap::new(),
                next,
            }),
        }
    }

    /// A stream was opened; its session number, 0 if there are too many.
    pub fn open(&self, principal: &str) -> u64 {
        let mut inner = self.inner.lock();
        if inner.streams.len() >= STREAMS_MAX {
            return 0;
        }
        let session = inner.next;
        inner.next = inner.next.wrapping_add(1).max(1);
        let principal = principal.to_owned();
        inner.streams.insert(
            session,
            ServedStream {
                principal,
                applied: 0,
                beat: None,
                offset: None,
            },
        );
        session
    }

    /// A stream was closed.
    pub fn close(&self, session: u64) {
        self.inner.lock().streams.remove(&session);
    }

    /// The open streams.
    pub fn streams(&self) -> Vec<(u64, ServedStream)> {
        let inner = self.inner.lock();
        inner
            .streams
            .iter()
            .map(|(session, stream)| (*session, stream.clone()))
            .collect()
    }

    /// Answers a beat. `received` is our clock when it came. A session of somebody else is not
    /// known to this principal.
    pub fn beat(&self, principal: &str, beat: &Beat, received: Monotonic) -> BeatAnswer {
        let known = self.note(principal, beat, received);
        let clock = self.store.clock();
        BeatAnswer {
            received: received.micros(),
            sent: clock.monotonic().micros(),
            sent_wall: clock.now().micros(),
            head: self.store.statistics().head,
            quiet: self.quiet(),
            known,
        }
    }

    fn note(&self, principal: &str, beat: &Beat, received: Monotonic) -> bool {
        let mut inner = self.inner.lock();
        let stream = inner.streams.get_mut(&beat.session);
        let Some(stream) = stream.filter(|stream| stream.principal == principal) else {
            return false;
        };
        stream.applied = beat.applied;
        stream.beat = Some(received);
        stream.offset = beat.offset.zip(beat.uncertainty);
        true
    }

    fn quiet(&self) -> Vec<(u32, u64)> {
        let links = self
            .store
            .sources()
            .into_iter()
            .filter(|source| source.role == Role::Link);
        let silences = links.filter_map(|link| Some((link.id.0, self.store.silence(link.id)?)));
        silences
            .filter(|(_, silence)| *silence >= QUIET_FROM)
            .map(|(id, silence)| (id, u64::try_from(silence.as_millis()).unwrap_or(u64::MAX)))
            .collect()
    }

    /// A stamp of a reader's monotonic clock on ours, and how wrong that can be; `None` without a
    /// recent beat that carried an estimate.
    pub fn map_stamp(
        &self,
        principal: &str,
        session: u64,
        stamp: u64,
        now: Monotonic,
    ) -> Option<(Monotonic, Duration)> {
        let inner = self.inner.lock();
        let stream = inner
            .streams
            .get(&session)
            .filter(|s| s.principal == principal)?;
        let (offset, uncertainty) = stream.offset?;
        let mapped = i64::try_from(stamp).ok()?.checked_add(offset)?;
        // Later than now by more than the uncertainty cannot be right.
        let mapped = u64::try_from(mapped).ok()?;
        if mapped > now.micros().saturating_add(uncertainty) {
            return None;
        }
        Some((
            Monotonic::from_micros(mapped),
            Duration::from_micros(uncertainty),
        ))
    }
}

//! Which clients provide samples now, and which have fallen silent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, Name, Quality, Reason, Role};
use mainstem_store::{SourceId, Store};
use parking_lot::Mutex;

/// The providers of a node, by prefix. There are never more than tokens and roles.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    table: Mutex<HashMap<Name, Provider>>,
}

#[derive(Debug)]
struct Provider {
    source: SourceId,
    stale_after: Duration,
    last: Monotonic,
    stale: bool,
}

/// One open request of a provider.
pub(super) struct Attendance {
    providers: Arc<Providers>,
    store: Arc<Store>,
    prefix: Name,
    source: SourceId,
}

impl Providers {
    /// A provider is there: its source is good from now on.
    pub(super) fn attend(
        self: &Arc<Self>,
        store: &Arc<Store>,
        prefix: &Name,
        stale_after: Duration,
    ) -> Attendance {
        let now = store.clock().monotonic();
        let mut table = self.table.lock();
        // The source that is there already keeps its number; this vouches for it.
        let quality = Quality::GOOD;
        let source = store.put_own_source(None, prefix.as_str(), Role::Provider, quality, true);
        let provider = table.entry(prefix.clone()).or_insert(Provider {
            source,
            stale_after,
            last: now,
            stale: false,
        });
        provider.stale_after = stale_after;
        (provider.source, provider.last, provider.stale) = (source, now, false);
        Attendance {
            providers: Arc::clone(self),
            store: Arc::clone(store),
            prefix: prefix.clone(),
            source,
        }
    }

    /// Takes the trust from providers that are silent for longer than they said, whether their
    /// request is open or not: a client that hangs, or whose machine is gone, keeps it open too.
    pub(crate) fn check(&self, store: &Store) {
        let now = store.clock().monotonic();
        for provider in self.table.lock().values_mut() {
            let silent = now.since(provider.last) >= provider.stale_after;
            if silent && !provider.stale {
                provider.stale = true;
                store.set_status(provider.source, Quality::of(Reason::Stale));
            }
        }
    }
}

impl Attendance {
    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    /// Something came, and if it is only an empty line: that vouches for what came before.
    pub(super) fn note(&self) {
        let now = self.store.clock().monotonic();
        if let Some(provider) = self.providers.table.lock().get_mut(&self.prefix) {
            provider.last = now;
            if std::mem::take(&mut provider.stale) {
                self.store.set_status(provider.source, Quality::GOOD);
            }
        }
    }
}

//! What is counted.

use mainstem_telemetry::{Counter, CounterFamily, Metrics};

/// Counters of datapoints on the bus.
pub(crate) struct Numbers {
    /// Messages that were published.
    pub(crate) published: Counter,
    /// Messages that the broker did not take; the latest value of each is tried again.
    pub(crate) failed: Counter,
    /// Messages that the broker will never take.
    pub(crate) refused: Counter,
    /// Writes by how they ended.
    writes: CounterFamily,
}

impl Numbers {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let told = metrics.counters(
            "bus_datapoints",
            "Messages about datapoints on the bus, by what became of them",
            &["what"],
        );
        Self {
            published: told.with(&["published"]),
            failed: told.with(&["failed"]),
            refused: told.with(&["refused"]),
            writes: metrics.counters(
                "bus_sets",
                "Writes by /set messages on the bus, by how they ended",
                &["outcome"],
            ),
        }
    }

    /// A write has ended so.
    pub(crate) fn wrote(&self, outcome: &str) {
        self.writes.with(&[outcome]).inc();
    }
}

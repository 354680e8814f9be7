//! Tells datapoints on the bus. While the broker is away it does not even read the feed, which
//! costs nothing; then it goes on with the latest of each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use mainstem_bus::{BusState, Publication, PublishError, Qos, Topic};
use tokio::sync::watch;

use crate::table::{Due, Table};
use crate::{Shared, payload};

/// Messages on their way to the broker at once.
const BATCH: usize = 64;
/// How long to rest when the broker did not take a message.
const PAUSE: Duration = Duration::from_millis(50);

/// Publishes until the end.
pub(crate) async fn publish(shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = Publisher::new(shared).run() => {}
    }
}

struct Publisher {
    shared: Arc<Shared>,
    table: Table,
    /// Whether the broker was away since everything was told.
    was_away: bool,
}

impl Publisher {
    fn new(shared: Arc<Shared>) -> Self {
        let setup = &shared.setup;
        let (wanted, config) = (setup.config.include.clone(), &setup.config);
        // What is kept by the broker has to be right from the beginning.
        let tells_catchup = config.startupevents || config.retain;
        Self {
            table: Table::new(setup.root.clone(), wanted, tells_catchup),
            shared,
            was_away: false,
        }
    }

    async fn run(mut self) {
        let mut changes = self.shared.setup.store.changes();
        let mut state = self.shared.setup.bus.state();
        while self.up(&mut state).await {
            changes.borrow_and_update();
            let at_head = self.table.read(&self.shared.setup.store);
            let is_taken = self.gone().await & self.due().await;
            if !is_taken {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            tokio::select! {
                changed = changes.changed(), if at_head => if changed.is_err() { return },
                () = tokio::task::yield_now(), if !at_head => {}
            }
        }
    }

    /// Waits until the broker is there. Returns false when there is no bus any more.
    async fn up(&mut self, state: &mut watch::Receiver<BusState>) -> bool {
        self.was_away |= *state.borrow_and_update() != BusState::Up;
        if state
            .wait_for(|state| *state == BusState::Up)
            .await
            .is_err()
        {
            return false;
        }
        if std::mem::take(&mut self.was_away) && self.shared.setup.config.retain {
            // A broker that was started anew may have forgotten what it kept.
            self.table.all_again();
        }
        true
    }

    /// Takes kept messages away whose datapoints are no more.
    async fn gone(&mut self) -> bool {
        let gone = self.table.take_gone();
        if !self.shared.setup.config.retain {
            return true;
        }
        for topic in gone {
            let told = self.publication(topic, Bytes::new());
            if let Err(error) = self.shared.setup.bus.publish(told).await {
                tracing::warn!(%error, "a kept message of a removed datapoint stays on the bus");
            }
        }
        true
    }

    /// Publishes what is due. Returns false if the broker did not take everything.
    async fn due(&mut self) -> bool {
        loop {
            let due = self.table.take_due(BATCH);
            if due.is_empty() {
                return true;
            }
            let publishing = due.iter().filter_map(|due| self.message(due));
            let publishing: Vec<_> = publishing
                .map(|(place, quality, message)| {
                    let bus = Arc::clone(&self.shared.setup.bus);
                    async move { (place, quality, bus.publish(message).await) }
                })
                .collect();
            let mut is_taken = true;
            for (id, quality, outcome) in join_all(publishing).await {
                self.table.told(id, quality);
                let Some(due) = due.iter().find(|due| due.id == id) else {
                    continue;
                };
                is_taken &= self.note(due, outcome);
            }
            if !is_taken {
                return false;
            }
        }
    }

    fn note(&mut self, due: &Due, outcome: Result<(), PublishError>) -> bool {
        let numbers = &self.shared.numbers;
        match outcome {
            Ok(()) => {
                numbers.published.inc();
            }
            Err(PublishError::Away(_) | PublishError::Busy) => {
                numbers.failed.inc();
                self.table.put_back(due);
                return false;
            }
            Err(error) => {
                numbers.refused.inc();
                tracing::debug!(%error, topic = %due.topic, "a datapoint is not on the bus");
            }
        }
        true
    }

    /// The message about a datapoint as it is now; nothing if it is no more.
    fn message(
        &self,
        due: &Due,
    ) -> Option<(
        mainstem_store::PointId,
        mainstem_model::Quality,
        Publication,
    )> {
        let view = self.shared.setup.store.point_by_id(due.id)?;
        let payload = payload::datapoint(&view, due.catchup);
        let message = self.publication(due.topic.clone(), payload);
        Some((due.id, view.quality, message))
    }

    fn publication(&self, topic: Topic, payload: Bytes) -> Publication {
        let config = &self.shared.setup.config;
        Publication {
            topic,
            payload,
            qos: match config.qos {
                0 => Qos::AtMostOnce,
                _ => Qos::AtLeastOnce,
            },
            retain: config.retain,
        }
    }
}

//! `expand=true`: frames for readers that do not follow sources. Each row has the quality that a
//! client sees, and the changed state of a source comes as rows of all that hangs on it.

use mainstem_store::{Chunk, Filter, Item, PointId, PointView, Store, VariableView};
use mainstem_wire::{Cursor, RowOut, VariableFrame};

use super::concern::Concern;

/// What has to be told beside the rows of the feed.
#[derive(Debug)]
pub(super) struct Expansion {
    concern: Concern,
}

impl Expansion {
    pub(super) fn new(filter: Filter, since: Option<Cursor>) -> Self {
        let since = since.map(|cursor| cursor.sequence);
        Self {
            concern: Concern::new(filter, since),
        }
    }

    /// Gives the rows of a chunk their effective quality, and notes what its sources concern.
    pub(super) fn rewrite(&mut self, store: &Store, chunk: &mut Chunk) {
        for row in &mut chunk.rows {
            if let Some(view) = store.point_by_id(PointId(row.id)) {
                row.quality = view.quality.code();
            }
        }
        for item in &mut chunk.items {
            if let Item::Variable(frame, _) = item
                && let Some(view) = store.variable(&frame.name)
            {
                frame.quality = Some(view.quality.code());
            }
        }
        let sources =
            |item: &&Item| matches!(item, Item::Source(_) | Item::Status(_) | Item::End(_));
        let mut told = Chunk::default();
        told.items
            .extend(chunk.items.iter().filter(sources).cloned());
        self.concern.take_in(store, &told);
    }

    /// Some of the variables that wait.
    pub(super) fn some_variables(&mut self, store: &Store, most: usize) -> Vec<VariableFrame> {
        let views = self.concern.some_variables(store, most);
        views.into_iter().map(variable).collect()
    }

    /// Whether rows or variables wait.
    pub(super) fn waits(&self) -> bool {
        self.concern.waiting() > 0
    }

    /// Some of the rows that wait.
    pub(super) fn some(&mut self, store: &Store, most: usize) -> Vec<RowOut> {
        let views = self.concern.some(store, most);
        views
            .into_iter()
            .zip(0..)
            .map(|(view, index)| row(view, index))
            .collect()
    }
}

/// A variable that is a repetition, under the quality that it has now.
fn variable(view: VariableView) -> VariableFrame {
    VariableFrame {
        name: view.name.shared(),
        value: Some(view.value),
        source: Some(view.source.0),
        time: view.source_time,
        origin: 0,
        epoch: 0,
        quality: Some(view.quality.code()),
    }
}

/// A row that is a repetition: it has no number of its own at its origin.
pub(super) fn row(view: PointView, index: u64) -> RowOut {
    RowOut {
        id: view.id.0,
        quality: view.quality.code(),
        epoch: None,
        origin: index,
        time: view.source_time.micros(),
        value: view.value,
    }
}

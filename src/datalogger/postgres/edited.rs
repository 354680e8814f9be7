//! Edits: rows of the server as all others. What they hide is known beside the spool; a spool that
//! was lost learns it from the server again.

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;

use super::answer::{COLUMNS, rows_of};
use super::connect::{Connected, unread, within};
use super::shared::Shared;
use crate::{Row, SeriesId, SinkError};

/// The number of the kind of edits in the table.
pub(super) const KIND: i16 = 5;

/// The edits that the server holds, of one series or of all.
async fn read(
    connected: &Connected,
    shared: &Shared,
    series: Option<i32>,
) -> Result<Vec<(i32, Row)>, String> {
    let patience = shared.config.timeout;
    let asked = format!(
        "SELECT {COLUMNS}, series FROM piece
         WHERE kind = {KIND} AND ($1::integer IS NULL OR series = $1)"
    );
    let found = within(patience, connected.client.query_raw(&asked, [&series])).await?;
    let mut found = pin!(found);
    let mut edits = Vec::new();
    while let Some(piece) = within(patience, found.try_next()).await? {
        let id: i32 = piece.try_get(10).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        rows_of(SeriesId(0), &piece, &mut rows)?;
        edits.extend(rows.into_iter().map(|row| (id, row)));
    }
    Ok(edits)
}

impl Shared {
    /// The newest edits of a series that are held, in the order of their numbers.
    pub(super) fn edits_of(self: &Arc<Self>, series: SeriesId) -> Result<Vec<Row>, SinkError> {
        let Some(hidden) = self.spool.hidden(series) else {
            return Ok(Vec::new());
        };
        self.settle_up()?;
        let Some(id) = self.ids.read().get(&series).copied() else {
            return Ok(Vec::new());
        };
        let found = self.ask_edits(Some(id))?;
        let mut rows: Vec<Row> = found
            .into_iter()
            .map(|(_, row)| Row { series, ..row })
            .filter(|row| hidden.edits().binary_search(&row.row).is_ok())
            .collect();
        rows.sort_by_key(|row| row.row);
        Ok(rows)
    }

    fn ask_edits(self: &Arc<Self>, id: Option<i32>) -> Result<Vec<(i32, Row)>, SinkError> {
        let shared = Arc::clone(self);
        self.link.ask(async move {
            let connected = shared.borrow().await?;
            let found = read(&connected, &shared, id).await;
            let found = found.map_err(|reason| unread(&shared.config, reason))?;
            shared.give_back(connected);
            Ok(found)
        })
    }

    /// Learns what the server's edits hide.
    pub(super) fn adopt_edits(self: &Arc<Self>) -> Result<(), SinkError> {
        let found = self.ask_edits(None)?;
        let here = {
            let ids = self.ids.read();
            let turned = ids.iter().map(|(series, id)| (*id, *series));
            turned.collect::<std::collections::HashMap<_, _>>()
        };
        let rows = found.into_iter().filter_map(|(id, row)| {
            let series = *here.get(&id)?;
            Some(Row { series, ..row })
        });
        self.spool.learn_edits(&rows.collect::<Vec<_>>())
    }
}

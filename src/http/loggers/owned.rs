//! What importing and editing have in common: the right to it, and the way into the store.

use std::sync::Arc;
use std::time::Duration;

use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_datalogger::{Row, SeriesId};

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// How long the store may take to store a batch.
const PATIENCE: Duration = Duration::from_secs(60);

/// A series that was recorded here, for somebody who may write it. Refusals are in the audit log.
pub(super) fn own_series(
    api: &Api,
    caller: &Caller,
    id: &str,
    action: &str,
) -> Result<(Arc<Book>, LoggerView), Problem> {
    let (book, view) = super::find(api, caller, id)?;
    let decision = caller.principal.may_write_logger(view.name.as_str());
    if !decision.allowed {
        api.note_with(caller, action, id, "refused", decision.rule.clone());
        let who = &caller.principal.name;
        let detail = format!("{who} may not write the logger {id}: {}", decision.rule);
        return Err(Problem::new(Code::Policy, detail));
    }
    let own = api.store.setup().node;
    let key = book
        .sink()
        .list()
        .into_iter()
        .find(|(series, _)| *series == view.series);
    let is_own = key.is_some_and(|(_, key)| key.origin == own && key.log == book.sink().log_id());
    if !is_own {
        let detail = format!(
            "{id} was recorded by another node or in a store before this one: \
                              import and edit where it is recorded"
        );
        return Err(Problem::new(Code::Conflict, detail));
    }
    Ok((book, view))
}

/// Brings rows and waits until they are on disk. Returns the number of the first one.
pub(super) async fn bring(book: &Book, series: SeriesId, rows: Vec<Row>) -> Result<u64, Problem> {
    let brought = tokio::time::timeout(PATIENCE, book.door().bring(series, rows)).await;
    match brought {
        Ok(Ok((first, _))) => Ok(first),
        Ok(Err(error)) => Err(Problem::new(Code::Stopping, error.to_string())),
        Err(_) => {
            let detail = "the data logger store takes no rows now; these may be stored later";
            Err(Problem::new(Code::NoOwner, detail))
        }
    }
}

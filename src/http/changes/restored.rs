//! A reader that knows a later start of this node than this one: then the node was put back to an
//! earlier state, as by a restored backup.

use mainstem_telemetry::{Problem, Severity};
use mainstem_wire::Cursor;

use crate::Api;
use crate::auth::Caller;

/// The alarm; it ends when a person has seen it, or with the next start.
const ID: &str = "node.restored";

/// Looks at the cursor of a link. Others could make it up.
pub(super) fn look(api: &Api, caller: &Caller, since: Option<Cursor>) {
    let own = api.store.setup().epoch;
    let ahead = since.filter(|cursor| {
        caller.principal.rights.link && cursor.epoch != own && cursor.epoch.counter >= own.counter
    });
    let Some(cursor) = ahead else { return };
    let (known, told) = (cursor.epoch.counter, own.counter);
    let reader = &caller.principal.name;
    if api.health.get(ID).is_none() {
        api.parts.pass_start(known);
    }
    api.health.raise(Problem {
        id: ID.to_owned(),
        severity: Severity::High,
        source: "node".to_owned(),
        text: format!(
            "This node was put back to an earlier state: {reader} knows its start number {known}, \
             and this is number {told}."
        ),
        action: "If a backup was restored here, check what was changed after it was made: \
                 settings, tokens, values without a device. If nobody did, look for a second copy \
                 of this node that runs on the same data. Then acknowledge this alarm."
            .to_owned(),
    });
}

//! Data loggers.

use mainstem_datalogger::config::{LoggersConfig, StoreConfig};
use mainstem_datalogger::{PostgresConfig, TlsMode};
use mainstem_model::Name;

use crate::load::Draft;
use crate::tree::join;

/// What no series can be called: a route of the API has its place.
const GRID: &str = "grid";

/// The section `loggers:`, if it is there and right.
pub(crate) fn read(draft: &mut Draft<'_>) -> Option<LoggersConfig> {
    let json = draft.json;
    let mut section = draft.read::<LoggersConfig>(json.get("loggers")?, "/loggers")?;
    for (id, logger) in &section.record {
        let pointer = join("/loggers/record", id);
        if let Err(error) = Name::local(id) {
            let expected = "words joined by dots, as names of datapoints have them";
            draft.problem(&pointer, error.to_string(), expected);
        }
        if id == GRID {
            let expected = "another name: `GET /api/v1/loggers/grid` is a route";
            draft.problem(&pointer, "this name is taken", expected);
        }
        for fault in logger.faults() {
            let at = format!("{pointer}{}", fault.pointer);
            draft.problem(&at, fault.message, fault.expected);
        }
    }
    if let StoreConfig::Postgres(server) = &mut section.store {
        trust(draft, server);
    }
    Some(section)
}

/// How the server is believed to be who it should be.
fn trust(draft: &mut Draft<'_>, server: &mut PostgresConfig) {
    let pointer = "/loggers/store/postgres";
    let ways = usize::from(server.ca.is_some()) + usize::from(server.pin.is_some());
    let verified = server.tls == TlsMode::Verify && !server.is_local();
    if verified && ways != 1 {
        let message = "who is the PostgreSQL server?".to_owned();
        let expected = "`ca` with a PEM file or `pin` with a fingerprint, or `tls: off` in a \
                        network that nobody else is in";
        draft.problem(pointer, message, expected);
    }
    if let Some(ca) = &server.ca {
        let path = draft.folder.join(ca);
        if !path.is_file() {
            let message = format!("there is no file `{}`", ca.display());
            let expected = "a PEM file; the path is relative to this file";
            draft.problem(&join(pointer, "ca"), message, expected);
        }
        server.ca = Some(path);
    }
}

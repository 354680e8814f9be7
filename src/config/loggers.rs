//! Data loggers.

use mainstem_datalogger::config::LoggersConfig;
use mainstem_model::Name;

use crate::load::Draft;
use crate::tree::join;

/// What no series can be called: a route of the API has its place.
const GRID: &str = "grid";

/// The section `loggers:`, if it is there and right.
pub(crate) fn read(draft: &mut Draft<'_>) -> Option<LoggersConfig> {
    let json = draft.json;
    let section = draft.read::<LoggersConfig>(json.get("loggers")?, "/loggers")?;
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
    Some(section)
}

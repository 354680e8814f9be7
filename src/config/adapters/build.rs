//! Lets the kind itself look at an adapter, and finds the places of what it says.

use std::collections::HashSet;

use mainstem_adapter::Problem;

use super::endpoint::Own;
use crate::load::Draft;
use crate::node_config::AdapterConfig;
use crate::tree::{join, segments};

/// Builds the adapter for its problems only. `pointer` is that of the connection's properties.
pub(super) fn check(draft: &mut Draft<'_>, config: &AdapterConfig, pointer: &str, own: &Own) {
    if draft.report.concerns(pointer) {
        return;
    }
    match (config.kind.build)(&config.spec) {
        Ok(built) => {
            let mut names = HashSet::new();
            for point in built
                .points
                .iter()
                .filter(|point| !names.insert(point.name.as_str()))
            {
                let message = format!("two datapoints are called `{}.{}`", config.name, point.name);
                let place = own.right.iter().find(|(spec, ..)| spec.name == point.name);
                let at = place.map_or(pointer, |(_, pointer, _)| pointer);
                draft.problem(
                    at,
                    message,
                    "another name; the kind makes some names itself",
                );
            }
        }
        Err(problems) => {
            for problem in problems {
                // Without the endpoints that are wrong, only what concerns a place is certain.
                let certain = own.wrong == 0 || !problem.pointer.is_empty();
                if certain {
                    tell(draft, problem, pointer, own);
                }
            }
        }
    }
}

fn tell(draft: &mut Draft<'_>, problem: Problem, pointer: &str, own: &Own) {
    let at = place(&problem.pointer, pointer, own);
    draft.problem(&at, problem.message, problem.expected);
}

/// From a pointer within the spec to one within the file.
fn place(within: &str, pointer: &str, own: &Own) -> String {
    let mut path = segments(within);
    let all = |start: String, rest: &mut dyn Iterator<Item = String>| {
        rest.fold(start, |at, segment| join(&at, &segment))
    };
    match path.next().as_deref() {
        Some("connection") => all(join(pointer, "connection"), &mut path),
        Some("endpoints") => {
            let index = path.next().and_then(|index| index.parse::<usize>().ok());
            let Some((_, base, word)) = index.and_then(|index| own.right.get(index)) else {
                return pointer.to_owned();
            };
            match path.next().as_deref() {
                None => base.clone(),
                Some("operation") => all(join(base, word), &mut path),
                Some("interval") => join(&join(base, word), "interval"),
                Some("value_type") => join(base, "type"),
                Some(key) => all(join(base, key), &mut path),
            }
        }
        _ => pointer.to_owned(),
    }
}

//! The section `aliases:`: old names, each with the new one.

use std::collections::HashMap;

use mainstem_model::{ALIAS_CHAIN_MAX, ALIASES_MAX, Alias, Name};
use serde_json::Value;

use crate::load::Draft;
use crate::names::Taken;
use crate::tree::join;

/// The aliases that are right, in the order of the file.
pub(crate) fn read(draft: &mut Draft<'_>, taken: &Taken) -> Vec<Alias> {
    let json = draft.json;
    let Some(Value::Object(all)) = json.get("aliases") else {
        return Vec::new();
    };
    let mut read = Vec::with_capacity(all.len().min(ALIASES_MAX));
    for (from, to) in all.iter().take(ALIASES_MAX) {
        let pointer = join("/aliases", from);
        if draft.report.concerns(&pointer) {
            continue;
        }
        let from = match Name::new(from) {
            Ok(from) => from,
            Err(error) => {
                draft.problem(&pointer, error.to_string(), "an old name, or its beginning");
                continue;
            }
        };
        let Some(to) = to.as_str().and_then(|to| Name::new(to).ok()) else {
            continue;
        };
        if let Some(user) = taken.user_of(&from) {
            let message = format!("`{from}` is in use by {user}: the alias would never count");
            draft.problem(&pointer, message, "a name that nothing has any more");
            continue;
        }
        read.push((Alias { from, to }, pointer));
    }
    check_chains(draft, &read);
    read.into_iter().map(|(alias, _)| alias).collect()
}

/// A name that comes back to itself also does so from the old name of one of the aliases, so it is
/// enough to begin at those.
fn check_chains(draft: &mut Draft<'_>, read: &[(Alias, String)]) {
    let table: HashMap<&str, &Name> = read
        .iter()
        .map(|(alias, _)| (alias.from.as_str(), &alias.to))
        .collect();
    let step = |name: &Name| {
        name.leading().find_map(|part| {
            let to = table.get(part)?;
            let from = Name::new(part).ok()?;
            name.moved(&from, to)
        })
    };
    for (alias, pointer) in read {
        let (mut at, mut steps) = (alias.from.clone(), 0);
        while let Some(next) = step(&at) {
            steps += 1;
            if alias.from.covers(&next) {
                let message = format!("`{}` leads back to itself, by way of `{at}`", alias.from);
                draft.problem(pointer, message, "aliases that end at a name in use");
                break;
            }
            if steps > ALIAS_CHAIN_MAX {
                let message = format!(
                    "`{}` leads through more than {ALIAS_CHAIN_MAX} aliases",
                    alias.from
                );
                draft.problem(pointer, message, "the newest name behind each old one");
                break;
            }
            at = next;
        }
    }
}

/// Aliases that lead to nothing that the file has. A provider may still bring it, so it is only
/// worth a warning.
pub(crate) fn idle(aliases: &[Alias], may_have: impl Fn(&Name) -> bool) -> Vec<String> {
    let leads = |alias: &&Alias| {
        let others = aliases.iter().any(|other| other.from.covers(&alias.to));
        may_have(&alias.to) || others
    };
    let idle = aliases.iter().filter(|alias| !leads(alias));
    idle.map(|alias| {
        let Alias { from, to } = alias;
        format!("the alias `{from}` leads to `{to}`, and nothing in this file is called so")
    })
    .collect()
}

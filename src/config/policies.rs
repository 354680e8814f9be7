//! Write policies.

use std::collections::HashMap;

use mainstem_write::PolicyConfig;
use serde_json::Value;

use crate::load::Draft;
use crate::tree::join;

/// The policies that are right, in the order of the file.
pub(crate) fn read(draft: &mut Draft<'_>) -> Vec<PolicyConfig> {
    let json = draft.json;
    let Some(Value::Array(items)) = json.get("policies") else {
        return Vec::new();
    };
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut read = Vec::with_capacity(items.len());
    for (index, value) in items.iter().enumerate() {
        let pointer = format!("/policies/{index}");
        let Some(policy) = draft.read::<PolicyConfig>(value, &pointer) else {
            continue;
        };
        for fault in policy.faults() {
            let at = format!("{pointer}{}", fault.pointer);
            draft.problem(&at, fault.message, fault.expected);
        }
        if let Some(name) = &policy.name
            && let Some(first) = names.insert(name.clone(), index)
        {
            let message = format!("`{name}` is the name of policies[{first}] too");
            draft.problem(
                &join(&pointer, "name"),
                message,
                "a name of its own for each",
            );
        }
        read.push(policy);
    }
    read
}

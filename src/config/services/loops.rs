//! Mappings that feed themselves, by way of others or at once.

use mainstem_service::{Mapping, feeding_circles};

use crate::load::Draft;
use crate::tree::join;

/// Tells every circle that a message goes round for certain: no wildcard and no variable decides.
pub(super) fn check(draft: &mut Draft<'_>, mappings: &[Mapping]) {
    for circle in feeding_circles(mappings) {
        let Some(&(mapping, item)) = circle.first() else {
            continue;
        };
        let Some(first) = mappings.get(mapping) else {
            continue;
        };
        let way: Vec<String> = circle
            .iter()
            .filter_map(|(mapping, item)| {
                let mapping = mappings.get(*mapping)?;
                Some(format!("`{}` [{item}]", mapping.id))
            })
            .collect();
        let message = match way.as_slice() {
            [_] => "it publishes on a topic that it subscribes itself".to_owned(),
            _ => format!("messages go round: {}, and again", way.join(" -> ")),
        };
        let at = join(
            &join(&join("/resources", &first.id), "properties"),
            "mappings",
        );
        let at = join(&join(&at, &item.to_string()), "publish");
        draft.problem(&at, message, "a topic that does not come back");
    }
}

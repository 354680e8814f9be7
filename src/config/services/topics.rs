//! One topic, one resource.

use std::collections::HashMap;

use mainstem_service::ServiceAddress;

use crate::load::Draft;
use crate::tree::join;

/// The topics that are in use.
pub(super) struct Topics {
    address: ServiceAddress,
    owners: HashMap<String, String>,
}

impl Topics {
    pub(super) fn new(address: ServiceAddress) -> Self {
        Self {
            address,
            owners: HashMap::new(),
        }
    }

    /// The topic of a resource; none if it has a problem.
    pub(super) fn take(
        &mut self,
        draft: &mut Draft<'_>,
        id: &str,
        explicit: Option<&str>,
        pointer: &str,
    ) -> Option<String> {
        let at = match explicit {
            Some(_) => join(pointer, "topic"),
            None => join("/resources", id),
        };
        let topic = match self.address.topic(id, explicit) {
            Ok(topic) => topic,
            Err(error) => {
                let message = format!("`{}` is no topic: {error}", explicit.unwrap_or(id));
                let expected = format!(
                    "levels joined by `/`; `{}/` is put before them",
                    self.address.root()
                );
                draft.problem(&at, message, expected);
                return None;
            }
        };
        if let Some(other) = self.owners.insert(topic.clone(), id.to_owned()) {
            let message = format!("the topic `{topic}` is that of `{other}` already");
            draft.problem(&at, message, "a topic of its own for each resource");
            return None;
        }
        Some(topic)
    }
}

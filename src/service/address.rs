//! Topics of resources: `<root>/<topic>` where a resource names one, `services/<service>/<id>`
//! where it does not.

/// The longest topic of a resource, in bytes, its suffixes included.
pub const TOPIC_BYTES_MAX: usize = 1024;
/// The most levels of a topic.
pub const TOPIC_LEVELS_MAX: usize = 64;

/// Why a text cannot be part of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicProblem {
    /// It is empty, or too long.
    #[error("it must have 1 to {TOPIC_BYTES_MAX} bytes and at most {TOPIC_LEVELS_MAX} levels")]
    Length,
    /// It begins or ends with `/`, or has an empty level.
    #[error("it has an empty level")]
    EmptyLevel,
    /// It begins with `$`.
    #[error("topics that begin with `$` are the broker's own")]
    Dollar,
    /// It contains a wildcard or U+0000.
    #[error("it contains `+`, `#` or U+0000")]
    Character,
}

/// Where the topics of a service's resources stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAddress {
    id: String,
    root: Option<String>,
}

impl ServiceAddress {
    /// The address of a service, with the root that stands in place of `services/<id>` if its file
    /// names one (`CYBUS_MQTT_ROOT`).
    pub fn new(id: &str, root: Option<&str>) -> Result<Self, TopicProblem> {
        check(id)?;
        root.map_or(Ok(()), check)?;
        Ok(Self {
            id: id.to_owned(),
            root: root.map(str::to_owned),
        })
    }

    /// The service's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What stands before its topics: the value of `Cybus::MqttRoot`.
    #[must_use]
    pub fn root(&self) -> String {
        match &self.root {
            Some(root) => root.clone(),
            None => format!("services/{}", self.id),
        }
    }

    /// The topic of a resource: its own below the root, or one made of its id.
    pub fn topic(&self, resource: &str, explicit: Option<&str>) -> Result<String, TopicProblem> {
        let own = explicit.unwrap_or(resource);
        check(own)?;
        let topic = format!("{}/{own}", self.root());
        check(&topic).map(|()| topic)
    }
}

/// The id of a service from the name of a node or service: without what an id cannot have. Nothing
/// is left of some names.
#[must_use]
pub fn service_id(name: &str) -> Option<String> {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let id: String = name.chars().filter(allowed).collect();
    id.starts_with(|c: char| c.is_ascii_alphanumeric())
        .then_some(id)
}

fn check(topic: &str) -> Result<(), TopicProblem> {
    // Room for `/treq`, the longest suffix.
    let too_long = topic.len() + 5 > TOPIC_BYTES_MAX;
    if topic.is_empty() || too_long || topic.split('/').count() >= TOPIC_LEVELS_MAX {
        return Err(TopicProblem::Length);
    }
    if topic.starts_with('$') {
        return Err(TopicProblem::Dollar);
    }
    if topic.contains(['+', '#', '\0']) {
        return Err(TopicProblem::Character);
    }
    match topic.split('/').any(str::is_empty) {
        true => Err(TopicProblem::EmptyLevel),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_stand_below_the_root() {
        let plain = ServiceAddress::new("line1", None).unwrap();
        assert_eq!(plain.topic("node", None).unwrap(), "services/line1/node");
        assert_eq!(
            plain.topic("node", Some("a/b")).unwrap(),
            "services/line1/a/b"
        );
        let own = ServiceAddress::new("line1", Some("plant/hall3")).unwrap();
        assert_eq!(own.topic("node", Some("x")).unwrap(), "plant/hall3/x");
        assert_eq!(own.topic("node", None).unwrap(), "plant/hall3/node");
        for wrong in ["", "/a", "a/", "a//b", "$a", "a/+", "a/#"] {
            assert!(plain.topic("node", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_come_from_names() {
        assert_eq!(service_id("line-1").as_deref(), Some("line1"));
        assert_eq!(
            service_id("HTTP RTT - Base_1.2").as_deref(),
            Some("HTTPRTTBase_1.2")
        );
        assert_eq!(service_id("--"), None);
    }
}

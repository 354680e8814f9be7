//! Topics and filters of topics, as MQTT 5 has them (section 4.7).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest topic or filter, in bytes: fewer than MQTT's 65,535, so that no table of them is
/// large.
pub const FILTER_BYTES_MAX: usize = 1024;
/// The most levels of a topic or filter.
pub const TOPIC_LEVELS_MAX: usize = 64;

/// Why a text is no topic or no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It is empty, or longer than [`FILTER_BYTES_MAX`].
    #[error("it must have 1 to {FILTER_BYTES_MAX} bytes")]
    Length,
    /// It has more than [`TOPIC_LEVELS_MAX`] levels.
    #[error("it must have at most {TOPIC_LEVELS_MAX} levels")]
    Levels,
    /// It contains U+0000.
    #[error("it must not contain the character U+0000")]
    Null,
    /// A topic contains a wildcard.
    #[error("a topic to publish on must not contain + or #")]
    Wildcard,
    /// A wildcard does not stand alone on its level, or # is not the last level.
    #[error("+ and # must stand alone on their level, and # on the last one")]
    Misplaced,
}

/// A topic to publish on: no wildcards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

/// A filter of topics, with `+` for one level and `#` for all that follow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicFilter(Arc<str>);

/// Filters one of which has to fit. An empty set fits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicSet(Vec<TopicFilter>);

/// What somebody may do on the bus; nothing unless it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicRights {
    /// Where he may publish.
    pub publish: TopicSet,
    /// What he may subscribe to: a filter is granted when everything that fits it is.
    pub subscribe: TopicSet,
}

/// What stands before the filter of a shared subscription, and the name of its group.
const SHARED: &str = "$share/";

impl Topic {
    /// A topic, checked.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        check(text)?;
        match text.contains(['+', '#']) {
            true => Err(TopicError::Wildcard),
            false => Ok(Self(text.into())),
        }
    }

    /// The topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TopicFilter {
    /// A filter, checked.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        check(text)?;
        let levels = text.split('/').count();
        for (place, level) in text.split('/').enumerate() {
            let is_wild = level.contains(['+', '#']);
            if is_wild && (level.len() != 1 || (level == "#" && place + 1 != levels)) {
                return Err(TopicError::Misplaced);
            }
        }
        Ok(Self(text.into()))
    }

    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The filter without what makes it a shared subscription (`$share/group/`).
    #[must_use]
    pub fn unshared(&self) -> &str {
        let shared = self.0.strip_prefix(SHARED);
        let filter = shared.and_then(|rest| rest.split_once('/'));
        filter.map_or(&*self.0, |(_, filter)| filter)
    }

    /// Whether a topic fits. A wildcard on the first level does not fit topics that begin with
    /// `$` (MQTT 5, 4.7.2).
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        let own = self.unshared();
        if topic.as_str().starts_with('$') && own.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.as_str().split('/');
        for wanted in own.split('/') {
            match (wanted, levels.next()) {
                // `a/#` fits `a` too.
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// Whether every topic that fits another filter fits this one too. Says no rather than yes
    /// where only a closer look would tell (`+/#` and `#`).
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (own, other) = (self.unshared(), other.unshared());
        if other.starts_with('$') && own.starts_with(['+', '#']) {
            return false;
        }
        let (mut own, mut other) = (own.split('/'), other.split('/'));
        loop {
            match (own.next(), other.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(level)) if level != "#" => {}
                (Some(wanted), Some(level)) if wanted == level && level != "+" && level != "#" => {}
                _ => return false,
            }
        }
    }

    /// Whether there may be a topic that fits both filters.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut own, mut other) = (self.unshared().split('/'), other.unshared().split('/'));
        loop {
            match (own.next(), other.next()) {
                (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                (Some(own), Some(other)) if own == other || own == "+" || other == "+" => {}
                _ => return false,
            }
        }
    }
}

impl TopicSet {
    /// A set of filters.
    #[must_use]
    pub fn new(filters: Vec<TopicFilter>) -> Self {
        Self(filters)
    }

    /// Whether a topic fits one of the filters.
    #[must_use]
    pub fn allows(&self, topic: &Topic) -> bool {
        self.0.iter().any(|filter| filter.matches(topic))
    }

    /// Whether one of the filters covers another filter.
    #[must_use]
    pub fn covers(&self, filter: &TopicFilter) -> bool {
        self.0.iter().any(|own| own.covers(filter))
    }
}

impl TopicRights {
    /// Everything, and what the broker says of itself below `$SYS`.
    #[must_use]
    pub fn everything() -> Self {
        let all = TopicFilter("#".into());
        let system = TopicFilter("$SYS/#".into());
        Self {
            publish: TopicSet(vec![all.clone()]),
            subscribe: TopicSet(vec![all, system]),
        }
    }
}

impl TryFrom<String> for TopicFilter {
    type Error = TopicError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<TopicFilter> for String {
    fn from(filter: TopicFilter) -> Self {
        filter.0.as_ref().to_owned()
    }
}

impl From<&Topic> for TopicFilter {
    /// The filter that only this topic fits.
    fn from(topic: &Topic) -> Self {
        Self(Arc::clone(&topic.0))
    }
}

fn check(text: &str) -> Result<(), TopicError> {
    if text.is_empty() || text.len() > FILTER_BYTES_MAX {
        return Err(TopicError::Length);
    }
    if text.contains('\0') {
        return Err(TopicError::Null);
    }
    match text.split('/').count() > TOPIC_LEVELS_MAX {
        true => Err(TopicError::Levels),
        false => Ok(()),
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Topic, TopicError, TopicFilter, TopicRights, TopicSet};

    fn fits(filter: &str, topic: &str) -> bool {
        let filter = TopicFilter::new(filter).unwrap();
        filter.matches(&Topic::new(topic).unwrap())
    }

    #[test]
    fn filters_fit_as_the_standard_says() {
        for (filter, topic) in [
            ("sport/tennis/player1/#", "sport/tennis/player1"),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
            ),
            ("#", "a"),
            ("sport/+", "sport/"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("$SYS/#", "$SYS/monitor"),
        ] {
            assert!(fits(filter, topic), "{filter} fits {topic}");
        }
        for (filter, topic) in [
            ("sport/+", "sport"),
            ("+", "/finance"),
            ("sport/tennis/+", "sport/tennis/player1/ranking"),
            ("#", "$SYS/monitor"),
            ("+/monitor", "$SYS/monitor"),
            ("a/b", "a/b/c"),
        ] {
            assert!(!fits(filter, topic), "{filter} does not fit {topic}");
        }
    }

    #[test]
    fn what_is_no_topic_or_filter_is_refused() {
        assert_eq!(Topic::new(""), Err(TopicError::Length));
        assert_eq!(Topic::new("a/+"), Err(TopicError::Wildcard));
        assert_eq!(Topic::new("a\0"), Err(TopicError::Null));
        assert_eq!(Topic::new(&"a/".repeat(100)), Err(TopicError::Levels));
        for wrong in ["a#", "#/a", "a/b+", "+a/b", "a/#/b"] {
            assert_eq!(
                TopicFilter::new(wrong),
                Err(TopicError::Misplaced),
                "{wrong}"
            );
        }
    }

    #[test]
    fn filters_that_have_a_topic_in_common_overlap() {
        let overlaps = |own: &str, other: &str| {
            let (own, other) = (TopicFilter::new(own), TopicFilter::new(other));
            let (own, other) = (own.unwrap(), other.unwrap());
            assert_eq!(own.overlaps(&other), other.overlaps(&own));
            own.overlaps(&other)
        };
        for (own, other) in [
            ("#", "a"),
            ("a/#", "a"),
            ("a/+/c", "+/b/c"),
            ("$share/x/a/#", "a/b"),
        ] {
            assert!(overlaps(own, other), "{own} and {other}");
        }
        for (own, other) in [
            ("a/#", "b/#"),
            ("a/+", "a/b/c"),
            ("a/b", "a"),
            ("+/x", "a/y"),
        ] {
            assert!(!overlaps(own, other), "{own} and {other}");
        }
    }

    #[test]
    fn a_filter_is_granted_only_when_all_of_it_is() {
        let covers = |own: &str, other: &str| {
            let (own, other) = (TopicFilter::new(own), TopicFilter::new(other));
            own.unwrap().covers(&other.unwrap())
        };
        for (own, other) in [
            ("#", "a/+/b"),
            ("a/#", "a"),
            ("a/#", "a/+/#"),
            ("a/+", "a/b"),
            ("a/+", "a/+"),
            ("a/#", "$share/workers/a/b"),
            ("$SYS/#", "$SYS/broker/+"),
        ] {
            assert!(covers(own, other), "{own} covers {other}");
        }
        for (own, other) in [
            ("a/+", "a/#"),
            ("a/b", "a/+"),
            ("a/b", "#"),
            ("a/#", "+/b"),
            ("#", "$SYS/#"),
            ("+/b", "$SYS/b"),
            ("a/#", "$share/a/b"),
            ("tenant1/#", "tenant1x/#"),
        ] {
            assert!(!covers(own, other), "{own} does not cover {other}");
        }
        let set = TopicSet::new(vec![TopicFilter::new("a/#").unwrap()]);
        assert!(set.allows(&Topic::new("a/b").unwrap()));
        assert!(!set.allows(&Topic::new("b").unwrap()));
        assert!(!TopicSet::default().allows(&Topic::new("a").unwrap()));
        let all = TopicRights::everything();
        assert!(all.subscribe.covers(&TopicFilter::new("$SYS/#").unwrap()));
    }
}

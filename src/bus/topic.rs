//! Topics and filters of topics, as MQTT 5 has them (section 4.7).

use std::fmt;
use std::sync::Arc;

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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(Arc<str>);

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

    /// Whether a topic fits. A wildcard on the first level does not fit topics that begin with
    /// `$` (MQTT 5, 4.7.2).
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        if topic.as_str().starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.as_str().split('/');
        for wanted in self.0.split('/') {
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
    use super::{Topic, TopicError, TopicFilter};

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
}

//! Names and topics: one for the other and back without loss.

use mainstem_bus::config::ROOT_BYTES_MAX;
use mainstem_bus::{Topic, TopicFilter};
use mainstem_model::Name;
use mainstem_model::limits::SEGMENTS_MAX;

/// Levels of a root at the most.
const ROOT_LEVELS_MAX: usize = 8;
/// What is published below a datapoint's topic, so no segment is called so there.
const WRITE: &str = "set";
const ANSWER: &str = "res";
/// A level that no segment becomes: the node's own marks.
const MARK: &str = "%";

/// Where the topics of a node's datapoints begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(String);

/// Why a text is no root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootError {
    /// It is no topic.
    Topic,
    /// It is too long.
    Length,
    /// It begins with `$`, which belongs to the broker.
    Broker,
    /// A level of it is empty.
    Empty,
}

impl Root {
    /// A root, checked.
    pub fn new(text: &str) -> Result<Self, RootError> {
        Topic::new(text).map_err(|_| RootError::Topic)?;
        let levels = text.split('/').count();
        if text.len() > ROOT_BYTES_MAX || levels > ROOT_LEVELS_MAX {
            return Err(RootError::Length);
        }
        if text.starts_with('$') {
            return Err(RootError::Broker);
        }
        match text.split('/').any(str::is_empty) {
            true => Err(RootError::Empty),
            false => Ok(Self(text.to_owned())),
        }
    }

    /// The root of a node that names none: `mainstem/` and its name.
    #[must_use]
    pub fn of_node(name: &str) -> Self {
        let mut text = "mainstem/".to_owned();
        escape(name, &mut text);
        Self(text)
    }

    /// The filter that everything below the root fits.
    pub fn filter(&self) -> Option<TopicFilter> {
        TopicFilter::new(&format!("{}/#", self.0)).ok()
    }

    /// The topic of a datapoint.
    pub(crate) fn topic(&self, name: &str) -> Option<Topic> {
        Topic::new(&self.path(name)).ok()
    }

    /// Where the answer to a write is told.
    pub(crate) fn answer(&self, name: &str) -> Option<Topic> {
        Topic::new(&format!("{}/{ANSWER}", self.path(name))).ok()
    }

    /// The name of the datapoint that a topic asks to write. Just one topic leads to each name.
    pub(crate) fn written(&self, topic: &Topic) -> Option<Name> {
        let rest = topic.as_str().strip_prefix(self.0.as_str())?;
        let rest = rest.strip_prefix('/')?.strip_suffix(WRITE)?;
        let segments = rest.strip_suffix('/')?.split('/').map(unescape);
        let segments: Option<Vec<String>> = segments.collect();
        let name = Name::new(&segments?.join(".")).ok()?;
        let is_canonical = topic.as_str() == format!("{}/{WRITE}", self.path(name.as_str()));
        is_canonical.then_some(name)
    }

    /// The filters of all writes, and of nothing that the node publishes but its marks.
    pub(crate) fn write_filters(&self) -> Vec<TopicFilter> {
        let filter = |segments: usize| {
            let text = format!("{}/{}{WRITE}", self.0, "+/".repeat(segments));
            TopicFilter::new(&text).ok()
        };
        (1..=SEGMENTS_MAX).filter_map(filter).collect()
    }

    /// The topic of the node's own marks, which fits the filters of writes.
    pub(crate) fn mark(&self) -> Option<Topic> {
        Topic::new(&format!("{}/{MARK}/{WRITE}", self.0)).ok()
    }

    fn path(&self, name: &str) -> String {
        let mut text = self.0.clone();
        for segment in name.split('.') {
            text.push('/');
            escape(segment, &mut text);
        }
        text
    }
}

/// Appends a segment as a level: what means something in a topic, and what brokers do not take,
/// becomes `%` and two hexadecimal digits a byte. A segment that is a word of ours begins so.
fn escape(segment: &str, out: &mut String) {
    let is_word = segment == WRITE || segment == ANSWER;
    for (place, character) in segment.chars().enumerate() {
        if !(is_escaped(character) || is_word && place == 0) {
            out.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn is_escaped(character: char) -> bool {
    let code = u32::from(character);
    let is_no_character = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    matches!(character, '+' | '#' | '/' | '$' | '%' | '.')
        || character.is_control()
        || is_no_character
}

fn unescape(level: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(level.len());
    let mut rest = level.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use mainstem_bus::Topic;
    use proptest::prelude::*;

    use super::{Root, RootError};

    fn set(root: &Root, name: &str) -> Topic {
        let topic = root.topic(name).unwrap();
        Topic::new(&format!("{topic}/set")).unwrap()
    }

    #[test]
    fn names_become_topics() {
        let root = Root::of_node("line1");
        for (name, topic) in [
            ("plc.temperature", "mainstem/line1/plc/temperature"),
            ("a/b.c+d.#", "mainstem/line1/a%2Fb/c%2Bd/%23"),
            ("$SYS.50%", "mainstem/line1/%24SYS/50%25"),
            ("a.set", "mainstem/line1/a/%73et"),
            ("res.settle", "mainstem/line1/%72es/settle"),
            ("Kühlung.ΔT", "mainstem/line1/Kühlung/ΔT"),
            ("a\u{ffff}", "mainstem/line1/a%EF%BF%BF"),
        ] {
            assert_eq!(root.topic(name).unwrap().as_str(), topic);
            let written = root.written(&set(&root, name)).unwrap();
            assert_eq!(written.as_str(), name);
        }
    }

    #[test]
    fn only_one_topic_leads_to_a_name() {
        let root = Root::new("a/b").unwrap();
        for wrong in [
            "a/b/set",
            "a/b//set",
            "a/bc/x/set",
            "a/b/x",
            "a/b/x/res",
            "a/b/x%/set",
            "a/b/x%4/set",
            "a/b/%61/set",
            "a/b/a%2f/set",
            "a/b/x/set/set",
            "a/b/x.y/set",
            "a/b/a%2Eb/set",
            "a/b/%FF/set",
            "a/b/%/set",
            "a/b/a%20/set",
        ] {
            assert_eq!(root.written(&Topic::new(wrong).unwrap()), None, "{wrong}");
        }
        let filters = root.write_filters();
        assert!(
            filters
                .iter()
                .any(|filter| filter.matches(&root.mark().unwrap()))
        );
    }

    #[test]
    fn roots() {
        for (wrong, error) in [
            ("", RootError::Topic),
            ("a/+", RootError::Topic),
            ("$SYS/a", RootError::Broker),
            ("a//b", RootError::Empty),
            ("a/", RootError::Empty),
            ("a/b/c/d/e/f/g/h/i", RootError::Length),
        ] {
            assert_eq!(Root::new(wrong), Err(error), "{wrong}");
        }
    }

    proptest! {
        /// Whatever a segment holds: there and back, and no two names on one topic, nor the topic
        /// of one below the `set` of another.
        #[test]
        fn every_name_comes_back(
            names in prop::collection::vec("([a-c+#/$%setr\u{e9}\u{fffe}]{1,4}|set|res)(\\.([a-c+#/$%25]{1,4}|set|res)){0,3}", 1..40),
        ) {
            let root = Root::new("x").unwrap();
            let filters = root.write_filters();
            let mut seen = HashMap::new();
            for name in names {
                let topic = root.topic(&name).unwrap();
                prop_assert!(!filters.iter().any(|filter| filter.matches(&topic)), "{}", topic);
                let set = set(&root, &name);
                prop_assert!(filters.iter().any(|filter| filter.matches(&set)));
                let back = root.written(&set).map(|name| name.as_str().to_owned());
                prop_assert_eq!(back.as_deref(), Some(name.as_str()));
                let other = seen.insert(topic, name.clone());
                prop_assert!(other.is_none_or(|other| other == name));
            }
        }

        #[test]
        fn any_text_is_escaped_and_read_back(text in "\\PC{0,20}|[\u{0}-\u{ffff}]{0,20}") {
            let mut level = String::new();
            super::escape(&text, &mut level);
            let is_plain = !level.contains(['+', '#', '/', '$', '\0', '\u{7f}', '\n']);
            prop_assert!(is_plain);
            prop_assert_eq!(super::unescape(&level), Some(text));
        }
    }
}

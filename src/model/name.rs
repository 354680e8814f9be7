//! Dot-separated names of datapoints, compared bytewise.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, is_nfc_quick};

use crate::limits::{
    LOCAL_NAME_BYTES_MAX, LOCAL_SEGMENTS_MAX, NAME_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX,
};

/// Names that a node gives to its own datapoints below a remote's or an adapter's name.
const RESERVED: [&str; 4] = ["connection", "clock", "link", "time"];

/// A valid name: one to sixteen segments joined by dots. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name or one of its segments is empty.
    #[error("a name has no empty segments: {0:?}")]
    Empty(String),
    /// A segment is too long.
    #[error("a segment has at most {SEGMENT_BYTES_MAX} bytes: {0:?}")]
    SegmentTooLong(String),
    /// A character that names do not have.
    #[error("a name has no {found:?}: {name:?}")]
    Character {
        /// The name as given.
        name: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// The text is not in Unicode normalization form C.
    #[error("a name is in Unicode form NFC: {0:?}")]
    NotNormalized(String),
    /// Too many segments or bytes in all.
    #[error("a name has at most {segments_max} segments and {bytes_max} bytes: {name:?}")]
    TooLong {
        /// The name as given.
        name: String,
        /// Segments allowed where it was to be used.
        segments_max: usize,
        /// Bytes allowed where it was to be used.
        bytes_max: usize,
    },
    /// The name is kept for the node's own datapoints.
    #[error("{0:?} is kept for a node's own datapoints: choose another name")]
    Reserved(String),
}

impl Name {
    /// A name as it may arrive from a remote, prefixes included.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check(text, SEGMENTS_MAX, NAME_BYTES_MAX)?;
        Ok(Self(text.into()))
    }

    /// A name made at this node, which leaves room for the prefixes of the levels above.
    pub fn local(text: &str) -> Result<Self, NameError> {
        check(text, LOCAL_SEGMENTS_MAX, LOCAL_NAME_BYTES_MAX)?;
        Ok(Self(text.into()))
    }

    /// The name of an adapter, a service or a remote: one segment that is not reserved.
    pub fn component(text: &str) -> Result<Self, NameError> {
        check(text, 1, SEGMENT_BYTES_MAX)?;
        if RESERVED.contains(&text) {
            return Err(NameError::Reserved(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// This name below a prefix: `line1` and `a.b` give `line1.a.b`.
    pub fn below(&self, prefix: &str) -> Result<Self, NameError> {
        Self::new(&format!("{prefix}.{}", self.0))
    }

    /// The rest of this name below a prefix, if it stands below it.
    pub fn strip(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)?.strip_prefix('.')
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text, for tables that keep many names.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

fn check(text: &str, segments_max: usize, bytes_max: usize) -> Result<(), NameError> {
    let mut segments = 0;
    for segment in text.split('.') {
        check_segment(text, segment)?;
        segments += 1;
    }
    if segments > segments_max || text.len() > bytes_max {
        let name = text.chars().take(bytes_max).collect();
        return Err(NameError::TooLong {
            name,
            segments_max,
            bytes_max,
        });
    }
    if !text.is_ascii() && is_nfc_quick(text.chars()) != IsNormalized::Yes {
        return Err(NameError::NotNormalized(text.to_owned()));
    }
    Ok(())
}

fn check_segment(name: &str, segment: &str) -> Result<(), NameError> {
    let shown = || name.chars().take(NAME_BYTES_MAX).collect();
    if segment.is_empty() {
        return Err(NameError::Empty(shown()));
    }
    if segment.len() > SEGMENT_BYTES_MAX {
        return Err(NameError::SegmentTooLong(
            segment.chars().take(SEGMENT_BYTES_MAX).collect(),
        ));
    }
    match segment.chars().find(|&c| is_forbidden(c)) {
        Some(found) => Err(NameError::Character {
            name: shown(),
            found,
        }),
        None => Ok(()),
    }
}

fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '*' | '?' | '[' | ']' | '{' | '}' | '!' | ',' | ';' | '"' | '\\'
    ) || c.is_control()
        || c.is_whitespace()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// A table of names is asked with texts: both compare and hash bytewise.
impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let good = [
            "a",
            "line1.plc.temperature",
            "a-b_c.1",
            "größe.ä",
            "a/b",
            "a+b#c$",
        ];
        for text in good {
            assert!(Name::new(text).is_ok(), "{text}");
        }
        let bad = [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a*",
            "a?",
            "a[1]",
            "a\u{0}",
            "e\u{301}x",
        ];
        for text in bad {
            assert!(Name::new(text).is_err(), "{text}");
        }
        assert!(Name::component("connection").is_err());
        assert!(Name::component("a.b").is_err());
    }

    #[test]
    fn limits_hold_at_n_and_n_plus_one() {
        assert!(Name::new(&"x".repeat(64)).is_ok());
        assert!(Name::new(&"x".repeat(65)).is_err());
        assert!(Name::local(&["a"; 8].join(".")).is_ok());
        assert!(Name::local(&["a"; 9].join(".")).is_err());
        assert!(Name::new(&["a"; 16].join(".")).is_ok());
        assert!(Name::new(&["a"; 17].join(".")).is_err());
    }

    #[test]
    fn prefixes_go_on_and_off() {
        let name = Name::new("dummy.light.1").unwrap().below("line1").unwrap();
        assert_eq!(name.as_str(), "line1.dummy.light.1");
        assert_eq!(name.strip("line1"), Some("dummy.light.1"));
        assert_eq!(name.strip("line"), None);
    }
}

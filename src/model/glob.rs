//! Patterns over names: `*` is one segment, `**` any number of segments, none included.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{NAME_BYTES_MAX, SEGMENTS_MAX};

/// A pattern over dot-separated names. Inside a segment `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob {
    text: String,
    segments: Vec<String>,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// An empty pattern or segment.
    #[error("a pattern has no empty segments: {0:?}")]
    Empty(String),
    /// Longer than any name can be.
    #[error("a pattern has at most {SEGMENTS_MAX} segments and {NAME_BYTES_MAX} bytes: {0:?}")]
    TooLong(String),
}

impl Glob {
    /// Parses a pattern such as `line1.**` or `*.temperature`.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        if segments.iter().any(String::is_empty) {
            return Err(GlobError::Empty(text.to_owned()));
        }
        if segments.len() > SEGMENTS_MAX || text.len() > NAME_BYTES_MAX {
            return Err(GlobError::TooLong(
                text.chars().take(NAME_BYTES_MAX).collect(),
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        if self.text == "**" {
            return true;
        }
        let parts: Vec<&str> = name.split('.').collect();
        match_segments(&self.segments, &parts)
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// What a list of patterns says of something with several names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided<'n> {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The name that decided; none if no pattern fits any of them.
    pub by: Option<&'n str>,
}

/// How much of what a path leads to a pattern fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Nothing,
    Some,
    Everything,
}

impl Glob {
    /// How much of a path and the names below it this fits; `Some` where that is not sure.
    fn reach(&self, path: &str) -> Reach {
        let mut parts = path.split('.');
        for (index, segment) in self.segments.iter().enumerate() {
            if segment == "**" {
                let is_last = index + 1 == self.segments.len();
                return if is_last {
                    Reach::Everything
                } else {
                    Reach::Some
                };
            }
            match parts.next() {
                Some(part) if match_segment(segment.as_bytes(), part.as_bytes()) => {}
                Some(_) => return Reach::Nothing,
                None => return Reach::Some,
            }
        }
        // A pattern that is shorter than the path fits nothing there; an equal one the path itself.
        match parts.next() {
            Some(_) => Reach::Nothing,
            None => Reach::Some,
        }
    }
}

// Backtracks only to the last `**`, so that a pattern costs at most segments times segments.
fn match_segments(pattern: &[String], parts: &[&str]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < parts.len() {
        if p < pattern.len() && pattern[p] == "**" {
            retry = Some((p, n));
            p += 1;
        } else if p < pattern.len() && match_segment(pattern[p].as_bytes(), parts[n].as_bytes()) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|segment| segment == "**")
}

fn match_segment(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Glob {
    type Error = GlobError;

    fn try_from(text: String) -> Result<Self, GlobError> {
        Self::new(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

/// An ordered list of patterns; an entry that begins with `!` denies. The first that fits decides,
/// and what fits none is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct GlobSet {
    rules: Vec<(bool, Glob)>,
}

impl GlobSet {
    /// Parses an ordered list such as `["!line1.secret.**", "**"]`.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, GlobError> {
        let rules = patterns
            .iter()
            .map(|text| match text.as_ref().strip_prefix('!') {
                Some(rest) => Glob::new(rest).map(|glob| (false, glob)),
                None => Glob::new(text.as_ref()).map(|glob| (true, glob)),
            });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// Allows every name.
    pub fn everything() -> Self {
        let all = Glob {
            text: "**".into(),
            segments: vec!["**".into()],
        };
        Self {
            rules: vec![(true, all)],
        }
    }

    /// Whether a name is allowed; the pattern that decided comes from [`GlobSet::deciding`].
    pub fn allows(&self, name: &str) -> bool {
        self.rules
            .iter()
            .find(|(_, glob)| glob.matches(name))
            .is_some_and(|(allow, _)| *allow)
    }

    /// The pattern that decides over a name, as written.
    pub fn deciding(&self, name: &str) -> Option<String> {
        let (allow, glob) = self.rules.iter().find(|(_, glob)| glob.matches(name))?;
        Some(if *allow {
            glob.text.clone()
        } else {
            format!("!{}", glob.text)
        })
    }

    /// What the list says of something that has several names: a datapoint and what it was called
    /// before. A pattern that denies one of the names denies it, whatever allows another; so a new
    /// name can take no prohibition away. Otherwise one name that is allowed is enough.
    pub fn decide<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Decided<'n> {
        let mut decided = Decided::default();
        for name in names {
            let Some((allow, _)) = self.rules.iter().find(|(_, glob)| glob.matches(name)) else {
                continue;
            };
            if !allow {
                return Decided {
                    allowed: false,
                    by: Some(name),
                };
            }
            if decided.by.is_none() {
                decided = Decided {
                    allowed: true,
                    by: Some(name),
                };
            }
        }
        decided
    }

    /// Whether a pattern of the list, of whatever kind, can fit a path or a name below it.
    pub fn touches(&self, path: &str) -> bool {
        self.rules
            .iter()
            .any(|(_, glob)| glob.reach(path) != Reach::Nothing)
    }

    /// Whether a path or a name below it can be allowed.
    pub fn may_allow_below(&self, path: &str) -> bool {
        for (allow, glob) in &self.rules {
            match (allow, glob.reach(path)) {
                (_, Reach::Nothing) | (false, Reach::Some) => {}
                (allow, _) => return *allow,
            }
        }
        false
    }

    /// Whether nothing can be allowed.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl TryFrom<Vec<String>> for GlobSet {
    type Error = GlobError;

    fn try_from(patterns: Vec<String>) -> Result<Self, GlobError> {
        Self::new(&patterns)
    }
}

impl From<GlobSet> for Vec<String> {
    fn from(set: GlobSet) -> Self {
        let shown = |(allow, glob): (bool, Glob)| match allow {
            true => glob.text,
            false => format!("!{}", glob.text),
        };
        set.rules.into_iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_by_segment() {
        let cases = [
            ("**", "a.b.c", true),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.**", "a.b.c", true),
            ("a.**", "a", true),
            ("**.temp", "a.b.temp", true),
            ("**.temp", "temp", true),
            ("a.**.c.*", "a.x.c.y.c.z", true),
            ("temp*", "temperature", true),
            ("*p*e", "temperature", true),
            ("temp", "temperature", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(
                Glob::new(pattern).unwrap().matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let glob = Glob::new(&["**"; 16].join(".")).unwrap();
        assert!(glob.matches(&["a"; 16].join(".")));
        let glob = Glob::new(&format!("{}b", "*a".repeat(40))).unwrap();
        assert!(!glob.matches(&"a".repeat(64)));
    }

    #[test]
    fn a_denied_name_denies_all_names() {
        let set = GlobSet::new(&["!old.safety.**", "old.**", "new.lamp"]).unwrap();
        let decided = |names: &[&'static str]| set.decide(names.iter().copied());
        assert!(decided(&["other.pump", "old.pump"]).allowed);
        assert_eq!(decided(&["other.pump", "old.pump"]).by, Some("old.pump"));
        assert!(!decided(&["new.lamp", "old.safety.lamp"]).allowed);
        assert!(!decided(&["old.safety.lamp", "new.lamp"]).allowed);
        assert_eq!(decided(&["x", "y"]), Decided::default());
    }

    #[test]
    fn a_list_tells_whom_a_path_concerns() {
        let set = GlobSet::new(&["!a.secret.**", "a.**", "b.*.x"]).unwrap();
        assert!(set.may_allow_below("a.open") && set.may_allow_below("a"));
        assert!(!set.may_allow_below("a.secret") && !set.may_allow_below("a.secret.x"));
        assert!(set.may_allow_below("b") && set.may_allow_below("b.q.x"));
        assert!(!set.may_allow_below("b.q.x.y") && !set.touches("c"));
        assert!(set.touches("a.secret.x"));
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let set = GlobSet::new(&["!a.secret.**", "a.**"]).unwrap();
        assert!(set.allows("a.open"));
        assert!(!set.allows("a.secret.x"));
        assert!(!set.allows("b"));
        assert_eq!(set.deciding("a.secret.x").as_deref(), Some("!a.secret.**"));
    }
}

//! Rights over the paths of HTTP server nodes: patterns as MQTT has them, without regard to case.

use std::sync::Arc;

/// Bytes of a pattern.
pub const DATA_PATTERN_BYTES_MAX: usize = 512;

/// Why a text is no pattern of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern begins with data/, has 1 to {DATA_PATTERN_BYTES_MAX} bytes, and + and # only as a \
     whole level, # as the last one"
)]
pub struct DataPatternError;

/// A pattern of paths: `data/line1/+`, `data/#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPattern {
    text: Arc<str>,
}

/// What may be done at the paths of HTTP server nodes. Nothing unless it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataRights {
    /// Paths at which GET is allowed.
    pub read: Vec<DataPattern>,
    /// Paths at which POST and PUT are allowed.
    pub write: Vec<DataPattern>,
}

impl DataPattern {
    /// A pattern, checked.
    pub fn new(text: &str) -> Result<Self, DataPatternError> {
        let text = text.trim_start_matches('/').to_lowercase();
        let mut levels = text.split('/').rev();
        let last = levels.next();
        let is_wild = |level: &str| level.contains(['+', '#']);
        let is_placed = last.is_none_or(|level| !is_wild(level) || level.len() == 1)
            && levels.all(|level| !is_wild(level) || level == "+");
        let begins = text == "#" || text == "data" || text.starts_with("data/");
        match is_placed && begins && text.len() <= DATA_PATTERN_BYTES_MAX {
            true => Ok(Self { text: text.into() }),
            false => Err(DataPatternError),
        }
    }

    /// The pattern as it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path fits: in lower case, without `/` at its ends.
    #[must_use]
    pub fn fits(&self, path: &str) -> bool {
        let mut levels = path.split('/');
        for wanted in self.text.split('/') {
            match (wanted, levels.next()) {
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

impl DataRights {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        let all = || vec![DataPattern { text: "#".into() }];
        Self {
            read: all(),
            write: all(),
        }
    }

    /// Whether one of the patterns for reading fits.
    #[must_use]
    pub fn may_read(&self, path: &str) -> bool {
        self.read.iter().any(|pattern| pattern.fits(path))
    }

    /// Whether one of the patterns for writing fits.
    #[must_use]
    pub fn may_write(&self, path: &str) -> bool {
        self.write.iter().any(|pattern| pattern.fits(path))
    }
}

impl<'de> serde::Deserialize<'de> for DataPattern {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_as_topics_do() {
        let fits = |pattern: &str, path: &str| DataPattern::new(pattern).unwrap().fits(path);
        for (pattern, path) in [
            ("data/cybustest/#", "data/cybustest/postroute"),
            ("/data/CybusTest/#", "data/cybustest"),
            ("data/+/postRoute", "data/x/postroute"),
            ("#", "data/a/b"),
            ("data", "data"),
        ] {
            assert!(fits(pattern, path), "{pattern} fits {path}");
        }
        for (pattern, path) in [
            ("data/+", "data"),
            ("data/+", "data/a/b"),
            ("data/a", "data/ab"),
            ("data/a/#", "data/ab"),
        ] {
            assert!(!fits(pattern, path), "{pattern} does not fit {path}");
        }
        for wrong in [
            "",
            "api/#",
            "data/a#",
            "data/#/a",
            "data/+a",
            "datax",
            "data/a+/b",
        ] {
            assert!(DataPattern::new(wrong).is_err(), "{wrong}");
        }
        assert!(!DataRights::default().may_read("data/a"));
        assert!(DataRights::everything().may_write("data/a"));
    }
}

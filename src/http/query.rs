//! Query parameters and path segments, strictly: what is not known is an error that names what is.

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use mainstem_model::{GlobSet, Name};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// The query of a request. Its struct denies unknown fields.
pub(crate) struct Params<T>(pub(crate) T);

/// For routes that have no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text
                    .rsplit_once("query string: ")
                    .map_or(&*text, |(_, cause)| cause);
                Err(Problem::new(Code::Query, text))
            }
        }
    }
}

/// One segment of the path, decoded.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let wrong = |_| Problem::new(Code::Path, "a segment of the path is not UTF-8");
        segment.map(|Path(text)| Self(text)).map_err(wrong)
    }
}

/// Several segments of the path, decoded.
pub(crate) struct Segments<const N: usize>(pub(crate) [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Segments<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Path::<Vec<String>>::from_request_parts(parts, state).await;
        let wrong = || Problem::new(Code::Path, "a segment of the path is not UTF-8");
        let segments = segments.map_err(|_| wrong())?.0;
        segments.try_into().map(Self).map_err(|_| wrong())
    }
}

/// How many entries a list may have.
pub(crate) fn limit(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Problem::new(Code::Query, format!("limit is 1 to {most}"))),
    }
}

/// The patterns of `prefix` or `glob`, one of which may be given. `glob` is an ordered list with
/// commas between its patterns: names have none.
pub(crate) fn wanted(prefix: Option<&str>, glob: Option<&str>) -> Result<GlobSet, Problem> {
    let wrong = |what: &str, error: &dyn std::fmt::Display| {
        Problem::new(Code::Query, format!("{what}: {error}"))
    };
    match (prefix, glob) {
        (None, None) => Ok(GlobSet::everything()),
        (Some(_), Some(_)) => {
            let detail = "give `prefix` or `glob`, not both";
            Err(Problem::new(Code::Query, detail))
        }
        (Some(""), None) => Ok(GlobSet::everything()),
        (Some(prefix), None) => {
            // A name that begins so, with something behind it that makes it whole.
            let whole = format!("{prefix}x");
            Name::new(&whole).map_err(|error| wrong("prefix", &error))?;
            GlobSet::new(&[format!("{prefix}*.**")]).map_err(|error| wrong("prefix", &error))
        }
        (None, Some(glob)) => {
            let patterns: Vec<&str> = glob.split(',').collect();
            if patterns.len() > PATTERNS_MAX {
                let detail = format!("glob: at most {PATTERNS_MAX} patterns");
                return Err(Problem::new(Code::Query, detail));
            }
            GlobSet::new(&patterns).map_err(|error| wrong("glob", &error))
        }
    }
}

/// Patterns in one `glob`.
const PATTERNS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_pattern() {
        let fits = |prefix: &str, name: &str| wanted(Some(prefix), None).unwrap().allows(name);
        assert!(fits("line1.pl", "line1.plc.x.y") && fits("line1.pl", "line1.plc"));
        assert!(fits("line1.", "line1.a") && fits("", "a") && fits("a", "a"));
        assert!(!fits("line1.", "line1") && !fits("line1", "line2.a"));
        for bad in ["a*", "a..b", "x\u{0}"] {
            assert!(wanted(Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_glob_is_a_list() {
        let set = wanted(None, Some("!a.secret.**,a.**")).unwrap();
        assert!(set.allows("a.b") && !set.allows("a.secret.b"));
        let patterns = |count: usize| vec!["a"; count].join(",");
        assert!(wanted(None, Some(&patterns(PATTERNS_MAX))).is_ok());
        assert!(wanted(None, Some(&patterns(PATTERNS_MAX + 1))).is_err());
        assert!(wanted(Some("a"), Some("b")).is_err());
    }
}

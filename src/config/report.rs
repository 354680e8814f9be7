//! Collects problems while a file is read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::limits::PROBLEMS_MAX;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, Span, key_path};

/// Keys whose texts are secrets: a key that ends so, whatever its case.
// A proxy may have a password in it.
const SECRET_KEYS: [&str; 6] = [
    "token",
    "password",
    "passphrase",
    "secret",
    "privatekey",
    "proxy",
];
/// What is shown in place of a secret.
const MASK: &str = "•••";
/// Shorter secrets are not searched in messages: they are parts of ordinary words.
const HIDDEN_BYTES_MIN: usize = 4;

/// The problems of one file so far.
#[derive(Debug)]
pub(crate) struct Report {
    file: PathBuf,
    lines: Vec<String>,
    found: Vec<Found>,
    secrets: Vec<String>,
}

#[derive(Debug)]
struct Found {
    pointer: String,
    problem: Problem,
}

impl Report {
    pub(crate) fn new(file: &Path, text: &str) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        Self {
            file: file.to_owned(),
            lines,
            found: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// A text that no message may contain from now on, whoever wrote the message.
    pub(crate) fn hide(&mut self, secret: &str) {
        if secret.len() >= HIDDEN_BYTES_MIN {
            self.secrets.push(secret.to_owned());
        }
    }

    fn clean(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), MASK)
            } else {
                text
            }
        })
    }

    /// A problem at a place in the file.
    pub(crate) fn at(
        &mut self,
        span: Span,
        pointer: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.near(span, pointer, message, expected, None);
    }

    /// A problem, and the nearest valid name.
    pub(crate) fn near(
        &mut self,
        span: Span,
        pointer: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
        nearest: Option<String>,
    ) {
        let source = self.lines.get(span.line.saturating_sub(1) as usize);
        let problem = Problem {
            file: self.file.clone(),
            line: span.line,
            column: span.column,
            key: key_path(pointer),
            message: self.clean(message.into()),
            expected: self.clean(expected.into()),
            nearest: nearest.map(|text| self.clean(text)),
            source: source.map(|line| masked(line)).unwrap_or_default(),
            length: span.length,
        };
        self.found.push(Found {
            pointer: pointer.to_owned(),
            problem,
        });
    }

    /// A problem with the value at a JSON pointer.
    pub(crate) fn value(
        &mut self,
        tree: &Node,
        pointer: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.at(tree.place(pointer), pointer, message, expected);
    }

    /// A key that stands twice in one map.
    pub(crate) fn duplicate(&mut self, pointer: &str, key: &str, span: Span, first: Span) {
        let message = format!("`{key}` stands here a second time");
        let expected = format!("each key once; the first is in line {}", first.line);
        self.at(span, pointer, message, expected);
    }

    /// Whether there is no problem so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether a problem was reported at a JSON pointer or below it.
    pub(crate) fn concerns(&self, pointer: &str) -> bool {
        self.found.iter().any(|found| {
            let rest = found.pointer.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The problems in the order of the file, each once; `None` if there are none.
    pub(crate) fn finish(self) -> Option<Problems> {
        let mut problems: Vec<Problem> = self.found.into_iter().map(|f| f.problem).collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let mut seen = HashSet::new();
        problems.retain(|p| seen.insert((p.line, p.column, p.message.clone())));
        let left_out = problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        (!problems.is_empty()).then_some(Problems { problems, left_out })
    }
}

/// A line without the secrets that stand in it. It works on the text, because a line is also shown
/// when the file could not be parsed.
fn masked(line: &str) -> String {
    let mut from = 0;
    while let Some(at) = line[from..].find(':') {
        let colon = from + at;
        let key = line[..colon].trim_end_matches(['"', '\'']);
        let begin = key
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |at| at + 1);
        let key = key.get(begin..).unwrap_or_default();
        let value = line[colon + 1..]
            .trim_start()
            .trim_start_matches(['"', '\'']);
        let harmless = value.is_empty() || value.starts_with(['!', '#']) || is_reference(value);
        if is_secret_key(key) && !harmless {
            return format!("{}: {MASK}", &line[..colon]);
        }
        from = colon + 1;
    }
    line.to_owned()
}

// A reference and nothing else before the end of the value.
fn is_reference(value: &str) -> bool {
    let rest = value
        .strip_prefix("${")
        .and_then(|rest| rest.split_once('}'));
    rest.is_some_and(|(_, rest)| {
        rest.trim_start_matches(['"', '\'', ' ', '}', ','])
            .is_empty()
    })
}

/// Whether the texts of a key are never shown.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('_', "");
    SECRET_KEYS.iter().any(|word| key.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        let cases = [
            ("  token: abc # note", "  token: •••"),
            (
                "- { name: x, \"token\": \"abc\" }",
                "- { name: x, \"token\": •••",
            ),
            ("userPassword: 'a: b'", "userPassword: •••"),
            ("token: \"${file:x}\"", "token: \"${file:x}\""),
            ("token: \"${env:A}abc\"", "token: •••"),
            ("tokens:", "tokens:"),
            ("name: token", "name: token"),
            ("größe: 1", "größe: 1"),
        ];
        for (line, shown) in cases {
            assert_eq!(masked(line), shown);
        }
    }
}

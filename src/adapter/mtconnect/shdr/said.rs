//! What a line says. Pure.

use mainstem_model::Timestamp;

use crate::condition::Level;
use crate::shape;

/// Fields of one line; what stands behind them is left out.
const FIELDS_MAX: usize = 4_096;
/// Fields of a condition behind its key: level, code, severity, qualifier, text.
const CONDITION_FIELDS: usize = 5;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The adapter lives, and wants to be asked so often, in milliseconds.
    Pong(Option<u64>),
    /// Something about the adapter itself.
    Command,
    /// What the machine says: the fields behind the stamp.
    Data {
        at: Option<Timestamp>,
        fields: Vec<String>,
    },
    /// An asset, or a word about one. With a mark its text follows in lines of its own, up to it.
    Asset(Option<String>),
    /// Nothing.
    Empty,
    /// No line of this protocol.
    Nonsense,
}

/// Reads a line.
pub(crate) fn parse(line: &str) -> Said {
    let line = line.trim();
    if line.is_empty() {
        return Said::Empty;
    }
    if let Some(command) = line.strip_prefix('*') {
        let command = command.trim();
        return match command.strip_prefix("PONG") {
            Some(time) => Said::Pong(time.trim().parse().ok()),
            None => Said::Command,
        };
    }
    let mut fields = split(line);
    if fields.len() < 3 {
        return Said::Nonsense;
    }
    let stamp = fields.remove(0);
    let first = fields[0].as_str();
    let key = first.rsplit(':').next().unwrap_or(first);
    if key.starts_with('@') && key.ends_with('@') {
        let last = fields.last().map(String::as_str).unwrap_or_default();
        let mark = last.starts_with("--multiline--").then(|| last.to_owned());
        return Said::Asset(mark);
    }
    Said::Data {
        at: shape::moment(&stamp),
        fields,
    }
}

/// Whether the fields behind a key that nobody asked for are those of a condition, and no keys.
pub(crate) fn looks_like_condition(fields: &[String]) -> bool {
    fields.len() == CONDITION_FIELDS + 1 && Level::parse(&fields[1]).is_some()
}

/// The fields of a line. Within quotes a bar is written behind a backslash.
fn split(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = line;
    while fields.len() < FIELDS_MAX {
        if let Some((field, behind)) = quoted(rest) {
            fields.push(field);
            match behind {
                Some(behind) => rest = behind,
                None => return fields,
            }
            continue;
        }
        match rest.split_once('|') {
            Some((field, behind)) => {
                fields.push(field.trim().to_owned());
                rest = behind;
            }
            None => {
                fields.push(rest.trim().to_owned());
                return fields;
            }
        }
    }
    fields
}

/// A field in quotes that has bars in it, and what follows behind it.
fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let inner = text.strip_prefix('"')?;
    let mut field = String::new();
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, '|')) => field.push('|'),
                Some((_, other)) => field.extend(['\\', other]),
                None => return None,
            },
            '"' => {
                let behind = &inner[at + 1..];
                return match behind.strip_prefix('|') {
                    Some(behind) => Some((field, Some(behind))),
                    None if behind.is_empty() => Some((field, None)),
                    None => None,
                };
            }
            // A bare bar ends the field, so that the quote was just a letter.
            '|' => return None,
            letter => field.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Vec<String> {
        match parse(line) {
            Said::Data { fields, .. } => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_say_these_things() {
        assert_eq!(parse("* PONG 10000"), Said::Pong(Some(10_000)));
        assert_eq!(parse("*PONG"), Said::Pong(None));
        assert_eq!(parse("* shdrVersion: 2.0"), Said::Command);
        assert_eq!(parse("  "), Said::Empty);
        assert_eq!(parse("hello"), Said::Nonsense);
        assert_eq!(parse("2026-02-28T23:59:58Z|key"), Said::Nonsense);
        assert_eq!(fields("2026-02-28T23:59:58Z|a|1|b|"), ["a", "1", "b", ""]);
        let asset = "2026-02-28T23:59:58Z|@ASSET@|T1|CuttingTool|--multiline--0FED07ACED";
        let mark = Some("--multiline--0FED07ACED".to_owned());
        assert_eq!(parse(asset), Said::Asset(mark));
        assert_eq!(parse("|dev:@REMOVE_ASSET@|T1"), Said::Asset(None));
    }

    #[test]
    fn bars_may_stand_in_quotes() {
        assert_eq!(fields(r#"t|m|"a \| b"|n|1"#), ["m", "a | b", "n", "1"]);
        assert_eq!(fields(r#"t|m|"a \| b""#), ["m", "a | b"]);
        assert_eq!(
            fields(r#"t|m|"a" is b|n|1"#),
            ["m", r#""a" is b"#, "n", "1"]
        );
        assert_eq!(fields(r#"t|m|"a|n|1"#), ["m", r#""a"#, "n", "1"]);
    }

    #[test]
    fn a_line_of_nothing_but_bars_ends() {
        assert_eq!(fields(&"|".repeat(100_000)).len(), FIELDS_MAX - 1);
    }
}

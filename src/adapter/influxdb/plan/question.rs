//! A query with `@name` for its parameters. Pure.
//!
//! In InfluxQL each becomes the server's own `$name`, and its value goes beside the query, never
//! into it. Flux has nothing of the kind over HTTP, so it has no parameters here.

use crate::config::Language;

/// A query that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) language: Language,
    /// The names of its parameters.
    pub(crate) names: Vec<String>,
}

impl Question {
    pub(crate) fn new(query: &str, language: Language) -> Self {
        let mut made = Self {
            text: query.to_owned(),
            language,
            names: Vec::new(),
        };
        if language == Language::Influxql {
            made.text = made.bind(query);
        }
        made
    }

    fn bind(&mut self, query: &str) -> String {
        let mut text = String::with_capacity(query.len());
        let mut rest = query;
        while let Some(next) = rest.chars().next() {
            let taken = match next {
                '\'' | '"' => quoted(rest, next),
                '@' => {
                    let name = &rest[1..];
                    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    let name = &name[..end.unwrap_or(name.len())];
                    if !name.is_empty() {
                        text.push('$');
                        text.push_str(name);
                        if !self.names.iter().any(|known| known == name) {
                            self.names.push(name.to_owned());
                        }
                        rest = &rest[1 + name.len()..];
                        continue;
                    }
                    1
                }
                other => other.len_utf8(),
            };
            text.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        text
    }
}

/// How many bytes a text in quotes has; all that follows if it does not end.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parameters_and_quotes_are_left_alone() {
        let query = r#"SELECT last("a@b") FROM m WHERE t = '\'@c' AND l = @line AND x > @x+@line"#;
        let made = Question::new(query, Language::Influxql);
        let wanted = r#"SELECT last("a@b") FROM m WHERE t = '\'@c' AND l = $line AND x > $x+$line"#;
        assert_eq!(made.text, wanted);
        assert_eq!(made.names, ["line", "x"]);
        let flux = Question::new("from(bucket: \"a\") // @b", Language::Flux);
        assert!(flux.names.is_empty() && flux.text.contains("@b"));
        for odd in ["'", "@", "a@ b", "'\\", "ä'ö"] {
            assert_eq!(Question::new(odd, Language::Influxql).text, odd);
        }
    }
}

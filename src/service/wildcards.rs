//! Topics with named wildcards: `factory/+machine/#rest` to subscribe, `{machine}/state` to publish.

use std::fmt;

/// A filter of topics whose wildcards may have names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern {
    filter: String,
    /// The shared subscription's prefix `$share/<group>/` ends here.
    shared: usize,
    /// The name of each level's wildcard, empty where it has none or is none.
    names: Vec<String>,
}

impl TopicPattern {
    /// Reads a pattern: `+` and `#` stand at the beginning of a level, a name may follow.
    pub fn new(text: &str) -> Result<Self, String> {
        let shared = shared_prefix(text)?;
        let levels: Vec<&str> = text[shared..].split('/').collect();
        let mut names = Vec::with_capacity(levels.len());
        let mut filter = Vec::with_capacity(levels.len());
        for (place, level) in levels.iter().enumerate() {
            let (wild, name) = match level.strip_prefix(['+', '#']) {
                Some(name) => (&level[..1], name),
                None if level.contains(['+', '#']) => {
                    return Err(format!(
                        "`{level}` has a wildcard that is not at its beginning"
                    ));
                }
                None => (*level, ""),
            };
            if wild == "#" && place + 1 != levels.len() {
                return Err("`#` is not on the last level".into());
            }
            if !name.is_empty() && (!is_variable(name) || names.iter().any(|n| n == name)) {
                return Err(format!(
                    "`{name}` is no name for a wildcard, or stands there twice"
                ));
            }
            filter.push(wild);
            names.push(name.to_owned());
        }
        let filter = format!("{}{}", &text[..shared], filter.join("/"));
        Ok(Self {
            filter,
            shared,
            names,
        })
    }

    /// The pattern of one topic.
    #[must_use]
    pub fn exact(topic: &str) -> Self {
        Self {
            filter: topic.to_owned(),
            shared: 0,
            names: topic.split('/').map(|_| String::new()).collect(),
        }
    }

    /// The filter to subscribe with.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// The filter that topics are compared with: without the group of a shared subscription.
    #[must_use]
    pub fn topics(&self) -> &str {
        &self.filter[self.shared..]
    }

    /// The names of its wildcards.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// What the named wildcards stand for in a topic; none if the topic does not fit.
    #[must_use]
    pub fn read(&self, topic: &str) -> Option<Vec<(String, String)>> {
        let wild_first = self.topics().starts_with(['+', '#']);
        if topic.starts_with('$') && wild_first {
            return None;
        }
        let mut found = Vec::new();
        let mut rest = Some(topic);
        for (wanted, name) in self.topics().split('/').zip(&self.names) {
            if wanted == "#" {
                if !name.is_empty() {
                    found.push((name.clone(), rest.unwrap_or_default().to_owned()));
                }
                return Some(found);
            }
            let (level, after) = match rest?.split_once('/') {
                Some((level, after)) => (level, Some(after)),
                None => (rest?, None),
            };
            if wanted != "+" && wanted != level {
                return None;
            }
            if !name.is_empty() {
                found.push((name.clone(), level.to_owned()));
            }
            rest = after;
        }
        rest.is_none().then_some(found)
    }
}

fn shared_prefix(text: &str) -> Result<usize, String> {
    let Some(rest) = text.strip_prefix("$share/") else {
        return Ok(0);
    };
    match rest.split_once('/') {
        Some((group, topic)) if !group.is_empty() && !topic.is_empty() => {
            Ok(text.len() - topic.len())
        }
        _ => Err("a shared subscription is `$share/<group>/<topic>`".into()),
    }
}

/// Whether a text can be the name of a variable.
fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A topic or label with variables: `{name}`, and `$name` as a whole level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl TopicTemplate {
    /// Reads a template.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        for (place, level) in text.split('/').enumerate() {
            if place > 0 {
                pieces.push(Piece::Text("/".into()));
            }
            match level.strip_prefix('$').filter(|name| is_variable(name)) {
                Some(name) => pieces.push(Piece::Variable(name.to_owned())),
                None => braces(level, &mut pieces)?,
            }
        }
        Ok(Self(pieces))
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with the variables' values.
    pub fn fill<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Variable(name) => text.push_str(&value(name)?),
            }
        }
        Ok(text)
    }

    /// The filter that everything fits that it can come to: a level with a variable is `+`.
    #[must_use]
    pub fn filter(&self) -> String {
        let whole = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Variable(_) => "+",
        });
        let whole: String = whole.collect();
        let levels = whole.split('/');
        let wild = |level: &str| if level.contains('+') { "+" } else { level }.to_owned();
        levels.map(wild).collect::<Vec<_>>().join("/")
    }
}

fn braces(mut level: &str, pieces: &mut Vec<Piece>) -> Result<(), String> {
    while let Some((before, rest)) = level.split_once('{') {
        let Some((name, after)) = rest.split_once('}') else {
            return Err("a `{` that is not closed".into());
        };
        if !is_variable(name) {
            return Err(format!("`{name}` is no name of a variable"));
        }
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Variable(name.to_owned()));
        level = after;
    }
    pieces.push(Piece::Text(level.to_owned()));
    Ok(())
}

impl fmt::Display for TopicTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Variable(name) => write!(f, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, topic: &str) -> Option<String> {
        let found = TopicPattern::new(pattern).unwrap().read(topic)?;
        let pairs: Vec<String> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
        Some(pairs.join(" "))
    }

    #[test]
    fn named_wildcards_are_read() {
        let pattern = TopicPattern::new("factory/+machine/+/#rest").unwrap();
        assert_eq!(pattern.filter(), "factory/+/+/#");
        assert_eq!(
            read("factory/+machine/+/#rest", "factory/r1/x/a/b").as_deref(),
            Some("machine=r1 rest=a/b")
        );
        assert_eq!(read("a/#rest", "a").as_deref(), Some("rest="));
        assert_eq!(read("a/+x", "a/b/c"), None);
        assert_eq!(read("a/+x/b", "a/c/b").as_deref(), Some("x=c"));
        assert_eq!(read("#all", "$SYS/x"), None);
        assert_eq!(
            read("$share/g/a/+x", "a/1").as_deref(),
            Some("x=1"),
            "shared"
        );
        for wrong in ["a+", "#a/b", "+1", "+a/+a", "$share/g", "$share//x"] {
            assert!(TopicPattern::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn templates_are_filled() {
        let template = TopicTemplate::new("out/{line}_{cell}/$kind").unwrap();
        let names: Vec<&str> = template.variables().collect();
        assert_eq!(names, ["line", "cell", "kind"]);
        let fill = |name: &str| match name {
            "cell" => Err("none"),
            name => Ok(name.to_uppercase()),
        };
        assert_eq!(template.fill(fill), Err("none"));
        let all = template.fill(|name| Ok::<_, ()>(name.to_uppercase()));
        assert_eq!(all.unwrap(), "out/LINE_CELL/KIND");
        assert_eq!(template.filter(), "out/+/+");
        assert!(TopicTemplate::new("a/{b").is_err() && TopicTemplate::new("a/{b-c}").is_err());
        assert_eq!(TopicTemplate::new("a/b").unwrap().filter(), "a/b");
    }
}

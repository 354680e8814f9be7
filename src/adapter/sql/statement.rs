//! A statement with `@name` for its parameters, in the words of its server.
//!
//! Values are never put into the text: each `@name` becomes the server's own place for a parameter.
//! What stands in quotes and comments is left as it is.

use crate::config::Driver;

/// Parameters of one statement.
const PARAMETERS_MAX: usize = 256;

/// A statement that can be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// For the server.
    pub(crate) text: String,
    /// The names of its parameters, each once.
    pub(crate) names: Vec<String>,
    /// For each value that the server wants, which name it has.
    pub(crate) order: Vec<usize>,
}

impl Statement {
    pub(crate) fn new(query: &str, driver: Driver) -> Result<Self, String> {
        let mut made = Self {
            text: String::with_capacity(query.len()),
            names: Vec::new(),
            order: Vec::new(),
        };
        let mut rest = query;
        let mut is_over = false;
        while let Some(next) = rest.chars().next() {
            let quoted = quoted(rest, &made.text, driver)?;
            if quoted > 0 {
                made.text.push_str(&rest[..quoted]);
                let is_comment = rest.starts_with("--") || rest.starts_with("/*") || next == '#';
                if is_over && !is_comment {
                    return Err(TWO.into());
                }
                rest = &rest[quoted..];
                continue;
            }
            if is_over && !next.is_whitespace() {
                return Err(TWO.into());
            }
            is_over |= next == ';';
            if let Some(name) = name(rest, &made.text) {
                made.place(name, driver)?;
                rest = &rest[1 + name.len()..];
                continue;
            }
            foreign(rest, driver)?;
            made.text.push(next);
            rest = &rest[next.len_utf8()..];
        }
        if made.text.trim().is_empty() {
            return Err("there is no statement".into());
        }
        Ok(made)
    }

    fn place(&mut self, name: &str, driver: Driver) -> Result<(), String> {
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(name.to_owned());
        }
        match driver {
            Driver::Mariadb => {
                self.text.push('?');
                self.order.push(index);
            }
            Driver::Postgres | Driver::Sqlite => {
                let mark = if driver == Driver::Postgres { '$' } else { '?' };
                self.text.push_str(&format!("{mark}{}", index + 1));
                if known.is_none() {
                    self.order.push(index);
                }
            }
        }
        match self.order.len() > PARAMETERS_MAX {
            true => Err(format!("there are more than {PARAMETERS_MAX} parameters")),
            false => Ok(()),
        }
    }
}

const TWO: &str = "there is more than one statement";

/// The name of a parameter that begins here.
fn name<'q>(rest: &'q str, before: &str) -> Option<&'q str> {
    let behind = rest.strip_prefix('@')?;
    // `@@version` is a variable of the server, and `a@b` is no place for a parameter.
    let is_inside = before
        .chars()
        .next_back()
        .is_some_and(|c| c == '@' || c.is_alphanumeric() || c == '_');
    let first = behind.chars().next()?;
    if is_inside || !(first.is_ascii_alphabetic() || first == '_') {
        return None;
    }
    let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    Some(&behind[..end.unwrap_or(behind.len())])
}

/// Places for parameters in the server's own words would be counted wrongly.
fn foreign(rest: &str, driver: Driver) -> Result<(), String> {
    let mut next = rest.chars();
    let (first, second) = (next.next(), next.next());
    let is_foreign = match (first, driver) {
        (Some('?'), Driver::Mariadb | Driver::Sqlite) => true,
        (Some('$'), Driver::Postgres) => second.is_some_and(|c| c.is_ascii_digit()),
        (Some('$' | ':'), Driver::Sqlite) => {
            second.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        }
        _ => false,
    };
    match is_foreign {
        true => Err("a parameter is written `@name`".into()),
        false => Ok(()),
    }
}

/// How many bytes from here on are in quotes or a comment.
fn quoted(rest: &str, before: &str, driver: Driver) -> Result<usize, String> {
    let bytes = rest.as_bytes();
    let is_escape_string = || {
        let mut last = before.chars().rev();
        matches!(last.next(), Some('e' | 'E'))
            && !last.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
    };
    let found = match bytes[0] {
        b'\'' => {
            let escapes =
                driver == Driver::Mariadb || (driver == Driver::Postgres && is_escape_string());
            until(bytes, b'\'', escapes)
        }
        b'"' => until(bytes, b'"', driver == Driver::Mariadb),
        b'`' if driver != Driver::Postgres => until(bytes, b'`', false),
        b'[' if driver == Driver::Sqlite => until(bytes, b']', false),
        b'-' if rest.starts_with("--") => return Ok(line(rest)),
        b'#' if driver == Driver::Mariadb => return Ok(line(rest)),
        b'/' if rest.starts_with("/*") => comment(bytes, driver == Driver::Postgres),
        b'$' if driver == Driver::Postgres => match dollar(rest) {
            None => return Ok(0),
            Some(tag) => rest[tag.len()..].find(tag).map(|at| at + 2 * tag.len()),
        },
        _ => return Ok(0),
    };
    found.ok_or_else(|| {
        format!(
            "what begins with `{}` never ends",
            rest.chars().next().unwrap_or(' ')
        )
    })
}

fn until(bytes: &[u8], end: u8, escapes: bool) -> Option<usize> {
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if escapes => at += 2,
            byte if byte == end => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn line(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

fn comment(bytes: &[u8], nests: bool) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    loop {
        match bytes.get(at..at + 2)? {
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            b"/*" if nests => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

/// `$$` or `$tag$`.
fn dollar(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    let tag = &rest[1..end - 1];
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| &rest[..end])
}

#[cfg(test)]
mod tests;

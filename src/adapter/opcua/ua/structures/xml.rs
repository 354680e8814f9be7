//! The tags and attributes of an XML text, which is all that a type dictionary consists of. No
//! entities but the five, no declarations, nothing that could grow.

/// The start of an element, or its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    /// Name without prefix, and attributes without prefixes.
    Open(&'a str, Vec<(&'a str, String)>),
    /// Name without prefix.
    Close(&'a str),
}

/// The tags in their order; it ends where the text is no XML.
pub(super) fn tags(mut text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut closing = None;
    std::iter::from_fn(move || {
        if let Some(name) = closing.take() {
            return Some(Tag::Close(name));
        }
        loop {
            text = &text[text.find('<')?..];
            if let Some(comment) = text.strip_prefix("<!--") {
                text = &comment[comment.find("-->")? + 3..];
                continue;
            }
            let (tag, rest) = text[1..].split_once('>')?;
            text = rest;
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                return Some(Tag::Close(local(name.trim())));
            }
            let (tag, is_empty) = match tag.strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (tag, false),
            };
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            closing = is_empty.then(|| local(name));
            return Some(Tag::Open(local(name), self::attributes(attributes)));
        }
    })
}

fn attributes(mut text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.trim_start();
        let Some(quote) = rest
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))
        else {
            break;
        };
        let Some((value, rest)) = rest[1..].split_once(quote) else {
            break;
        };
        found.push((local(name.trim()), unescaped(value)));
        text = rest;
    }
    found
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn unescaped(value: &str) -> String {
    let value = value.replace("&lt;", "<").replace("&gt;", ">");
    value
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

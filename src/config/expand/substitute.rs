//! `!sub '…${name}…'`.

use crate::expand::Expander;
use crate::limits::TEXT_BYTES_MAX;
use crate::tree::{Data, Node, Span};

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// What stands between `${` and `}`.
    Name(&'a str),
}

/// Splits a text at its `${…}`. One that is not closed stays text.
pub(crate) fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once("${") {
        let Some((name, after)) = rest.split_once('}') else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Name(name));
        text = after;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// Whether a name in `${…}` is a secret reference.
pub(crate) fn is_secret(name: &str) -> bool {
    name.starts_with("env:") || name.starts_with("file:")
}

impl Expander<'_> {
    pub(super) fn substitute(&mut self, mut node: Node, pointer: &str) -> Option<Node> {
        let Some(text) = node.text().map(str::to_owned) else {
            let expected = "a text such as `!sub '${plant}.temperature'`";
            self.report
                .at(node.span, pointer, "`!sub` without a text", expected);
            return None;
        };
        let mut whole = String::with_capacity(text.len());
        for piece in pieces(&text) {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                // Secrets are resolved afterwards.
                Piece::Name(name) if is_secret(name) => {
                    whole.push_str("${");
                    whole.push_str(name);
                    whole.push('}');
                }
                Piece::Name(name) => whole.push_str(&self.value_of(name, node.span, pointer)?),
            }
            if whole.len() > TEXT_BYTES_MAX {
                let message = format!("a text of more than {TEXT_BYTES_MAX} bytes after `!sub`");
                self.report
                    .at(node.span, pointer, message, "a shorter text");
                return None;
            }
        }
        node.tag = None;
        node.data = Data::Text(whole);
        Some(node)
    }

    fn value_of(&mut self, name: &str, span: Span, pointer: &str) -> Option<String> {
        if self.open.iter().any(|open| open == name) {
            let message = format!("`{name}` contains itself");
            self.report
                .at(span, pointer, message, "definitions that end somewhere");
            return None;
        }
        if !self.written.contains_key(name) {
            if self.resources.contains(name) {
                return Some(name.to_owned());
            }
            self.unknown(name, span, pointer);
            return None;
        }
        let value = self.definition(name)?;
        let text = value.scalar_text();
        if text.is_none() {
            let message = format!("`{name}` is no single value");
            self.report.at(
                span,
                pointer,
                message,
                "a definition that is a text or a number",
            );
        }
        text
    }

    /// A `${…}` that names a definition outside of `!sub` was meant to be replaced.
    pub(super) fn forgotten_sub(&mut self, text: &str, span: Span, pointer: &str) {
        for piece in pieces(text) {
            if let Piece::Name(name) = piece
                && self.written.contains_key(name)
            {
                let message = format!("`${{{name}}}` is not replaced here");
                self.report
                    .at(span, pointer, message, format!("`!sub '{text}'`"));
            }
        }
    }
}

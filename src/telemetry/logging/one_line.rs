//! Keeps one event on one line.

use std::io::{self, Write};

/// A writer that receives one event at a time and escapes every control character in it, but for
/// the line end that closes it.
pub(super) struct OneLine<W: Write> {
    inner: W,
}

impl<W: Write> OneLine<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner }
    }
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let body = event.strip_suffix(b"\n").unwrap_or(event);
        let text = String::from_utf8_lossy(body);
        if text.chars().any(char::is_control) {
            let escape = |c: char| match c.is_control() {
                true => c.escape_default().collect(),
                false => String::from(c),
            };
            let escaped: String = text.chars().map(escape).collect();
            self.inner.write_all(escaped.as_bytes())?;
            self.inner.write_all(&event[body.len()..])?;
        } else {
            self.inner.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut out = Vec::new();
        let forged = "lost line1\r\n2026 INFO admin logged in \u{1b}[2Jbye\u{9b}x";
        OneLine::new(&mut out)
            .write_all(format!("{forged}\n").as_bytes())
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.ends_with("\\u{9b}x\n") && text.contains("\\r\\n2026"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn an_ordinary_event_is_left_alone() {
        let mut out = Vec::new();
        OneLine::new(&mut out)
            .write_all("größe 5\n".as_bytes())
            .unwrap();
        assert_eq!(out, "größe 5\n".as_bytes());
    }
}

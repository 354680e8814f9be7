//! Bytes to lines, however they arrive. Pure.

/// Bytes of the longest line that is read; a longer one is left out as a whole.
pub(crate) const LINE_BYTES_MAX: usize = 256 * 1024;

/// Bytes that are no whole line yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
    skipping: bool,
}

/// A line, or that one was too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Line(String),
    TooLong,
}

impl Lines {
    /// Takes bytes; hands over the lines that they complete.
    pub(crate) fn take(&mut self, bytes: &[u8], mut found: impl FnMut(Found)) {
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let part = &bytes[from..end];
            from = end + 1;
            if std::mem::take(&mut self.skipping) || self.rest.len() + part.len() > LINE_BYTES_MAX {
                self.rest.clear();
                found(Found::TooLong);
                continue;
            }
            self.rest.extend_from_slice(part);
            let line = String::from_utf8_lossy(&self.rest);
            let line = line.trim_end_matches('\r').to_owned();
            self.rest.clear();
            found(Found::Line(line));
        }
        let part = &bytes[from..];
        if self.skipping || self.rest.len() + part.len() > LINE_BYTES_MAX {
            self.skipping = true;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> Vec<Found> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.take(chunk, |one| found.push(one));
        }
        found
    }

    #[test]
    fn lines_come_in_any_pieces() {
        let wanted = [
            Found::Line("ab".into()),
            Found::Line(String::new()),
            Found::Line("c".into()),
        ];
        assert_eq!(all(&[b"ab\r\n\nc\nd"]), wanted);
        assert_eq!(all(&[b"a", b"b\r", b"\n", b"\nc", b"\nd"]), wanted);
    }

    #[test]
    fn a_line_without_an_end_costs_nothing() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.take(&[b'x'; 64 * 1024], |_| panic!("no line"));
            assert!(lines.rest.capacity() <= 2 * LINE_BYTES_MAX);
        }
        let mut found = Vec::new();
        lines.take(b"y\nz\n", |one| found.push(one));
        assert_eq!(found, [Found::TooLong, Found::Line("z".into())]);
    }
}

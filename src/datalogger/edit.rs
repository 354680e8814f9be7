//! Edits: new versions of a stretch of a series.
//!
//! An edit is a row of its own in the dense numbering of its series, followed by the new rows. It
//! hides every row with a lower number in its stretch, so it travels, is acknowledged and is repeated
//! like any row, and whoever holds the same rows sees the same version, in whatever order they came.

use std::sync::Arc;

/// Bytes of the note of an edit.
pub const NOTE_BYTES_MAX: usize = 1024;

/// What an edit says besides where it begins, which is the time of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Rows with lower numbers are superseded until before this time, in microseconds.
    pub to: i64,
    /// Who did it and why.
    pub note: Box<str>,
}

impl Edit {
    /// As one text, for stores and wires that know texts.
    pub fn to_text(&self) -> String {
        format!("{} {}", self.to, self.note)
    }

    /// Reads that text.
    pub fn from_text(text: &str) -> Option<Arc<Self>> {
        let (to, note) = text.split_once(' ')?;
        let to = to.parse().ok()?;
        (note.len() <= NOTE_BYTES_MAX).then(|| {
            let note = note.into();
            Arc::new(Self { to, note })
        })
    }
}

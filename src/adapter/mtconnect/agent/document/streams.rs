//! `MTConnectStreams`: observations, and `MTConnectError` in their place.

use mainstem_model::Timestamp;

use super::walk::{Element, Visitor, invalid, walk};
use super::{Header, Unusable};
use crate::condition::Level;
use crate::shape;

/// Observations that one document may have.
const OBSERVATIONS_MAX: usize = 200_000;
/// Bytes of one observation's text.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Observations, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) header: Header,
    pub(crate) observations: Vec<Observation>,
}

/// One observation of a data item that is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The data item's id.
    pub(crate) id: String,
    /// Its name, if it has one.
    pub(crate) name: String,
    /// Its number.
    pub(crate) sequence: u64,
    /// When it was observed.
    pub(crate) at: Option<Timestamp>,
    pub(crate) what: What,
    /// A value, or what is said about a condition.
    pub(crate) text: String,
}

/// What kind of observation it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A value.
    Value,
    /// A message with its code.
    Message { code: String },
    /// A condition.
    Condition {
        level: Level,
        code: String,
        severity: String,
        qualifier: String,
    },
    /// Several values by name, which are not read here.
    Entries,
}

/// Reads a document; only observations for which `wanted` says so are kept.
pub(crate) fn streams(
    document: &[u8],
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Streams, Unusable> {
    let mut reader = Reader {
        wanted,
        streams: Streams::default(),
        is_right: false,
        depth: 0,
        category: 0,
        open: None,
        error: None,
    };
    walk(document, &mut reader)?;
    if let Some((code, text)) = reader.error {
        let text = text.trim().to_owned();
        return Err(Unusable::Error { code, text });
    }
    if !reader.is_right {
        return Err(invalid("it is no MTConnectStreams: check host and port"));
    }
    let mut streams = reader.streams;
    streams.observations.sort_by_key(|one| one.sequence);
    Ok(streams)
}

struct Reader<W> {
    wanted: W,
    streams: Streams,
    is_right: bool,
    depth: usize,
    /// The depth of the element that observations stand in: Samples, Events or Condition.
    category: usize,
    open: Option<Observation>,
    error: Option<(String, String)>,
}

impl<W: Fn(&str, &str) -> bool> Visitor for Reader<W> {
    fn open(&mut self, element: &Element) -> Result<(), Unusable> {
        self.depth += 1;
        match (self.depth, element.name.as_str()) {
            (1, "MTConnectStreams") => self.is_right = true,
            (2, "Header") => self.streams.header = header(element),
            (_, "Error") if !self.is_right && self.error.is_none() => {
                self.error = Some((element.text("errorCode"), String::new()));
            }
            (_, "Samples" | "Events" | "Condition") if self.category == 0 => {
                self.category = self.depth;
            }
            (depth, _) if self.category > 0 && depth == self.category + 1 => {
                self.observation(element)?;
            }
            (_, "Entry") => {
                if let Some(open) = &mut self.open {
                    open.what = What::Entries;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let room = match (&mut self.open, &mut self.error) {
            (Some(open), _) => &mut open.text,
            (None, Some((_, said))) => said,
            _ => return,
        };
        if room.len() + text.len() <= TEXT_BYTES_MAX {
            room.push_str(text);
        }
    }

    fn close(&mut self, _name: &str) -> Result<(), Unusable> {
        if self.category > 0 && self.depth == self.category + 1 {
            self.streams.observations.extend(self.open.take());
        }
        if self.depth == self.category {
            self.category = 0;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }
}

impl<W: Fn(&str, &str) -> bool> Reader<W> {
    fn observation(&mut self, element: &Element) -> Result<(), Unusable> {
        let (id, name) = (element.text("dataItemId"), element.text("name"));
        if id.is_empty() || !(self.wanted)(&id, &name) {
            return Ok(());
        }
        if self.streams.observations.len() == OBSERVATIONS_MAX {
            return Err(invalid("it has too many observations"));
        }
        // Only conditions have names that are levels.
        let what = match (Level::parse(&element.name), element.name.as_str()) {
            (Some(level), _) => What::Condition {
                level,
                code: element.text("nativeCode"),
                severity: element.text("nativeSeverity"),
                qualifier: element.text("qualifier"),
            },
            (None, "Message") => What::Message {
                code: element.text("nativeCode"),
            },
            (None, _) => What::Value,
        };
        self.open = Some(Observation {
            id,
            name,
            sequence: element.number("sequence"),
            at: shape::moment(&element.text("timestamp")),
            what,
            text: String::new(),
        });
        Ok(())
    }
}

fn header(element: &Element) -> Header {
    Header {
        instance: element.number("instanceId"),
        first: element.number("firstSequence"),
        next: element.number("nextSequence"),
        buffer: element.number("bufferSize"),
    }
}

//! A stream of server-sent events.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::dial::Wire;
use crate::cli::exit::{Exit, Failure};

/// Bytes of one event; a longer one ends the stream.
const EVENT_BYTES_MAX: usize = 4 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its kind; `message` where it says nothing.
    pub(crate) name: String,
    /// Its content.
    pub(crate) data: String,
}

/// Events as they arrive.
pub(crate) struct Events {
    at: String,
    wire: Wire,
    body: Incoming,
    lines: Lines,
}

impl Events {
    pub(super) fn new(at: String, wire: Wire, body: Incoming) -> Self {
        Self {
            at,
            wire,
            body,
            lines: Lines::default(),
        }
    }

    /// The next event; nothing once the node has closed the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.lines.event() {
                return Ok(Some(event));
            }
            if self.lines.buffer.len() > EVENT_BYTES_MAX {
                let message = format!("{} sends an event without an end", self.at);
                return Err(Failure::new(Exit::Failure, message));
            }
            match self.wire.alongside(self.body.frame()).await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.lines.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    let message = format!("the connection to {} broke: {error}", self.at);
                    return Err(Failure::new(Exit::NoCommunication, message)
                        .action("see whether the node still runs, and begin again"));
                }
            }
        }
    }
}

/// What has arrived, taken apart by lines (HTML standard, 9.2.6).
#[derive(Debug, Default)]
struct Lines {
    buffer: BytesMut,
    name: String,
    data: Vec<String>,
}

impl Lines {
    fn event(&mut self) -> Option<Event> {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            self.buffer.advance(end + 1);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if line.is_empty() {
                if let Some(event) = self.finish() {
                    return Some(event);
                }
                continue;
            }
            let (field, text) = line.split_once(':').unwrap_or((line, ""));
            let text = text.strip_prefix(' ').unwrap_or(text);
            match field {
                "event" => text.clone_into(&mut self.name),
                "data" => self.data.push(text.to_owned()),
                // A comment keeps the connection alive; ids are for those who come back.
                _ => {}
            }
        }
        None
    }

    fn finish(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return None;
        }
        Some(Event {
            name: if name.is_empty() {
                "message".to_owned()
            } else {
                name
            },
            data: data.join("\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_in_pieces() {
        let text = ": hello\n\nevent: point\nid: 1-2\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:x\n\n";
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for byte in text.bytes() {
            lines.buffer.extend_from_slice(&[byte]);
            found.extend(lines.event());
        }
        let expected = [("point", "{\"a\":\n1}"), ("message", "x")];
        let expected = expected.map(|(name, data)| Event {
            name: name.into(),
            data: data.into(),
        });
        assert_eq!(found, expected);
    }
}

//! What goes over an adapter's wire, for whoever looks at the moment.
//!
//! While nobody looks, a frame costs one atomic load. Who looks gets what there is room for, and
//! is told how much there was not.

mod stream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use mainstem_model::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub use stream::Traced;

/// Who may look at one adapter at the same time.
pub const TRACE_READERS_MAX: usize = 4;
/// Frames that wait for one reader; what comes beyond them is left out and counted.
pub const TRACE_FRAMES_WAITING_MAX: usize = 512;
/// Bytes kept of one frame; its length is told in any case.
pub const TRACE_FRAME_BYTES_MAX: usize = 1024;
/// Bytes kept of what one frame means.
pub const TRACE_TEXT_BYTES_MAX: usize = 1024;

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From this node to the device.
    Sent,
    /// From the device to this node.
    Received,
    /// No frame: something that happened, such as a connection that was opened.
    Note,
}

impl Direction {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Note => "note",
        }
    }
}

/// One frame as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFrame {
    /// When it passed.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// How many bytes it has.
    pub length: usize,
    /// Its bytes, at most [`TRACE_FRAME_BYTES_MAX`]; none where a library keeps them to itself.
    pub bytes: Vec<u8>,
    /// What it means.
    pub text: String,
    /// Frames left out before this one, because the reader was slow.
    pub left_out: u64,
}

/// All seats at this adapter's wire are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{TRACE_READERS_MAX} readers trace this adapter already")]
pub struct TraceBusy;

/// An adapter's wire. Clones are of the same wire; they outlast sessions.
#[derive(Clone)]
pub struct Trace {
    tap: Arc<Tap>,
}

struct Tap {
    is_on: AtomicBool,
    clock: Arc<dyn Clock>,
    readers: Mutex<Readers>,
}

#[derive(Default)]
struct Readers {
    next: u64,
    seats: Vec<Seat>,
}

struct Seat {
    number: u64,
    frames: mpsc::Sender<TraceFrame>,
    left_out: u64,
}

impl Trace {
    /// A wire at which nobody looks yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            tap: Arc::new(Tap {
                is_on: AtomicBool::new(false),
                clock,
                readers: Mutex::default(),
            }),
        }
    }

    /// Whether somebody looks. Only needed where the bytes themselves have to be made first.
    #[inline]
    pub fn is_on(&self) -> bool {
        // Nothing is read under it, and a frame more or less does not matter.
        self.tap.is_on.load(Ordering::Relaxed)
    }

    /// A frame that has just been sent or received. `bytes` may be empty where a library keeps
    /// them; `decoded` says in one line what it means, and is only called when somebody looks.
    ///
    /// Never a secret: what a login carries stays out of both.
    #[inline]
    pub fn frame(&self, direction: Direction, bytes: &[u8], decoded: impl FnOnce() -> String) {
        if self.is_on() {
            self.tap.tell(direction, bytes, decoded);
        }
    }

    /// Something that happened beside the frames.
    #[inline]
    pub fn note(&self, text: impl FnOnce() -> String) {
        self.frame(Direction::Note, &[], text);
    }

    /// A seat from which frames are seen until it is dropped.
    pub fn read(&self) -> Result<TraceReader, TraceBusy> {
        let mut readers = self.tap.readers.lock();
        if readers.seats.len() >= TRACE_READERS_MAX {
            return Err(TraceBusy);
        }
        let (sender, frames) = mpsc::channel(TRACE_FRAMES_WAITING_MAX);
        let number = readers.next;
        readers.next += 1;
        readers.seats.push(Seat {
            number,
            frames: sender,
            left_out: 0,
        });
        self.tap.is_on.store(true, Ordering::Relaxed);
        Ok(TraceReader {
            tap: Arc::downgrade(&self.tap),
            number,
            frames,
        })
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Trace");
        shown.field("is_on", &self.is_on()).finish_non_exhaustive()
    }
}

impl Tap {
    #[cold]
    fn tell(&self, direction: Direction, bytes: &[u8], decoded: impl FnOnce() -> String) {
        let mut readers = self.readers.lock();
        let mut has_room = false;
        for seat in &mut readers.seats {
            if seat.frames.capacity() == 0 {
                seat.left_out += 1;
            } else {
                has_room = true;
            }
        }
        if !has_room {
            return;
        }
        let frame = TraceFrame {
            at: self.clock.now(),
            direction,
            length: bytes.len(),
            bytes: bytes[..bytes.len().min(TRACE_FRAME_BYTES_MAX)].to_vec(),
            text: shortened(decoded()),
            left_out: 0,
        };
        for seat in &mut readers.seats {
            if let Ok(place) = seat.frames.try_reserve() {
                let left_out = std::mem::take(&mut seat.left_out);
                place.send(TraceFrame {
                    left_out,
                    ..frame.clone()
                });
            }
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > TRACE_TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TRACE_TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

/// A seat at an adapter's wire.
pub struct TraceReader {
    // The seat alone does not keep an adapter's wire alive that was taken out.
    tap: Weak<Tap>,
    number: u64,
    frames: mpsc::Receiver<TraceFrame>,
}

impl TraceReader {
    /// The next frame; `None` once the adapter is gone. Cancel safe.
    pub async fn next(&mut self) -> Option<TraceFrame> {
        self.frames.recv().await
    }

    /// A frame that waits already.
    pub fn try_next(&mut self) -> Option<TraceFrame> {
        self.frames.try_recv().ok()
    }

    /// Frames left out since the last one that was delivered.
    pub fn left_out(&self) -> u64 {
        let Some(tap) = self.tap.upgrade() else {
            return 0;
        };
        let readers = tap.readers.lock();
        let seat = readers.seats.iter().find(|seat| seat.number == self.number);
        seat.map_or(0, |seat| seat.left_out)
    }
}

impl Drop for TraceReader {
    fn drop(&mut self) {
        let Some(tap) = self.tap.upgrade() else {
            return;
        };
        let mut readers = tap.readers.lock();
        readers.seats.retain(|seat| seat.number != self.number);
        if readers.seats.is_empty() {
            tap.is_on.store(false, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for TraceReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("TraceReader");
        shown.field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

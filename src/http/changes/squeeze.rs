//! One zstd stream per connection, flushed with each part, so that no frame waits for the next.

use std::io::{self, Write};

use bytes::Bytes;
use zstd::stream::write::Encoder;

/// The level that pays at the rate of a feed.
const LEVEL: i32 = 1;
/// The window, as a power of two: 128 KiB bound the memory of a reader.
const WINDOW_LOG: u32 = 17;

pub(super) struct Squeeze(Encoder<'static, Vec<u8>>);

impl Squeeze {
    pub(super) fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
        encoder.window_log(WINDOW_LOG)?;
        Ok(Self(encoder))
    }

    /// The bytes that make the reader see everything written so far.
    pub(super) fn press(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.0.write_all(bytes)?;
        self.0.flush()?;
        Ok(self.take())
    }

    /// The end of the stream.
    pub(super) fn end(&mut self) -> io::Result<Bytes> {
        self.0.do_finish()?;
        Ok(self.take())
    }

    fn take(&mut self) -> Bytes {
        let out = self.0.get_mut();
        let bytes = Bytes::copy_from_slice(out);
        out.clear();
        bytes
    }
}

//! A connection whose bytes are seen: for kinds that leave the framing to a library.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Direction, Trace};

/// A stream that tells its wire what is written to it and read from it.
///
/// Each piece that the system took or brought is told as it is: mostly a whole frame, and where a
/// frame comes in pieces, the pieces. `decode` says what a piece means; it must take any bytes.
#[derive(Debug)]
pub struct Traced<S> {
    inner: S,
    trace: Trace,
    decode: fn(Direction, &[u8]) -> String,
}

impl<S> Traced<S> {
    /// Puts a stream on a wire.
    pub fn new(inner: S, trace: Trace, decode: fn(Direction, &[u8]) -> String) -> Self {
        Self {
            inner,
            trace,
            decode,
        }
    }

    fn tell(&self, direction: Direction, bytes: &[u8]) {
        if !bytes.is_empty() {
            let decode = self.decode;
            self.trace
                .frame(direction, bytes, || decode(direction, bytes));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Traced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.tell(Direction::Received, &buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Traced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        self.tell(Direction::Sent, &bytes[..written.min(bytes.len())]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

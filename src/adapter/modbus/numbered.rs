//! Numbers of requests that differ from connection to connection, and ears for what nobody asked.
//!
//! The library counts its requests from 0 on each connection. A gateway that keeps an answer which
//! came too late, and hands it out on the next connection, would be believed. So the numbers carry
//! a mark of the connection on the wire, in the higher byte: it is put on as a frame leaves, and
//! taken off as its answer comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes before the unit: number, protocol, length.
const PREFIX_BYTES: usize = 6;

/// How far the frames of one direction have come. Pure.
#[derive(Debug, Default)]
struct Frames {
    position: usize,
    length: usize,
    whole: u64,
}

impl Frames {
    /// Marks the number of each frame that passes, or takes the mark off: that is the same.
    fn pass(&mut self, bytes: &mut [u8], mark: u8) {
        for byte in bytes {
            match self.position {
                0 => *byte ^= mark,
                4 => self.length = usize::from(*byte) << 8,
                5 => self.length |= usize::from(*byte),
                _ => {}
            }
            self.position += 1;
            if self.position >= PREFIX_BYTES && self.position == PREFIX_BYTES + self.length {
                self.position = 0;
                self.whole += 1;
            }
        }
    }
}

/// A stream of Modbus TCP frames.
#[derive(Debug)]
pub(crate) struct Numbered<S> {
    inner: S,
    mark: u8,
    sent: Frames,
    received: Frames,
    leaving: Vec<u8>,
}

impl<S> Numbered<S> {
    /// With this mark on its numbers.
    pub(crate) fn new(inner: S, mark: u8) -> Self {
        Self {
            inner,
            mark,
            sent: Frames::default(),
            received: Frames::default(),
            leaving: Vec::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> Numbered<S> {
    /// Before a request leaves, all that came must have been asked for.
    fn listen(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let is_more = match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
            Poll::Ready(result) => {
                result?;
                !buffer.filled().is_empty()
            }
            Poll::Pending => false,
        };
        if is_more || self.received.position > 0 || self.received.whole > self.sent.whole {
            let what = "it spoke without having been asked";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Numbered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let mark = self.mark;
        if let Some(news) = buffer.filled_mut().get_mut(before..) {
            self.received.pass(news, mark);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Numbered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.leaving.is_empty() {
            if this.sent.position == 0 {
                this.listen(context)?;
            }
            this.leaving.extend_from_slice(bytes);
            let mark = this.mark;
            this.sent.pass(&mut this.leaving, mark);
        }
        // The library offers again what was not taken, so what is marked waits here as a whole.
        while !this.leaving.is_empty() {
            let taken = ready!(Pin::new(&mut this.inner).poll_write(context, &this.leaving))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.leaving.drain(..taken.min(this.leaving.len()));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const REQUEST: [u8; 12] = [0, 7, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];

    #[tokio::test]
    async fn numbers_are_marked_on_the_wire_and_plain_within() {
        // Three bytes at a time, so that frames come apart.
        let (near, mut far) = duplex(3);
        let mut near = Numbered::new(near, 0x2A);
        for _ in 0..2 {
            let mut seen = [0; 12];
            let (sent, read) = tokio::join!(near.write_all(&REQUEST), far.read_exact(&mut seen));
            sent.unwrap();
            read.unwrap();
            assert_eq!((seen[0], &seen[1..]), (0x2A, &REQUEST[1..]));
            let answer = seen;
            let (sent, read) = tokio::join!(far.write_all(&answer), near.read_exact(&mut seen));
            sent.unwrap();
            read.unwrap();
            assert_eq!(seen, REQUEST);
        }
    }

    #[tokio::test]
    async fn what_nobody_asked_for_is_heard_before_the_next_request() {
        let (near, mut far) = duplex(64);
        let mut near = Numbered::new(near, 1);
        near.write_all(&REQUEST).await.unwrap();
        far.write_all(&[REQUEST, REQUEST].concat()).await.unwrap();
        let mut seen = [0; 12];
        near.read_exact(&mut seen).await.unwrap();
        let error = near.write_all(&REQUEST).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

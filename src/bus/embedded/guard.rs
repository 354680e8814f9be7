//! A client's connection with a watch on the lengths of its packets.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::counters::Counters;
use super::frames::Frames;
use super::gate::{Breach, Refused};

/// A stream whose bytes reach the broker only while they keep to the limits. The broker takes it
/// for a WebSocket: that is the one kind of stream of which it knows nothing but bytes.
pub(super) struct Guard<S> {
    stream: S,
    frames: Frames,
    address: SocketAddr,
    counters: Arc<Counters>,
}

impl<S> Guard<S> {
    pub(super) fn new(
        stream: S,
        packet_bytes: usize,
        address: SocketAddr,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            stream,
            frames: Frames::new(packet_bytes),
            address,
            counters,
        }
    }

    fn refuse(&self, breach: Breach) -> io::Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, breach.to_string());
        self.counters.refuse(&Refused {
            principal: None,
            address: Some(self.address),
            client: String::new(),
            breach,
        });
        error
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        match self.frames.pass(&buf.filled()[before..]) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(breach) => {
                buf.set_filled(before);
                Poll::Ready(Err(self.refuse(breach)))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> WebSocketTransport for Guard<S> {
    fn peer_addr(&self) -> mqtt5::Result<SocketAddr> {
        Ok(self.address)
    }
}

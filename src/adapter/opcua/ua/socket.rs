//! The TCP side of a session. The stack's own connector takes the first address of a name only
//! and lets a server announce a chunk of four gigabytes; this one does neither.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use opcua::client::ConnectionSource;
use opcua::client::transport::{
    Connector, RequestRecv, SecureChannelState, StreamConnection, StreamConnector, StreamTransport,
    TransportConfiguration,
};
use opcua::core::comms::tcp_codec::TcpCodec;
use opcua::core::comms::url::hostname_port_from_url;
use opcua::types::{DecodingOptions, EndpointDescription, Error, StatusCode};
use std::sync::Arc;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::codec::FramedRead;

/// Bytes of a chunk that we announce and accept.
pub(crate) const CHUNK_BYTES_MAX: usize = 65_535;
/// Type, flag and size of a chunk.
const HEADER_BYTES: usize = 8;
/// Where the flag stands, and what it is for a chunk that is not the last one of its message.
const FLAG: usize = 3;
const INTERMEDIATE: u8 = b'C';
/// Chunks of one message.
pub(crate) const CHUNKS_MAX: usize = 256;

/// Connects to the host of a URL.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    url: String,
}

impl Dialer {
    /// For a URL.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }
}

impl ConnectionSource for Dialer {
    type Builder = Self;

    fn get_connector(&self, _: &EndpointDescription) -> Result<Self, Error> {
        Ok(self.clone())
    }
}

impl Connector for Dialer {
    type Transport = StreamTransport<ChunkGuard<OwnedReadHalf>, OwnedWriteHalf>;

    async fn connect(
        &self,
        channel: Arc<SecureChannelState>,
        outgoing: RequestRecv,
        config: TransportConfiguration,
    ) -> Result<Self::Transport, Error> {
        StreamConnector::new(dial, self.url.clone())
            .connect(channel, outgoing, config)
            .await
    }

    fn default_endpoint(&self) -> EndpointDescription {
        self.url.as_str().into()
    }
}

async fn dial(
    url: String,
    options: DecodingOptions,
) -> Result<StreamConnection<ChunkGuard<OwnedReadHalf>, OwnedWriteHalf>, Error> {
    let (host, port) = hostname_port_from_url(&url, 4840)
        .map_err(|status| Error::new(status, "this URL has no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // All addresses of the name are tried, in their order.
    let socket = TcpStream::connect((host, port)).await.map_err(|error| {
        let status = match error.kind() {
            io::ErrorKind::ConnectionRefused => StatusCode::BadServerNotConnected,
            _ => StatusCode::BadCommunicationError,
        };
        Error::new(status, format!("{host} port {port}: {error}"))
    })?;
    socket
        .set_nodelay(true)
        .map_err(|error| Error::new(StatusCode::BadCommunicationError, error.to_string()))?;
    let (reader, writer) = socket.into_split();
    let reader = FramedRead::new(ChunkGuard::new(reader), TcpCodec::new(options));
    Ok(StreamConnection::new(reader, writer, url))
}

/// Reads on until a chunk announces a size that nobody agreed to, or a message has no end. The
/// stack would drop such a message alone and read its chunks for ever.
pub(crate) struct ChunkGuard<R> {
    inner: R,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    body_left: usize,
    chunks: usize,
}

impl<R> ChunkGuard<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            body_left: 0,
            chunks: 0,
        }
    }

    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let skipped = self.body_left.min(bytes.len());
                self.body_left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (HEADER_BYTES - self.header_bytes).min(bytes.len());
            self.header[self.header_bytes..][..taken].copy_from_slice(&bytes[..taken]);
            self.header_bytes += taken;
            bytes = &bytes[taken..];
            if self.header_bytes == HEADER_BYTES {
                self.header_bytes = 0;
                self.body_left = self.body()?;
            }
        }
        Ok(())
    }

    fn body(&mut self) -> io::Result<usize> {
        match self.header[FLAG] {
            INTERMEDIATE => self.chunks += 1,
            _ => self.chunks = 0,
        }
        if self.chunks > CHUNKS_MAX {
            let message = format!("a message of the server has more than {CHUNKS_MAX} chunks");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let [.., a, b, c, d] = self.header;
        let size = u32::from_le_bytes([a, b, c, d]) as usize;
        if !(HEADER_BYTES + 1..=CHUNK_BYTES_MAX).contains(&size) {
            let message = format!("the server announces a chunk of {size} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(size - HEADER_BYTES)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for ChunkGuard<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        Poll::Ready(self.follow(&buffer.filled()[before..]))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn chunk(size: u32, body: usize) -> Vec<u8> {
        [b"MSGF".as_slice(), &size.to_le_bytes(), &vec![7; body]].concat()
    }

    async fn read(bytes: &[u8], piece: usize) -> io::Result<usize> {
        let mut guard = ChunkGuard::new(bytes);
        let (mut buffer, mut total) = (vec![0; piece], 0);
        loop {
            match guard.read(&mut buffer).await? {
                0 => return Ok(total),
                read => total += read,
            }
        }
    }

    #[tokio::test]
    async fn chunks_pass_in_whatever_pieces_until_one_is_too_large() {
        let good = [chunk(9, 1), chunk(65_535, 65_527), chunk(100, 92)].concat();
        for piece in [1, 3, 8, 100_000] {
            assert_eq!(read(&good, piece).await.unwrap(), good.len());
            for size in [0, 7, 8, 65_536, u32::MAX] {
                let bad = [good.clone(), chunk(size, 0)].concat();
                let error = read(&bad, piece).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{size}");
            }
        }
    }
}

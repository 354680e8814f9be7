//! The TCP side of a session. The stack's own connector takes the first address of a name only
//! and lets a server announce a chunk of four gigabytes; this one does neither.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use opcua::client::ConnectionSource;
use opcua::client::transport::{
    Connector, RequestRecv, SecureChannelState, StreamConnection, StreamConnector, StreamTransport,
    Transport, TransportConfiguration, TransportPollResult,
};
use opcua::core::comms::tcp_codec::TcpCodec;
use opcua::core::comms::url::hostname_port_from_url;
use opcua::types::{ByteString, DecodingOptions, EndpointDescription, Error, StatusCode};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What the two ends of the stack do not tell each other about a connection.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<WireState>);

#[derive(Default)]
struct WireState {
    cut: AtomicBool,
    channel: Mutex<Option<Arc<SecureChannelState>>>,
    nonce: Mutex<Option<ByteString>>,
}

impl Wire {
    /// Ends the connection: the stack reads an error at once, whatever the server does.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::Relaxed);
    }

    /// To be called when a session is activated. The way back into it needs the server's last
    /// nonce (part 4, 5.7.3), which the stack forgets when it opens another channel.
    pub(crate) fn remember(&self) {
        let channel = self.0.channel.lock().clone();
        let nonce = channel.map(|channel| {
            channel
                .secure_channel()
                .read()
                .remote_nonce_as_byte_string()
        });
        *self.0.nonce.lock() = nonce;
    }

    fn connected(&self, channel: &Arc<SecureChannelState>) {
        self.0.cut.store(false, Ordering::Relaxed);
        *self.0.channel.lock() = Some(Arc::clone(channel));
    }
}

/// A transport that puts the session's nonce back after the channel was opened.
pub(crate) struct Reopened<T> {
    inner: T,
    channel: Arc<SecureChannelState>,
    nonce: Option<ByteString>,
}

impl<T: Transport + Send + Sync> Transport for Reopened<T> {
    async fn poll(&mut self) -> TransportPollResult {
        let result = self.inner.poll().await;
        // The first message that arrives is the answer to OpenSecureChannel.
        if matches!(result, TransportPollResult::IncomingMessage)
            && let Some(nonce) = self.nonce.take()
        {
            let mut channel = self.channel.secure_channel().write();
            drop(channel.set_remote_nonce_from_byte_string(&nonce));
        }
        result
    }

    fn connected_url(&self) -> &str {
        self.inner.connected_url()
    }
}

/// Connects to the host of a URL.
#[derive(Clone)]
pub(crate) struct Dialer {
    url: String,
    wire: Wire,
}

impl Dialer {
    /// For a URL.
    pub(crate) fn new(url: &str, wire: &Wire) -> Self {
        Self {
            url: url.to_owned(),
            wire: wire.clone(),
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
    type Transport = Reopened<StreamTransport<ChunkGuard<OwnedReadHalf>, OwnedWriteHalf>>;

    async fn connect(
        &self,
        channel: Arc<SecureChannelState>,
        outgoing: RequestRecv,
        config: TransportConfiguration,
    ) -> Result<Self::Transport, Error> {
        let nonce = self.wire.0.nonce.lock().clone();
        self.wire.connected(&channel);
        let wire = self.wire.clone();
        let dial = move |url, options| dial(url, options, wire.clone());
        let inner = StreamConnector::new(dial, self.url.clone())
            .connect(Arc::clone(&channel), outgoing, config)
            .await?;
        Ok(Reopened {
            inner,
            channel,
            nonce,
        })
    }

    fn default_endpoint(&self) -> EndpointDescription {
        self.url.as_str().into()
    }
}

async fn dial(
    url: String,
    options: DecodingOptions,
    wire: Wire,
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
    let reader = FramedRead::new(ChunkGuard::new(reader, wire), TcpCodec::new(options));
    Ok(StreamConnection::new(reader, writer, url))
}

/// Reads on until a chunk announces a size that nobody agreed to, or a message has no end. The
/// stack would drop such a message alone and read its chunks for ever.
pub(crate) struct ChunkGuard<R> {
    inner: R,
    wire: Wire,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    body_left: usize,
    chunks: usize,
}

impl<R> ChunkGuard<R> {
    pub(crate) fn new(inner: R, wire: Wire) -> Self {
        Self {
            inner,
            wire,
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
        if self.wire.0.cut.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
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
        let mut guard = ChunkGuard::new(bytes, Wire::default());
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

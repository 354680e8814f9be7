//! One connection through the gate.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

use mainstem_opcua_trust::CERTIFICATE_BYTES_MAX;

use super::Gate;
use super::channels::OpenChannel;
use super::peers::Peer;
use crate::Policy;
use crate::frame::{
    self, CERTIFICATE, HEADER_BYTES, Header, INSECURE, Kind, MALFORMED, POLICY, Refusal, SLOW,
    STOPPING, TOO_LARGE,
};
use crate::limits::{
    CHUNK_BYTES_MAX, DISCOVERY_MAX, DISCOVERY_MESSAGES_MAX, HANDSHAKE_MAX, HELLO_BYTES_MAX,
    SILENCE_MAX,
};

/// How long a client may take for one chunk, and for reading what is sent to it.
const CHUNK_MAX: Duration = Duration::from_secs(30);
/// Bytes copied at a time towards the client.
const COPY_BYTES: usize = 16 * 1024;

/// What is known of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    /// Nothing was opened.
    Closed,
    /// Without security; for looking at the endpoints unless the file says otherwise.
    Plain { discovery_only: bool },
    /// Secured.
    Secured(Policy),
}

/// How one direction ended.
enum End {
    Gone,
    Refused(Refusal),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// Serves a client until one side ends it.
pub(super) async fn serve(gate: &Gate, client: TcpStream, peer: &Peer) {
    // Small answers go at once; a socket that refuses this only answers later.
    drop(client.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let deadline = Instant::now() + HANDSHAKE_MAX;
    let first = timeout_at(deadline, hello(&mut from_client)).await;
    let first = match first.unwrap_or(Err(End::Refused(SLOW))) {
        Ok(first) => first,
        Err(end) => return farewell(gate, peer, to_client, end).await,
    };
    let Ok(inner) = TcpStream::connect(gate.inner).await else {
        return farewell(gate, peer, to_client, End::Refused(STOPPING)).await;
    };
    drop(inner.set_nodelay(true));
    let (from_inner, to_inner) = inner.into_split();
    let mut inward = Inward {
        gate,
        peer,
        from: from_client,
        to: to_inner,
        channel: Channel::Closed,
        deadline: Some(deadline),
        messages: 0,
    };
    let end = tokio::select! {
        end = inward.run(&first) => end,
        () = outward(gate, from_inner, &mut to_client) => End::Gone,
        () = peer.has_to_leave() => End::Refused(SLOW),
        () = gate.stop.cancelled() => End::Gone,
    };
    farewell(gate, peer, to_client, end).await;
}

async fn farewell(gate: &Gate, peer: &Peer, mut to_client: OwnedWriteHalf, end: End) {
    let End::Refused(refusal) = end else { return };
    gate.refuse(peer.ip(), refusal);
    let told = async {
        to_client.write_all(&frame::error(refusal)).await?;
        to_client.shutdown().await
    };
    // Whoever does not take it is gone already.
    drop(timeout(Duration::from_secs(1), told).await);
}

async fn hello(from: &mut OwnedReadHalf) -> Result<Vec<u8>, End> {
    let mut head = [0; HEADER_BYTES];
    from.read_exact(&mut head).await?;
    let header = frame::header(&head, HELLO_BYTES_MAX).map_err(End::Refused)?;
    if header.kind != Kind::Hello {
        return Err(End::Refused(MALFORMED));
    }
    let mut message = head.to_vec();
    message.resize(header.size, 0);
    let body = message.get_mut(HEADER_BYTES..).unwrap_or_default();
    from.read_exact(body).await?;
    Ok(message)
}

/// Copies towards the client, who has to read. The channel counts as open until this ends.
async fn outward(gate: &Gate, mut from: OwnedReadHalf, to: &mut OwnedWriteHalf) {
    let Ok(_open) = until_open(gate, &mut from, to).await else {
        return;
    };
    let mut buffer = vec![0; COPY_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let part = buffer.get(..read).unwrap_or_default();
        if hand_out(part, to).await.is_err() {
            return;
        }
    }
}

/// Copies chunk by chunk until the library says which channel it opened. The client hears of it
/// after the gate, so no request of it comes too early.
async fn until_open(
    gate: &Gate,
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
) -> std::io::Result<OpenChannel> {
    loop {
        let mut chunk = vec![0; HEADER_BYTES];
        from.read_exact(&mut chunk).await?;
        chunk.resize(frame::size(&chunk).clamp(HEADER_BYTES, CHUNK_BYTES_MAX), 0);
        let body = chunk.get_mut(HEADER_BYTES..).unwrap_or_default();
        from.read_exact(body).await?;
        let open = frame::opened(&chunk).map(|number| gate.channels.open(number));
        hand_out(&chunk, to).await?;
        if let Some(open) = open {
            return Ok(open);
        }
    }
}

async fn hand_out(part: &[u8], to: &mut OwnedWriteHalf) -> std::io::Result<()> {
    timeout(CHUNK_MAX, to.write_all(part)).await?
}

/// The direction from the client.
struct Inward<'g> {
    gate: &'g Gate,
    peer: &'g Peer,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    channel: Channel,
    /// Until when the client has to have come further.
    deadline: Option<Instant>,
    /// Messages without security.
    messages: u32,
}

impl Inward<'_> {
    async fn run(&mut self, first: &[u8]) -> End {
        if let Err(error) = self.to.write_all(first).await {
            return error.into();
        }
        let mut buffer = Vec::with_capacity(COPY_BYTES);
        loop {
            if let Err(end) = self.chunk(&mut buffer).await {
                return end;
            }
        }
    }

    async fn chunk(&mut self, buffer: &mut Vec<u8>) -> Result<(), End> {
        let silence = Instant::now() + SILENCE_MAX;
        let until = self
            .deadline
            .map_or(silence, |deadline| deadline.min(silence));
        let mut head = [0; HEADER_BYTES];
        let slow = |_| End::Refused(SLOW);
        timeout_at(until, self.from.read_exact(&mut head))
            .await
            .map_err(slow)??;
        self.peer.heard();
        let header = frame::header(&head, CHUNK_BYTES_MAX).map_err(End::Refused)?;
        buffer.clear();
        buffer.extend_from_slice(&head);
        buffer.resize(header.size, 0);
        let body = buffer.get_mut(HEADER_BYTES..).unwrap_or_default();
        timeout(CHUNK_MAX, self.from.read_exact(body))
            .await
            .map_err(slow)??;
        self.judge(header, buffer).await.map_err(End::Refused)?;
        self.to.write_all(buffer).await?;
        Ok(())
    }

    async fn judge(&mut self, header: Header, chunk: &[u8]) -> Result<(), Refusal> {
        let body = chunk.get(HEADER_BYTES..).unwrap_or_default();
        match (header.kind, self.channel) {
            (Kind::Hello, _) | (Kind::Message | Kind::Close, Channel::Closed) => Err(MALFORMED),
            (Kind::Open, _) => self.open(header, body).await,
            (
                Kind::Message,
                Channel::Plain {
                    discovery_only: true,
                },
            ) => {
                self.messages += 1;
                let is_fine = header.is_final
                    && frame::is_discovery(body)
                    && self.messages <= DISCOVERY_MESSAGES_MAX;
                is_fine.then_some(()).ok_or(INSECURE)
            }
            (Kind::Message | Kind::Close, _) => Ok(()),
        }
    }

    /// Whether a channel may be opened or renewed.
    async fn open(&mut self, header: Header, body: &[u8]) -> Result<(), Refusal> {
        if !header.is_final {
            return Err(TOO_LARGE);
        }
        let asked = frame::opening(body)?;
        let config = &self.gate.config;
        let policy = Policy::parse(asked.policy).ok_or(POLICY)?;
        let channel = match policy {
            Policy::None => Channel::Plain {
                discovery_only: !config.allows_plain(),
            },
            policy if config.policies.contains(&policy) => Channel::Secured(policy),
            _ => return Err(POLICY),
        };
        // A channel is renewed as it was opened.
        if self.channel != Channel::Closed && self.channel != channel {
            return Err(POLICY);
        }
        if let Channel::Secured(_) = channel {
            self.certificate(asked.certificate).await?;
        }
        let is_first = std::mem::replace(&mut self.channel, channel) == Channel::Closed;
        if is_first {
            let is_discovery = matches!(
                channel,
                Channel::Plain {
                    discovery_only: true
                }
            );
            self.deadline = is_discovery.then(|| Instant::now() + DISCOVERY_MAX);
        }
        Ok(())
    }

    async fn certificate(&self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.is_empty() || bytes.len() >= CERTIFICATE_BYTES_MAX {
            return Err(CERTIFICATE);
        }
        let (certificates, bytes) = (self.gate.certificates.clone(), bytes.to_vec());
        let admitted = tokio::task::spawn_blocking(move || certificates.admits(&bytes)).await;
        match admitted {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(CERTIFICATE),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a client's certificate cannot be looked up");
                Err(CERTIFICATE)
            }
            Err(_) => Err(STOPPING),
        }
    }
}

//! One TCP connection, with at most one request under way.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Peer;
use crate::{Direction, SessionEnd, Trace};

/// Why a request has no usable answer. In each case the connection is gone afterwards: what
/// arrives late on it could be taken for the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The device closed or reset the connection, or ended what was agreed on it.
    Closed(String),
    /// What came is no answer to the request.
    Invalid(String),
}

/// An open connection.
#[derive(Debug)]
pub struct Socket {
    stream: Option<TcpStream>,
    timeout: Duration,
    answered_at: Instant,
    trace: Trace,
}

impl Socket {
    /// Connects; each answer has to be there, whole, within `timeout`.
    pub async fn connect(
        (host, port): (&str, u16),
        peer: &Peer,
        timeout: Duration,
        trace: Trace,
    ) -> Result<Self, SessionEnd> {
        let refused = |error| peer.refused(&format!("{host}:{port}"), &error);
        let stream = TcpStream::connect((host, port)).await.map_err(refused)?;
        // A request is one small segment; waiting to fill it would only add delay.
        stream.set_nodelay(true).map_err(refused)?;
        Ok(Self {
            stream: Some(stream),
            timeout,
            answered_at: Instant::now(),
            trace,
        })
    }

    /// From now on each answer has to be there within this time.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// This machine's address on the connection.
    pub fn own_address(&self) -> Option<IpAddr> {
        let address = self.stream.as_ref()?.local_addr().ok()?;
        Some(address.ip())
    }

    /// How long ago an answer came.
    pub fn idle(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// Where each frame is told.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Drops the connection: what it brought makes no sense.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Sends a request, which is told to the trace, and reads its answer.
    pub async fn ask<T>(
        &mut self,
        request: &[u8],
        told: impl FnOnce() -> String,
        answer: impl AsyncFnOnce(&mut TcpStream) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        if self.stream.is_some() {
            self.trace.frame(Direction::Sent, request, told);
        }
        self.exchange(request, answer).await
    }

    /// Sends a request and reads its answer.
    pub async fn exchange<T>(
        &mut self,
        request: &[u8],
        answer: impl AsyncFnOnce(&mut TcpStream) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        // Taken out, so that whatever goes wrong, even being dropped half way, leaves no
        // connection behind on which an old answer may arrive.
        let Some(mut stream) = self.stream.take() else {
            return Err(CallError::Closed("there is no connection".to_owned()));
        };
        let exchange = async {
            let sent = stream.write_all(request).await;
            sent.map_err(|error| CallError::Closed(error.to_string()))?;
            answer(&mut stream).await
        };
        let answered = tokio::time::timeout(self.timeout, exchange).await;
        let answer = answered.map_err(|_| CallError::Timeout)??;
        self.stream = Some(stream);
        self.answered_at = Instant::now();
        Ok(answer)
    }
}

/// The first bytes of a frame, from which its length follows.
pub async fn read_head<const N: usize>(
    stream: &mut (impl AsyncRead + Unpin),
    peer: &Peer,
) -> Result<[u8; N], CallError> {
    let mut head = [0; N];
    let first = stream.read(&mut head[..1]).await;
    if first.map_err(|error| broken(&error))? == 0 {
        let what = format!("{} closed the connection", peer.near);
        return Err(CallError::Closed(what));
    }
    let rest = stream.read_exact(&mut head[1..]).await;
    rest.map_err(|error| broken(&error))?;
    Ok(head)
}

/// The rest of a frame, whose length was checked before: so much is made for it.
pub async fn read_rest(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<Vec<u8>, CallError> {
    let mut rest = vec![0; length];
    let read = stream.read_exact(&mut rest).await;
    read.map_err(|error| broken(&error))?;
    Ok(rest)
}

fn broken(error: &io::Error) -> CallError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CallError::Invalid("half a frame arrived".into()),
        _ => CallError::Closed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;

//! One connection to a controller, with at most one request under way.

use std::io;
use std::time::Duration;

use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::cip;
use crate::config::ConnectionConfig;
use crate::frame::{self, HEADER, Header, REGISTER, SEND};
use crate::route::Route;

/// Why a request has no usable answer. In each case the connection is gone afterwards: what
/// arrives late on it could be taken for the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The controller closed or reset the connection, or ended the session.
    Closed(String),
    /// What came is no answer to the request.
    Invalid(String),
}

/// An open connection with its session.
pub(crate) struct Line {
    stream: Option<TcpStream>,
    place: String,
    route: Route,
    timeout: Duration,
    session: u32,
    context: u64,
    answered_at: Instant,
    trace: Trace,
}

impl Line {
    /// Connects and opens a session.
    pub(crate) async fn open(config: &ConnectionConfig, trace: Trace) -> Result<Self, SessionEnd> {
        let opening = Box::pin(Self::open_in_time(config, trace));
        let opened = tokio::time::timeout(config.opening(), opening).await;
        opened.unwrap_or_else(|_| {
            let (host, port, after) = (&config.host, config.port, config.opening());
            let message = format!(
                "{host}:{port} did not open an EtherNet/IP session within {after:?}: check host, \
                 port, cabling and firewalls, and that a controller listens there"
            );
            Err(SessionEnd::lost("connect_timeout", message))
        })
    }

    async fn open_in_time(config: &ConnectionConfig, trace: Trace) -> Result<Self, SessionEnd> {
        let place = format!("{}:{}", config.host, config.port);
        let stream = TcpStream::connect((config.host.as_str(), config.port)).await;
        let stream = stream.map_err(|error| refused(&place, &error))?;
        // A request is one small segment; waiting to fill it would only add delay.
        stream
            .set_nodelay(true)
            .map_err(|error| refused(&place, &error))?;
        let mut line = Self {
            stream: Some(stream),
            place,
            route: config.route(),
            timeout: config.opening(),
            session: 0,
            context: 0,
            answered_at: Instant::now(),
            trace,
        };
        let context = line.next_context();
        let request = frame::register(context);
        let answered = line.exchange(&request, REGISTER).await;
        let (header, _) = answered.map_err(|error| line.unwanted(&error))?;
        line.session = header.session;
        line.timeout = config.answering();
        Ok(line)
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// How long ago the controller answered.
    pub(crate) fn idle(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// Sends a CIP message and waits for its answer.
    pub(crate) async fn call(&mut self, message: &[u8]) -> Result<Vec<u8>, CallError> {
        let context = self.next_context();
        let whole = frame::routed(message, self.route.bytes());
        let request = frame::send(self.session, context, &whole);
        self.trace
            .frame(Direction::Sent, &request, || cip::describe(message));
        let (_, body) = self.exchange(&request, SEND).await?;
        let answer = frame::message(&body).map(<[u8]>::to_vec);
        let told = || {
            answer
                .as_ref()
                .map_or_else(String::clone, |bytes| cip::describe(bytes))
        };
        self.trace.frame(Direction::Received, &body, told);
        answer.map_err(|what| {
            self.stream = None;
            CallError::Invalid(what)
        })
    }

    fn next_context(&mut self) -> u64 {
        self.context += 1;
        self.context
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        command: u16,
    ) -> Result<(Header, Vec<u8>), CallError> {
        // Taken out, so that whatever goes wrong, even being dropped half way, leaves no
        // connection behind on which an old answer may arrive.
        let Some(mut stream) = self.stream.take() else {
            return Err(CallError::Closed("there is no connection".to_owned()));
        };
        let exchange = async {
            let sent = stream.write_all(request).await;
            sent.map_err(|error| CallError::Closed(error.to_string()))?;
            read_frame(&mut stream).await
        };
        let answered = tokio::time::timeout(self.timeout, exchange).await;
        let (header, body) = answered.map_err(|_| CallError::Timeout)??;
        let is_ours = header.command == command && header.context == self.context;
        if !is_ours || (command != REGISTER && header.session != self.session) {
            let what = "what arrived answers another request".to_owned();
            return Err(CallError::Invalid(what));
        }
        if header.status != 0 {
            return Err(CallError::Closed(status(header.status)));
        }
        self.stream = Some(stream);
        self.answered_at = Instant::now();
        Ok((header, body))
    }

    /// The connection was taken, and no session came of it.
    fn unwanted(&self, error: &CallError) -> SessionEnd {
        let place = &self.place;
        match error {
            CallError::Invalid(what) => SessionEnd::lost(
                "invalid_answer",
                format!("{place} does not speak EtherNet/IP: {what}: check host and port"),
            ),
            CallError::Timeout => SessionEnd::lost(
                "connect_timeout",
                format!("{place} does not answer the request for a session: check host and port"),
            ),
            CallError::Closed(what) => SessionEnd::lost(
                "session_refused",
                format!(
                    "{place} gives no session: {what}: check that fewer clients are connected \
                     than the device takes"
                ),
            ),
        }
    }
}

fn status(status: u32) -> String {
    match status {
        0x02 => "the device has no resources left".to_owned(),
        0x64 => "the device says that the session is invalid".to_owned(),
        0x69 => "the device wants another version of the protocol".to_owned(),
        other => format!("the device refuses the frame with status {other:#06x}"),
    }
}

/// A frame, its length checked before anything is made for it.
async fn read_frame(stream: &mut TcpStream) -> Result<(Header, Vec<u8>), CallError> {
    let mut head = [0; HEADER];
    let first = stream.read(&mut head[..1]).await;
    if first.map_err(|error| closed(&error))? == 0 {
        let what = "the device closed the connection".to_owned();
        return Err(CallError::Closed(what));
    }
    let rest = stream.read_exact(&mut head[1..]).await;
    rest.map_err(|error| closed(&error))?;
    let header = frame::header(head).map_err(CallError::Invalid)?;
    let mut body = vec![0; header.length];
    let read = stream.read_exact(&mut body).await;
    read.map_err(|error| closed(&error))?;
    Ok((header, body))
}

fn closed(error: &io::Error) -> CallError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CallError::Invalid("half a frame arrived".into()),
        _ => CallError::Closed(error.to_string()),
    }
}

fn refused(place: &str, error: &io::Error) -> SessionEnd {
    let (code, advice) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            "connection_refused",
            "nothing listens there: check host and port",
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ("unreachable", "check the address and the route to it")
        }
        // A resolver's failure has no kind of its own, but it is none of the system's errors.
        _ if error.raw_os_error().is_none() => {
            ("host_not_found", "check the name, or give an IP address")
        }
        _ => ("connect_failed", "check host and port"),
    };
    let message = format!("cannot connect to {place}: {error}: {advice}");
    SessionEnd::lost(code, message)
}

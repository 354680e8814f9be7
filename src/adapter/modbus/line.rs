//! One TCP connection to a device or gateway, with at most one request under way.

use std::io;
use std::time::Duration;

use mainstem_adapter::SessionEnd;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_modbus::client::{Client as _, Context};
use tokio_modbus::prelude::SlaveContext as _;
use tokio_modbus::{Error, ExceptionCode, ProtocolError, Request, Response, Slave};

/// Why a request has no usable answer. In each case the connection is gone afterwards: what
/// arrives late on it could be taken for the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The device closed or reset the connection.
    Closed(String),
    /// What came is no answer to the request.
    Invalid(String),
}

/// The device's answer: a response of the right kind, or its exception.
pub(crate) type Answer = Result<Response, ExceptionCode>;

/// The connection and where it leads.
pub(crate) struct Line {
    host: String,
    port: u16,
    timeout: Duration,
    context: Option<Context>,
    answered_at: Option<Instant>,
}

impl Line {
    /// Not connected yet.
    pub(crate) fn new(host: &str, port: u16, timeout: Duration) -> Self {
        Self {
            host: host.to_owned(),
            port,
            timeout,
            context: None,
            answered_at: None,
        }
    }

    /// `host:port`, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether requests can be sent.
    pub(crate) fn is_up(&self) -> bool {
        self.context.is_some()
    }

    /// How long ago this connection brought an answer; `None` if it never did.
    pub(crate) fn idle(&self) -> Option<Duration> {
        self.answered_at.map(|at| at.elapsed())
    }

    /// Connects, if that is not done yet.
    pub(crate) async fn connect(&mut self) -> Result<(), SessionEnd> {
        if self.is_up() {
            return Ok(());
        }
        let attempt = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match tokio::time::timeout(self.timeout, attempt).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.refused(&error)),
            Err(_) => {
                let (place, after) = (self.place(), self.timeout);
                let message = format!(
                    "{place} did not accept a connection within {after:?}: check host, port, \
                     cabling and firewalls"
                );
                return Err(SessionEnd::lost("connect_timeout", message));
            }
        };
        // A request is one small segment; waiting to fill it would only add delay.
        stream
            .set_nodelay(true)
            .map_err(|error| self.refused(&error))?;
        self.context = Some(tokio_modbus::client::tcp::attach(stream));
        self.answered_at = None;
        Ok(())
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call(
        &mut self,
        unit: u8,
        request: Request<'_>,
    ) -> Result<Answer, CallError> {
        // Taken out, so that whatever goes wrong, even being dropped half way, leaves no
        // connection behind on which an old answer may arrive.
        let Some(mut context) = self.context.take() else {
            return Err(CallError::Closed("there is no connection".to_owned()));
        };
        self.answered_at = None;
        context.set_slave(Slave(unit));
        match tokio::time::timeout(self.timeout, context.call(request)).await {
            Ok(Ok(answer)) => {
                self.context = Some(context);
                self.answered_at = Some(Instant::now());
                Ok(answer)
            }
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(CallError::Timeout),
        }
    }

    /// Drops the connection: what it brought made no sense.
    pub(crate) fn reject(&mut self) {
        self.context = None;
    }

    fn refused(&self, error: &io::Error) -> SessionEnd {
        let place = self.place();
        let (code, advice) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (
                "connection_refused",
                "nothing listens there: check the port and the device",
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
        SessionEnd::lost(
            code,
            format!("cannot connect to {place}: {error}: {advice}"),
        )
    }
}

fn classify(error: &Error) -> CallError {
    match error {
        Error::Protocol(ProtocolError::HeaderMismatch { message, .. }) => {
            CallError::Invalid(format!("the answer belongs to another request ({message})"))
        }
        Error::Protocol(ProtocolError::FunctionCodeMismatch { request, .. }) => CallError::Invalid(
            format!("the answer to function code {request} has another function code"),
        ),
        Error::Transport(error) => classify_io(error),
    }
}

fn classify_io(error: &io::Error) -> CallError {
    match error.kind() {
        io::ErrorKind::InvalidData => CallError::Invalid(format!(
            "what the device sent is no Modbus TCP frame: {error}"
        )),
        io::ErrorKind::UnexpectedEof => {
            CallError::Invalid("the device sent a frame that is too short for its content".into())
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => CallError::Closed(error.to_string()),
        // The codec says so when the stream ends within a frame.
        io::ErrorKind::Other => CallError::Invalid(format!("half a frame arrived: {error}")),
        // At the end of the stream the library hands out whatever the last error of the system
        // was, so its text would mislead.
        _ => CallError::Closed("the device closed the connection".to_owned()),
    }
}

//! One connection to a device or gateway, with at most one request under way.

use std::io;
use std::time::Duration;

use mainstem_adapter::SessionEnd;
use tokio::time::Instant;
use tokio_modbus::client::{Client as _, Context};
use tokio_modbus::prelude::SlaveContext as _;
use tokio_modbus::{Error, ExceptionCode, ProtocolError, Request, Response, Slave};

use crate::way::Way;

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
    way: Way,
    timeout: Duration,
    context: Option<Context>,
    answered_at: Option<Instant>,
    /// When the next request may be sent, where the way asks for a pause.
    quiet_until: Option<Instant>,
}

impl Line {
    /// Not connected yet.
    pub(crate) fn new(way: Way, timeout: Duration) -> Self {
        Self {
            way,
            timeout,
            context: None,
            answered_at: None,
            quiet_until: None,
        }
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> String {
        self.way.place()
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
        self.context = Some(self.way.open().await?);
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
        if let Some(moment) = self.quiet_until.take() {
            tokio::time::sleep_until(moment).await;
        }
        context.set_slave(Slave(unit));
        let called = tokio::time::timeout(self.timeout, context.call(request)).await;
        let gap = self.way.gap();
        self.quiet_until = (!gap.is_zero()).then(|| Instant::now() + gap);
        match called {
            Ok(Ok(answer)) => {
                self.context = Some(context);
                self.answered_at = Some(Instant::now());
                Ok(answer)
            }
            Ok(Err(error)) => match classify(&error) {
                // The line has damaged it.
                CallError::Invalid(_) if self.way.is_noisy() => Err(CallError::Timeout),
                error => Err(error),
            },
            Err(_) => Err(CallError::Timeout),
        }
    }

    /// Drops the connection: what it brought made no sense.
    pub(crate) fn reject(&mut self) {
        self.context = None;
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
        // Rustls has this word for a stream that ends without a farewell: a TLS 1.3 server tells only
        // so that it does not want a client's certificate.
        io::ErrorKind::UnexpectedEof if error.to_string().contains("close_notify") => {
            CallError::Closed(
                "the device ended the TLS connection; perhaps it does not accept this node's \
                 certificate"
                    .into(),
            )
        }
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

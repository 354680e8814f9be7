//! One connection to a CPU, with at most one request under way.

use std::io;
use std::time::Duration;

use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::config::ConnectionConfig;
use crate::frame::{self, PDU_MAX, TPKT, Tpdu};
use crate::pdu::{self, AnswerError};
use crate::pdu_text;

/// The shortest PDU that leaves room for an item worth asking for.
const PDU_MIN: u16 = 64;
/// Bytes of a data TPDU that are no PDU.
const TPDU_HEADER: usize = 3;
/// Frames that one PDU may come in; each of them may be empty, so their bytes are no limit.
const FRAMES_MAX: usize = 32;

/// Why a request has no usable answer. In each case the connection is gone afterwards: what
/// arrives late on it could be taken for the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The CPU closed or reset the connection.
    Closed(String),
    /// What came is no answer to the request.
    Invalid(String),
}

/// An open connection.
pub(crate) struct Line {
    stream: Option<TcpStream>,
    place: String,
    timeout: Duration,
    pdu: usize,
    reference: u16,
    answered_at: Instant,
    trace: Trace,
}

impl Line {
    /// Connects, introduces itself, and agrees on the length of PDUs.
    pub(crate) async fn open(config: &ConnectionConfig, trace: &Trace) -> Result<Self, SessionEnd> {
        let opening = Box::pin(Self::open_in_time(config, trace));
        let opened = tokio::time::timeout(config.opening(), opening).await;
        opened.unwrap_or_else(|_| {
            let (host, port, after) = (&config.host, config.port, config.opening());
            let message = format!(
                "{host}:{port} did not open an S7 connection within {after:?}: check host, port, \
                 cabling and firewalls, and that a CPU listens there"
            );
            Err(SessionEnd::lost("connect_timeout", message))
        })
    }

    async fn open_in_time(config: &ConnectionConfig, trace: &Trace) -> Result<Self, SessionEnd> {
        let place = format!("{}:{}", config.host, config.port);
        let stream = TcpStream::connect((config.host.as_str(), config.port)).await;
        let mut stream = stream.map_err(|error| refused(&place, &error))?;
        // A request is one small segment; waiting to fill it would only add delay.
        stream
            .set_nodelay(true)
            .map_err(|error| refused(&place, &error))?;
        let unwanted = |error| handshake_failed(&place, config, error);
        let request = frame::connect_request(config.local_tsap.0, config.remote());
        trace.frame(Direction::Sent, &request, || {
            let (rack, slot) = (config.rack, config.slot);
            format!(
                "asks for a connection to TSAP {:04X} (rack {rack}, slot {slot})",
                config.remote()
            )
        });
        let size = introduce(&mut stream, &request).await.map_err(unwanted)?;
        trace.note(|| format!("the CPU confirms the connection, TPDUs of {size} bytes"));
        let mut line = Self {
            stream: Some(stream),
            place: place.clone(),
            timeout: config.opening(),
            pdu: usize::from(PDU_MAX),
            reference: 0,
            answered_at: Instant::now(),
            trace: trace.clone(),
        };
        let reference = line.next_reference();
        let answer = line
            .call(&pdu::setup_request(reference, config.pdu_size))
            .await;
        let answer = answer.map_err(unwanted)?;
        let granted = match pdu::setup_answer(&answer, reference) {
            Ok(granted) if (PDU_MIN..=config.pdu_size).contains(&granted) => granted,
            Ok(granted) => {
                let what = format!("it grants PDUs of {granted} bytes");
                return Err(unwanted(CallError::Invalid(what)));
            }
            Err(AnswerError::Invalid(what)) => return Err(unwanted(CallError::Invalid(what))),
            Err(AnswerError::Refused { class, code }) => {
                let what = format!("it refuses the setup with error {class:#04x} {code:#04x}");
                return Err(unwanted(CallError::Closed(what)));
            }
        };
        line.pdu = usize::from(granted).min(size.saturating_sub(TPDU_HEADER));
        line.timeout = config.answering();
        Ok(line)
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The longest PDU in both directions.
    pub(crate) fn pdu(&self) -> usize {
        self.pdu
    }

    /// How long ago the CPU answered.
    pub(crate) fn idle(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// A number for a request, so that its answer can be told from others.
    pub(crate) fn next_reference(&mut self) -> u16 {
        self.reference = self.reference.wrapping_add(1);
        self.reference
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, CallError> {
        // Taken out, so that whatever goes wrong, even being dropped half way, leaves no
        // connection behind on which an old answer may arrive.
        let Some(mut stream) = self.stream.take() else {
            return Err(CallError::Closed("there is no connection".to_owned()));
        };
        let exchange = async {
            let frame = frame::data(request);
            self.trace
                .frame(Direction::Sent, &frame, || pdu_text::of(request));
            let sent = stream.write_all(&frame).await;
            sent.map_err(|error| CallError::Closed(error.to_string()))?;
            read_pdu(&mut stream).await
        };
        let answered = tokio::time::timeout(self.timeout, exchange).await;
        let answer = answered.map_err(|_| CallError::Timeout)??;
        self.trace
            .frame(Direction::Received, &answer, || pdu_text::of(&answer));
        self.stream = Some(stream);
        self.answered_at = Instant::now();
        Ok(answer)
    }
}

/// Asks for the connection; returns the size of TPDUs that the CPU takes.
async fn introduce(stream: &mut TcpStream, request: &[u8]) -> Result<usize, CallError> {
    let sent = stream.write_all(request).await;
    sent.map_err(|error| CallError::Closed(error.to_string()))?;
    let frame = read_frame(stream).await?;
    match frame::parse(&frame).map_err(CallError::Invalid)? {
        Tpdu::Confirm { size } => Ok(size),
        Tpdu::Disconnect { reason } => Err(CallError::Closed(format!(
            "the CPU refuses the connection with reason {reason}"
        ))),
        Tpdu::Data { .. } => Err(CallError::Invalid(
            "it sends data before there is a connection".to_owned(),
        )),
    }
}

/// A PDU, put together from its frames.
async fn read_pdu(stream: &mut TcpStream) -> Result<Vec<u8>, CallError> {
    let mut whole = Vec::new();
    for _ in 0..FRAMES_MAX {
        let frame = read_frame(stream).await?;
        match frame::parse(&frame).map_err(CallError::Invalid)? {
            Tpdu::Data { last, bytes } => {
                whole.extend_from_slice(bytes);
                if whole.len() > usize::from(PDU_MAX) {
                    let what = "an answer is longer than agreed".to_owned();
                    return Err(CallError::Invalid(what));
                }
                if last {
                    return Ok(whole);
                }
            }
            Tpdu::Disconnect { reason } => {
                let what = format!("the CPU ended the connection with reason {reason}");
                return Err(CallError::Closed(what));
            }
            Tpdu::Confirm { .. } => {
                return Err(CallError::Invalid("it confirms twice".to_owned()));
            }
        }
    }
    let what = format!("an answer comes in more than {FRAMES_MAX} frames");
    Err(CallError::Invalid(what))
}

/// What stands behind one TPKT header.
async fn read_frame(stream: &mut TcpStream) -> Result<Vec<u8>, CallError> {
    let mut header = [0; TPKT];
    let first = stream.read(&mut header[..1]).await;
    if first.map_err(|error| closed(&error))? == 0 {
        let what = "the CPU closed the connection".to_owned();
        return Err(CallError::Closed(what));
    }
    let rest = stream.read_exact(&mut header[1..]).await;
    rest.map_err(|error| closed(&error))?;
    let mut tpdu = vec![0; frame::rest_of(header).map_err(CallError::Invalid)?];
    let read = stream.read_exact(&mut tpdu).await;
    read.map_err(|error| closed(&error))?;
    Ok(tpdu)
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
            "nothing listens there: check host and port, and that the CPU has Ethernet",
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

/// The CPU took the TCP connection, and no S7 connection came of it.
fn handshake_failed(place: &str, config: &ConnectionConfig, error: CallError) -> SessionEnd {
    let remote = config.remote();
    match error {
        CallError::Invalid(what) => SessionEnd::lost(
            "invalid_answer",
            format!(
                "{place} is no S7 CPU, or nothing that can be trusted: {what}: check host and port"
            ),
        ),
        CallError::Timeout => SessionEnd::lost(
            "connect_timeout",
            format!(
                "{place} does not answer the request for an S7 connection: check host and port"
            ),
        ),
        CallError::Closed(what) => SessionEnd::lost(
            "s7_connection_refused",
            format!(
                "{place} gives no S7 connection to rack {} slot {} (TSAP {remote:04X}): {what}: \
                 check `rack` and `slot` (slot 2 for S7-300, 1 for S7-1200 and S7-1500), and \
                 whether the CPU has a connection of this `connectionType` left",
                config.rack, config.slot
            ),
        ),
    }
}

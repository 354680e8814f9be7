//! One connection to a CPU, with at most one request under way.

use std::time::Duration;

use mainstem_adapter::polled::{CallError, Peer, Socket, read_head, read_rest};
use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::net::TcpStream;

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

/// What messages say about who is at the other end.
pub(crate) const PEER: Peer = Peer {
    device: "the CPU",
    near: "the CPU",
    identity: "an S7 CPU",
    time_limit: "operationTimeout",
    if_refused: "check host and port, and that the CPU has Ethernet",
    if_unreachable: "check the address and the route to it",
    if_failed: "check host and port",
};

/// An open connection.
pub(crate) struct Line {
    socket: Socket,
    place: String,
    pdu: usize,
    reference: u16,
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
        let to = (config.host.as_str(), config.port);
        let opening = Socket::connect(to, &PEER, config.opening(), trace.clone());
        let mut socket = opening.await?;
        let unwanted = |error| handshake_failed(&place, config, error);
        let request = frame::connect_request(config.local_tsap.0, config.remote());
        let told = || {
            let (rack, slot) = (config.rack, config.slot);
            format!(
                "asks for a connection to TSAP {:04X} (rack {rack}, slot {slot})",
                config.remote()
            )
        };
        let confirmed = socket.ask(&request, told, confirmation).await;
        let size = confirmed.map_err(unwanted)?;
        trace.note(|| format!("the CPU confirms the connection, TPDUs of {size} bytes"));
        let mut line = Self {
            socket,
            place: place.clone(),
            pdu: usize::from(PDU_MAX),
            reference: 0,
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
        line.socket.set_timeout(config.answering());
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
        self.socket.idle()
    }

    /// A number for a request, so that its answer can be told from others.
    pub(crate) fn next_reference(&mut self) -> u16 {
        self.reference = self.reference.wrapping_add(1);
        self.reference
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let frame = frame::data(request);
        let told = || pdu_text::of(request);
        let answer = self.socket.ask(&frame, told, read_pdu).await?;
        let told = || pdu_text::of(&answer);
        self.socket
            .trace()
            .frame(Direction::Received, &answer, told);
        Ok(answer)
    }
}

/// The size of TPDUs that the CPU takes, as it confirms the connection.
async fn confirmation(stream: &mut TcpStream) -> Result<usize, CallError> {
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
    let header: [u8; TPKT] = read_head(stream, &PEER).await?;
    let length = frame::rest_of(header).map_err(CallError::Invalid)?;
    read_rest(stream, length).await
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

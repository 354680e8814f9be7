//! One connection to a controller, with at most one request under way.

use std::time::Duration;

use mainstem_adapter::polled::{CallError, Peer, Socket, read_head, read_rest};
use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::net::TcpStream;

use crate::cip;
use crate::config::ConnectionConfig;
use crate::frame::{self, HEADER, Header, REGISTER, SEND};
use crate::route::Route;

/// What messages say about who is at the other end.
pub(crate) const PEER: Peer = Peer {
    device: "the controller",
    near: "the device",
    identity: "a Logix controller",
    time_limit: "operationTimeout",
    if_refused: "check host and port",
    if_unreachable: "check the address and the route to it",
    if_failed: "check host and port",
};

/// An open connection with its session.
pub(crate) struct Line {
    socket: Socket,
    place: String,
    route: Route,
    session: u32,
    context: u64,
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
        let to = (config.host.as_str(), config.port);
        let socket = Socket::connect(to, &PEER, config.opening(), trace).await?;
        let mut line = Self {
            socket,
            place,
            route: config.route(),
            session: 0,
            context: 0,
        };
        let context = line.next_context();
        let request = frame::register(context);
        let answered = line.exchange(&request, REGISTER).await;
        let (header, _) = answered.map_err(|error| line.unwanted(&error))?;
        line.session = header.session;
        line.socket.set_timeout(config.answering());
        Ok(line)
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// How long ago the controller answered.
    pub(crate) fn idle(&self) -> Duration {
        self.socket.idle()
    }

    /// Sends a CIP message and waits for its answer.
    pub(crate) async fn call(&mut self, message: &[u8]) -> Result<Vec<u8>, CallError> {
        let context = self.next_context();
        let whole = frame::routed(message, self.route.bytes());
        let request = frame::send(self.session, context, &whole);
        let told = || cip::describe(message);
        self.socket.trace().frame(Direction::Sent, &request, told);
        let (_, body) = self.exchange(&request, SEND).await?;
        let answer = frame::message(&body).map(<[u8]>::to_vec);
        let told = || {
            answer
                .as_ref()
                .map_or_else(String::clone, |bytes| cip::describe(bytes))
        };
        self.socket.trace().frame(Direction::Received, &body, told);
        answer.map_err(|what| {
            self.socket.close();
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
        let (session, context) = (self.session, self.context);
        let answer = async |stream: &mut TcpStream| {
            let (header, body) = read_frame(stream).await?;
            let is_ours = header.command == command && header.context == context;
            if !is_ours || (command != REGISTER && header.session != session) {
                let what = "what arrived answers another request".to_owned();
                return Err(CallError::Invalid(what));
            }
            match header.status {
                0 => Ok((header, body)),
                refused => Err(CallError::Closed(status(refused))),
            }
        };
        self.socket.exchange(request, answer).await
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
    let head: [u8; HEADER] = read_head(stream, &PEER).await?;
    let header = frame::header(head).map_err(CallError::Invalid)?;
    let body = read_rest(stream, header.length).await?;
    Ok((header, body))
}

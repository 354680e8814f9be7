//! One connection to a router, with at most one request under way.

use std::net::IpAddr;
use std::time::Duration;

use mainstem_adapter::polled::{self, Peer, Socket, read_head, read_rest};
use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::net::TcpStream;

use crate::ams::{self, HEADER, NEWS, TCP_HEADER};
use crate::commands::{self, STATE};
use crate::config::ConnectionConfig;
use crate::fault;
use crate::net_id::{AmsAddress, NetId};

/// Frames with news that nobody asked for, before an answer.
const NEWS_MAX: usize = 64;
/// Bytes of any answer beside what was asked for: result and length; and of news.
const BESIDE: usize = 4096;

/// What messages say about who is at the other end.
pub(crate) const PEER: Peer = Peer {
    device: "the PLC",
    near: "the router",
    identity: "TwinCAT",
    time_limit: "timeoutDelay",
    if_refused: "check host and `routerTcpPort`, and that TwinCAT runs",
    if_unreachable: "check the address and the way to it",
    if_failed: "check host and `routerTcpPort`",
};

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The connection is gone.
    Broken(polled::CallError),
    /// The router could not hand the request on.
    Astray(u32),
}

impl CallError {
    /// What came is no answer to the request.
    pub(crate) fn invalid(what: String) -> Self {
        Self::Broken(polled::CallError::Invalid(what))
    }
}

impl From<polled::CallError> for CallError {
    fn from(error: polled::CallError) -> Self {
        Self::Broken(error)
    }
}

/// An open connection.
pub(crate) struct Line {
    socket: Socket,
    place: String,
    target: AmsAddress,
    source: AmsAddress,
    own: Option<IpAddr>,
    number: u32,
}

impl Line {
    /// Connects, and asks the PLC for its state: a router says nothing about a missing route
    /// before it is asked for something.
    pub(crate) async fn open(config: &ConnectionConfig, trace: Trace) -> Result<Self, SessionEnd> {
        let opening = Box::pin(Self::open_in_time(config, trace));
        let opened = tokio::time::timeout(config.opening(), opening).await;
        opened.unwrap_or_else(|_| {
            let (host, port) = (&config.host, config.router_tcp_port);
            let after = config.opening();
            let message = format!(
                "{host}:{port} did not answer ADS within {after:?}: check host, cabling and \
                 firewalls (TCP {port}), that TwinCAT runs there, and that its router has a route \
                 to this machine"
            );
            Err(SessionEnd::lost("connect_timeout", message))
        })
    }

    async fn open_in_time(config: &ConnectionConfig, trace: Trace) -> Result<Self, SessionEnd> {
        let place = format!("{}:{}", config.host, config.router_tcp_port);
        let to = (config.host.as_str(), config.router_tcp_port);
        let socket = Socket::connect(to, &PEER, config.opening(), trace).await?;
        let own = socket.own_address();
        let net_id = config.local_address.or(match own {
            Some(IpAddr::V4(address)) => Some(NetId::of(address)),
            _ => None,
        });
        let Some(net_id) = net_id else {
            let message = format!(
                "{place} is reached over IPv6, from which no AMS Net Id follows: set \
                 `localAddress` to the one that the route there names"
            );
            return Err(SessionEnd::Misconfigured { message });
        };
        let mut line = Self {
            socket,
            place,
            target: config.target(),
            source: AmsAddress {
                net_id,
                port: config.local_port,
            },
            own,
            number: 0,
        };
        let answered = line.call(STATE, &[], 0).await;
        answered.map_err(|error| line.unwanted(&error))?;
        line.socket.set_timeout(config.answering());
        Ok(line)
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// How long ago the PLC answered.
    pub(crate) fn idle(&self) -> Duration {
        self.socket.idle()
    }

    /// Sends a request and waits for its answer, of which `most` bytes were asked for.
    pub(crate) async fn call(
        &mut self,
        command: u16,
        data: &[u8],
        most: usize,
    ) -> Result<Vec<u8>, CallError> {
        self.number = self.number.wrapping_add(1);
        let number = self.number;
        let request = ams::frame(self.target, self.source, command, number, data);
        let told = || commands::describe(command, false, data);
        let read = async |stream: &mut TcpStream| answer(stream, command, number, most).await;
        let (error, answer) = self.socket.ask(&request, told, read).await?;
        let told = || commands::describe(command, true, &answer);
        self.socket
            .trace()
            .frame(Direction::Received, &answer, told);
        match error {
            0 => Ok(answer),
            code => Err(CallError::Astray(code)),
        }
    }

    /// The connection was taken, and nothing came of it.
    fn unwanted(&self, error: &CallError) -> SessionEnd {
        use polled::CallError::{Closed, Invalid, Timeout};

        let place = &self.place;
        match error {
            CallError::Astray(code) => self.astray(*code),
            CallError::Broken(Invalid(what)) => SessionEnd::lost(
                "invalid_answer",
                format!("{place} does not speak ADS: {what}: check host and `routerTcpPort`"),
            ),
            CallError::Broken(Timeout) => SessionEnd::lost(
                "connect_timeout",
                format!("{place} does not answer ADS: check `netId`, and the route back"),
            ),
            CallError::Broken(Closed(what)) => {
                let net_id = self.source.net_id;
                let own = self.own.map_or_else(String::new, |own| format!(" ({own})"));
                SessionEnd::Refused {
                    code: "route_missing",
                    message: format!(
                        "the router at {place} closes the connection as soon as it is asked \
                         ({what}): add a route for AMS Net Id {net_id} to this machine{own} there \
                         (TwinCAT, System, Routes, Add Route: transport TCP/IP, address of this \
                         machine), or set `localAddress` to the AMS Net Id of the route that is \
                         there"
                    ),
                    retry_after: None,
                }
            }
        }
    }

    /// The router answers for a PLC that it does not reach.
    pub(crate) fn astray(&self, code: u32) -> SessionEnd {
        let (word, advice) = fault::way(code);
        let (place, target) = (&self.place, self.target);
        SessionEnd::Refused {
            code: word,
            message: format!(
                "the router at {place} does not reach {}:{} (AMS error {code:#x}): {advice}",
                target.net_id, target.port
            ),
            retry_after: None,
        }
    }
}

/// The answer to a request, past news that are none.
async fn answer(
    stream: &mut TcpStream,
    command: u16,
    number: u32,
    most: usize,
) -> Result<(u32, Vec<u8>), polled::CallError> {
    for _ in 0..=NEWS_MAX {
        let frame = read_frame(stream, most + BESIDE).await?;
        let (header, data) = ams::parse(&frame).map_err(polled::CallError::Invalid)?;
        if header.command == NEWS && command != NEWS {
            continue;
        }
        if !header.is_answer || header.command != command || header.number != number {
            let what = "what arrived answers another request".to_owned();
            return Err(polled::CallError::Invalid(what));
        }
        return Ok((header.error, data.to_vec()));
    }
    let what = format!("more than {NEWS_MAX} frames that nobody asked for");
    Err(polled::CallError::Invalid(what))
}

/// What stands behind the first six bytes; its length is checked before anything is made for it.
async fn read_frame(stream: &mut TcpStream, most: usize) -> Result<Vec<u8>, polled::CallError> {
    let head: [u8; TCP_HEADER] = read_head(stream, &PEER).await?;
    let length = ams::rest_of(head, most).map_err(polled::CallError::Invalid)?;
    read_rest(stream, length.max(HEADER)).await
}

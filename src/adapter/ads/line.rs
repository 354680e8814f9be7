//! One connection to a router, with at most one request under way.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use mainstem_adapter::{Direction, SessionEnd, Trace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::ams::{self, HEADER, NEWS, TCP_HEADER};
use crate::commands::{self, STATE};
use crate::config::ConnectionConfig;
use crate::fault;
use crate::net_id::{AmsAddress, NetId};

/// Frames with news that nobody asked for, before an answer.
const NEWS_MAX: usize = 64;
/// Bytes of any answer beside what was asked for: result and length; and of news.
const BESIDE: usize = 4096;

/// Why a request has no usable answer. But for `Refused`, the connection is gone afterwards: what
/// arrives late on it could be taken for the answer to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Nothing came in time.
    Timeout,
    /// The router closed or reset the connection.
    Closed(String),
    /// What came is no answer to the request.
    Invalid(String),
    /// The router could not hand the request on.
    Astray(u32),
}

/// An open connection.
pub(crate) struct Line {
    stream: Option<TcpStream>,
    place: String,
    target: AmsAddress,
    source: AmsAddress,
    own: Option<IpAddr>,
    timeout: Duration,
    number: u32,
    answered_at: Instant,
    trace: Trace,
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
        let stream = TcpStream::connect((config.host.as_str(), config.router_tcp_port)).await;
        let stream = stream.map_err(|error| refused(&place, &error))?;
        // A request is one small segment; waiting to fill it would only add delay.
        stream
            .set_nodelay(true)
            .map_err(|error| refused(&place, &error))?;
        let own = stream.local_addr().ok().map(|address| address.ip());
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
            stream: Some(stream),
            place,
            target: config.target(),
            source: AmsAddress {
                net_id,
                port: config.local_port,
            },
            own,
            timeout: config.opening(),
            number: 0,
            answered_at: Instant::now(),
            trace,
        };
        let answered = line.call(STATE, &[], 0).await;
        answered.map_err(|error| line.unwanted(&error))?;
        line.timeout = config.answering();
        Ok(line)
    }

    /// Where it leads, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// How long ago the PLC answered.
    pub(crate) fn idle(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// Sends a request and waits for its answer, of which `most` bytes were asked for.
    pub(crate) async fn call(
        &mut self,
        command: u16,
        data: &[u8],
        most: usize,
    ) -> Result<Vec<u8>, CallError> {
        // Taken out, so that whatever goes wrong, even being dropped half way, leaves no
        // connection behind on which an old answer may arrive.
        let Some(mut stream) = self.stream.take() else {
            return Err(CallError::Closed("there is no connection".to_owned()));
        };
        self.number = self.number.wrapping_add(1);
        let number = self.number;
        let request = ams::frame(self.target, self.source, command, number, data);
        let told = || commands::describe(command, false, data);
        self.trace.frame(Direction::Sent, &request, told);
        let exchange = async {
            let sent = stream.write_all(&request).await;
            sent.map_err(|error| CallError::Closed(error.to_string()))?;
            answer(&mut stream, command, number, most).await
        };
        let answered = tokio::time::timeout(self.timeout, exchange).await;
        let (error, answer) = answered.map_err(|_| CallError::Timeout)??;
        let told = || commands::describe(command, true, &answer);
        self.trace.frame(Direction::Received, &answer, told);
        self.stream = Some(stream);
        self.answered_at = Instant::now();
        match error {
            0 => Ok(answer),
            code => Err(CallError::Astray(code)),
        }
    }

    /// The connection was taken, and nothing came of it.
    fn unwanted(&self, error: &CallError) -> SessionEnd {
        let place = &self.place;
        match error {
            CallError::Astray(code) => self.astray(*code),
            CallError::Invalid(what) => SessionEnd::lost(
                "invalid_answer",
                format!("{place} does not speak ADS: {what}: check host and `routerTcpPort`"),
            ),
            CallError::Timeout => SessionEnd::lost(
                "connect_timeout",
                format!("{place} does not answer ADS: check `netId`, and the route back"),
            ),
            CallError::Closed(what) => {
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
) -> Result<(u32, Vec<u8>), CallError> {
    for _ in 0..=NEWS_MAX {
        let frame = read_frame(stream, most + BESIDE).await?;
        let (header, data) = ams::parse(&frame).map_err(CallError::Invalid)?;
        if header.command == NEWS && command != NEWS {
            continue;
        }
        if !header.is_answer || header.command != command || header.number != number {
            let what = "what arrived answers another request".to_owned();
            return Err(CallError::Invalid(what));
        }
        return Ok((header.error, data.to_vec()));
    }
    let what = format!("more than {NEWS_MAX} frames that nobody asked for");
    Err(CallError::Invalid(what))
}

/// What stands behind the first six bytes; its length is checked before anything is made for it.
async fn read_frame(stream: &mut TcpStream, most: usize) -> Result<Vec<u8>, CallError> {
    let mut head = [0; TCP_HEADER];
    let first = stream.read(&mut head[..1]).await;
    if first.map_err(|error| closed(&error))? == 0 {
        let what = "the router closed the connection".to_owned();
        return Err(CallError::Closed(what));
    }
    let rest = stream.read_exact(&mut head[1..]).await;
    rest.map_err(|error| closed(&error))?;
    let length = ams::rest_of(head, most).map_err(CallError::Invalid)?;
    let mut frame = vec![0; length.max(HEADER)];
    let read = stream.read_exact(&mut frame).await;
    read.map_err(|error| closed(&error))?;
    Ok(frame)
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
            "nothing listens there: check host and `routerTcpPort`, and that TwinCAT runs",
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ("unreachable", "check the address and the way to it")
        }
        // A resolver's failure has no kind of its own, but it is none of the system's errors.
        _ if error.raw_os_error().is_none() => {
            ("host_not_found", "check the name, or give an IP address")
        }
        _ => ("connect_failed", "check host and `routerTcpPort`"),
    };
    let message = format!("cannot connect to {place}: {error}: {advice}");
    SessionEnd::lost(code, message)
}

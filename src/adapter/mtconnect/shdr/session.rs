//! One session with an adapter: what it says, and whether it lives.

use std::time::Duration;

use mainstem_adapter::{AdapterIo, Direction, Reading, SessionEnd};
use mainstem_model::Value;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::EVERY_LINE;
use super::config::ConnectionConfig;
use super::lines::{Found, Lines};
use super::said::{self, Said};
use crate::binding::Bindings;
use crate::shape;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Lines that an asset may have.
const ASSET_LINES_MAX: usize = 100_000;
/// How long an adapter that has spoken may take for its first sign of life; one that takes longer
/// gives none.
const PONG_PATIENCE: Duration = Duration::from_secs(2);
/// Readings that wait for it.
const READINGS_WAITING_MAX: usize = 10_000;
/// Between questions of the system whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Lines of no sense in a row, after which something else is at the other end.
const NONSENSE_MAX: usize = 100;

pub(super) struct Session<'a> {
    pub(super) place: String,
    pub(super) bindings: &'a mut Bindings,
    pub(super) io: &'a mut AdapterIo,
    pub(super) readings: Vec<Reading>,
    /// Which datapoints were told in this session.
    pub(super) told: Vec<bool>,
    /// When its first line came.
    said_at: Option<Instant>,
    online: bool,
    /// How often the adapter wants to be asked for a sign of life, once it has given one.
    pub(super) heartbeat: Option<Duration>,
    /// The mark behind which an asset ends, and how many lines of it may still come.
    pub(super) asset: Option<(String, usize)>,
    /// Lines of no sense since the last that said something.
    nonsense: usize,
}

/// Serves until stop or loss.
pub(super) async fn serve(
    config: &ConnectionConfig,
    bindings: &mut Bindings,
    io: &mut AdapterIo,
) -> Result<(), SessionEnd> {
    let place = format!("{}:{}", config.host, config.port);
    let stopped = io.stopped();
    tokio::pin!(stopped);
    let patience = Duration::from_millis(config.timeout);
    let connected = tokio::select! {
        biased;
        () = &mut stopped => return Ok(()),
        connected = tokio::time::timeout(patience, connect(config, &place)) => connected,
    };
    let mut stream = connected.map_err(|_| {
        let message = format!(
            "{place} does not take a connection within {patience:?}: check host, port and firewalls"
        );
        SessionEnd::lost("connect_timeout", message)
    })??;
    bindings.forget();
    let mut session = Session {
        place,
        told: vec![false; bindings.len()],
        bindings,
        io,
        readings: Vec::new(),
        said_at: None,
        online: false,
        heartbeat: None,
        asset: None,
        nonsense: 0,
    };
    tokio::select! {
        biased;
        () = &mut stopped => Ok(()),
        end = Box::pin(session.run(config, &mut stream)) => Err(end),
    }
}

async fn connect(config: &ConnectionConfig, place: &str) -> Result<TcpStream, SessionEnd> {
    let stream = TcpStream::connect((config.host.as_str(), config.port)).await;
    let stream = stream.and_then(|stream| {
        // A machine that was switched off says nothing: the system asks it now and then.
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE)
            .with_retries(3);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    stream.map_err(|error| {
        let message = format!(
            "cannot connect to {place}: {error}: check host and port, and that the adapter runs"
        );
        let code = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection_refused",
            _ => "connect_failed",
        };
        SessionEnd::lost(code, message)
    })
}

impl Session<'_> {
    async fn run(&mut self, config: &ConnectionConfig, stream: &mut TcpStream) -> SessionEnd {
        let (mut lines, mut buffer) = (Lines::default(), vec![0; CHUNK]);
        let patience = Duration::from_millis(config.timeout);
        let begun = Instant::now();
        let (mut heard, mut ping_at) = (begun, begun);
        loop {
            // Until the first line the time to connect counts, then two of its own heartbeats;
            // an adapter without them is believed as long as its connection stands.
            let silence = match (self.said_at, self.heartbeat) {
                (None, _) => Some(begun + patience),
                (Some(_), Some(heartbeat)) => Some(heard + 2 * heartbeat),
                (Some(said_at), None) if !self.online => Some(said_at + PONG_PATIENCE),
                (Some(_), None) => None,
            };
            self.see_who_it_is();
            if silence.is_some_and(|until| Instant::now() >= until) && !self.is_believed() {
                return self.silent(begun.elapsed(), patience);
            }
            let ping = tokio::time::sleep_until(ping_at);
            let until = silence.unwrap_or_else(|| Instant::now() + patience);
            tokio::select! {
                read = stream.read(&mut buffer) => match read {
                    Ok(0) => return self.closed("it closed the connection"),
                    Err(error) => return self.closed(&error.to_string()),
                    Ok(length) => {
                        let mut found = Vec::new();
                        lines.take(&buffer[..length], |one| found.push(one));
                        // Only lines that say something are signs of life.
                        if self.take(found) {
                            heard = Instant::now();
                        }
                        if self.nonsense > NONSENSE_MAX {
                            return self.is_something_else();
                        }
                    }
                },
                () = ping => {
                    let every = Duration::from_millis(config.ping_interval);
                    ping_at = Instant::now() + self.heartbeat.unwrap_or(every);
                    let trace = self.io.trace();
                    trace.frame(Direction::Sent, b"* PING\n", || "* PING".to_owned());
                    let sent = tokio::time::timeout(patience, stream.write_all(b"* PING\n")).await;
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return self.closed(&error.to_string()),
                        Err(_) => return self.silent(begun.elapsed(), patience),
                    }
                }
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// An adapter is believed once it is known whether it gives signs of life: one that falls
    /// silent before the first of them could not be told from one that has nothing to say.
    fn see_who_it_is(&mut self) {
        let Some(said_at) = self.said_at.filter(|_| !self.online) else {
            return;
        };
        let is_full = self.readings.len() >= READINGS_WAITING_MAX;
        if self.heartbeat.is_some() || said_at.elapsed() >= PONG_PATIENCE || is_full {
            self.online = true;
            self.io.online();
            self.io.emit(&mut self.readings);
        }
    }

    /// Whether its silence means nothing.
    fn is_believed(&self) -> bool {
        self.said_at.is_some() && self.heartbeat.is_none()
    }

    fn silent(&self, since: Duration, patience: Duration) -> SessionEnd {
        let place = &self.place;
        match (self.said_at, self.heartbeat) {
            (Some(_), Some(heartbeat)) => SessionEnd::lost(
                "heartbeat_missed",
                format!(
                    "{place} has given no sign of life for twice its {heartbeat:?}: check the \
                     machine and the network"
                ),
            ),
            _ => SessionEnd::lost(
                "no_first_line",
                format!(
                    "{place} took the connection and has said nothing within {:?}: check that an \
                     MTConnect adapter listens there, and that it sends what it knows at once",
                    since.min(patience)
                ),
            ),
        }
    }

    fn is_something_else(&self) -> SessionEnd {
        let message = format!(
            "{} speaks no SHDR: check host and port; an agent is read by `protocol: mtconnect`",
            self.place
        );
        SessionEnd::lost("invalid_answer", message)
    }

    fn closed(&self, what: &str) -> SessionEnd {
        let message = format!("lost the connection to {}: {what}", self.place);
        SessionEnd::lost("connection_closed", message)
    }

    /// Takes lines. Whether one of them said something.
    fn take(&mut self, found: Vec<Found>) -> bool {
        let mut alive = false;
        for one in found {
            match one {
                Found::TooLong => self.io.statistics().failed("line_too_long"),
                Found::Line(line) => alive |= self.line(&line),
            }
        }
        if self.online {
            self.io.emit(&mut self.readings);
        }
        alive
    }

    fn line(&mut self, line: &str) -> bool {
        let trace = self.io.trace();
        trace.frame(Direction::Received, line.as_bytes(), || line.to_owned());
        if self.in_asset(line) {
            return true;
        }
        let said = said::parse(line);
        if said == Said::Nonsense {
            self.io.statistics().failed("malformed");
            self.nonsense += 1;
            return false;
        }
        self.nonsense = 0;
        self.said_at.get_or_insert_with(Instant::now);
        for index in self.bindings.of(EVERY_LINE).to_vec() {
            let reading = shape::reading(index, Some(Value::text(line)), None);
            self.push(index, reading);
        }
        match said {
            Said::Pong(time) => self.pong(time),
            Said::Data { at, fields } => self.data(at, &fields),
            Said::Asset(mark) => {
                self.io.statistics().failed("asset_skipped");
                self.asset = mark.map(|mark| (mark, ASSET_LINES_MAX));
            }
            Said::Command | Said::Empty | Said::Nonsense => {}
        }
        true
    }
}

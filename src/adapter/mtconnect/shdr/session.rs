//! One session with an adapter: what it says, and whether it lives.

use std::time::Duration;

use mainstem_adapter::{AdapterIo, Direction, PointId, Reading, SessionEnd};
use mainstem_model::{Reason, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::EVERY_LINE;
use super::config::ConnectionConfig;
use super::lines::{Found, Lines};
use super::said::{self, Said};
use crate::binding::Bindings;
use crate::condition::{Level, Told};
use crate::shape::{self, DataType};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// The times between signs of life that an adapter may ask for.
const HEARTBEATS: std::ops::RangeInclusive<u64> = 100..=600_000;
/// Lines that an asset may have.
const ASSET_LINES_MAX: usize = 100_000;
/// Lines of no sense in a row, after which something else is at the other end.
const NONSENSE_MAX: usize = 100;

struct Session<'a> {
    place: String,
    bindings: &'a mut Bindings,
    io: &'a mut AdapterIo,
    readings: Vec<Reading>,
    /// Which datapoints were told in this session.
    told: Vec<bool>,
    online: bool,
    /// How often the adapter wants to be asked for a sign of life, once it has given one.
    heartbeat: Option<Duration>,
    /// The mark behind which an asset ends, and how many lines of it may still come.
    asset: Option<(String, usize)>,
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
        online: false,
        heartbeat: None,
        asset: None,
        nonsense: 0,
    };
    tokio::select! {
        biased;
        () = &mut stopped => Ok(()),
        end = session.run(config, &mut stream) => Err(end),
    }
}

async fn connect(config: &ConnectionConfig, place: &str) -> Result<TcpStream, SessionEnd> {
    let stream = TcpStream::connect((config.host.as_str(), config.port)).await;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
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
            let silence = match (self.online, self.heartbeat) {
                (false, _) => Some(begun + patience),
                (true, Some(heartbeat)) => Some(heard + 2 * heartbeat),
                (true, None) => None,
            };
            if silence.is_some_and(|until| Instant::now() >= until) {
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

    fn silent(&self, since: Duration, patience: Duration) -> SessionEnd {
        let place = &self.place;
        match (self.online, self.heartbeat) {
            (true, Some(heartbeat)) => SessionEnd::lost(
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
        self.io.emit(&mut self.readings);
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
        if !self.online {
            self.online = true;
            self.io.online();
        }
        for index in self.bindings.of(EVERY_LINE).to_vec() {
            let reading = shape::reading(index, Some(mainstem_model::Value::text(line)), None);
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

    /// Whether a line belongs to an asset, which is left out.
    fn in_asset(&mut self, line: &str) -> bool {
        let Some((mark, left)) = &mut self.asset else {
            return false;
        };
        *left -= 1;
        if *left == 0 || line.trim() == mark.as_str() {
            self.asset = None;
        }
        true
    }

    fn pong(&mut self, time: Option<u64>) {
        let (least, most) = (*HEARTBEATS.start(), *HEARTBEATS.end());
        if let Some(time) = time {
            self.heartbeat = Some(Duration::from_millis(time.clamp(least, most)));
        }
        // It lives, and would have said what has changed.
        let told = self.told.iter().enumerate().filter(|(_, told)| **told);
        let points: Vec<PointId> = told.map(|(index, _)| shape::point(index)).collect();
        self.io.confirm(&points);
    }

    fn data(&mut self, at: Option<Timestamp>, fields: &[String]) {
        if at.is_none() {
            self.io.statistics().failed("no_time");
        }
        let first = self.find(&fields[0]);
        let Some(index) = first.first() else {
            if said::looks_like_condition(fields) {
                return;
            }
            return self.pairs(at, fields);
        };
        match self.bindings.data_type(*index) {
            DataType::Condition | DataType::Level => self.condition(&first, at, fields),
            DataType::Message => self.message(&first, at, fields),
            DataType::TimeSeries => self.series(&first, at, fields),
            DataType::Event | DataType::Sample | DataType::Vector => self.pairs(at, fields),
        }
    }

    /// The bindings of a key: with its device, or without where the endpoint names none.
    fn find(&self, key: &str) -> Vec<usize> {
        let whole = self.bindings.of(key);
        let part = match key.rsplit_once(':') {
            Some((_, part)) => self.bindings.of(part),
            None => &[],
        };
        whole.iter().chain(part).copied().collect()
    }

    fn pairs(&mut self, at: Option<Timestamp>, fields: &[String]) {
        for pair in fields.chunks(2) {
            let [key, text] = pair else {
                self.io.statistics().failed("malformed");
                return;
            };
            for index in self.find(key) {
                let data_type = self.bindings.data_type(index);
                let is_plain = matches!(
                    data_type,
                    DataType::Event | DataType::Sample | DataType::Vector
                );
                // Conditions and messages have lines of their own: between others their parts
                // cannot be told from keys.
                let reading = match is_plain || shape::is_unavailable(text) {
                    true => self.bindings.value(index, text, at),
                    false => shape::reading(index, None, at),
                };
                self.push(index, reading);
            }
        }
    }

    fn condition(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        let part = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        let Some(level) = Level::parse(part(1)) else {
            self.io.statistics().failed("malformed");
            return self.fail(of, at);
        };
        let told = Told {
            level,
            code: part(2),
            severity: part(3),
            qualifier: part(4),
            text: part(5),
        };
        for index in of {
            let reading = match self.bindings.data_type(*index).is_condition() {
                true => self.bindings.condition(*index, &told, at),
                false => shape::reading(*index, None, at),
            };
            self.push(*index, reading);
        }
    }

    fn message(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        let part = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
        let (code, text) = match fields.len() {
            2 => ("", part(1)),
            _ => (part(1), part(2)),
        };
        for index in of {
            let reading = match shape::is_unavailable(text) {
                true => shape::unavailable(*index, at),
                false => {
                    let value = serde_json::json!({ "code": code, "text": text }).to_string();
                    let value = mainstem_model::Value::Json(value.into());
                    shape::reading(*index, Some(value), at)
                }
            };
            self.push(*index, reading);
        }
    }

    fn series(&mut self, of: &[usize], at: Option<Timestamp>, fields: &[String]) {
        // Count and rate stand before the numbers.
        let text = match fields {
            [_, text] | [_, _, _, text, ..] => text,
            _ => return self.fail(of, at),
        };
        for index in of {
            let reading = self.bindings.value(*index, text, at);
            self.push(*index, reading);
        }
    }

    fn fail(&mut self, of: &[usize], at: Option<Timestamp>) {
        for index in of {
            self.push(*index, shape::reading(*index, None, at));
        }
    }

    fn push(&mut self, index: usize, reading: Reading) {
        if reading.quality.reason == Reason::BadType {
            self.io.statistics().failed("unexpected_value");
            if !self.told[index] {
                let (place, item) = (self.place.as_str(), index);
                tracing::warn!(
                    place,
                    item,
                    "not of its type: set the endpoint's `dataType`"
                );
            }
        }
        self.told[index] = true;
        self.readings.push(reading);
    }
}

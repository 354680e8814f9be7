//! What comes over a link's connection, and how it ends.

use std::time::Duration;

use http::StatusCode;
use mainstem_wire::{FEATURE_PACING, decode_line};
use rand::Rng;

use super::Driver;
use super::dial::OpenStream;
use crate::connection::RequestError;
use crate::lines::{Lines, LinesError};
use crate::mirror::MirrorError;
use crate::remedy::Remedy;

/// A remote that refuses is asked again after this long, if it does not say itself.
const REFUSED_RETRY: Duration = Duration::from_secs(30);

/// The next route is tried sooner, until all were.
const ROUTE_RETRY: Duration = Duration::from_secs(1);

/// Why a chunk ended the stream.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error("the remote sends what is no frame")]
    Frame(#[from] mainstem_wire::DecodeError),
}

impl StreamError {
    fn mirror(&self) -> Option<&MirrorError> {
        match self {
            Self::Mirror(error) => Some(error),
            Self::Lines(_) | Self::Frame(_) => None,
        }
    }
}

impl Driver {
    pub(super) fn opened(&mut self, opened: OpenStream) {
        let OpenStream {
            connection,
            body,
            is_compressed,
            digests,
        } = opened;
        self.mirror.sent_digests(digests);
        match Lines::new(is_compressed) {
            Ok(lines) => {
                self.relay.set_connection(Some(&connection));
                let answers = Some(&connection).filter(|_| !self.options.one_way);
                self.answers.set_connection(answers);
                if let Some(loggers) = &mut self.loggers {
                    loggers.connected(&connection);
                }
                self.open = Some((connection, body, lines));
                self.stream_began = (self.bytes, self.mirror.counters().rows);
            }
            Err(error) => self.lost(chain(&error)),
        }
    }

    pub(super) fn chunk(&mut self, chunk: &[u8]) {
        let (now, applied) = (
            self.now(),
            self.mirror.cursor().map(|cursor| cursor.sequence),
        );
        self.machine.on_bytes(now);
        self.bytes += chunk.len() as u64;
        let Some((_, _, lines)) = &mut self.open else {
            return;
        };
        let (mirror, machine) = (&mut self.mirror, &mut self.machine);
        let read = lines.push(chunk, |line| {
            let line = decode_line(line)?;
            mirror.line(&line)?;
            if let Some(hello) = &line.hello {
                machine.on_hello(hello, applied.filter(|_| !hello.snapshot), now);
            }
            Ok::<(), StreamError>(())
        });
        let step = self.mirror.flush();
        self.own.tell_pruned(self.mirror.pruned());
        self.own.tell_put_back(self.mirror.put_back_to());
        self.own.tell_twin(self.mirror.has_twin());
        match read {
            Ok(()) => {
                // What is held back because this node asked for it is no backlog.
                if let Some(applied) = step.looked {
                    self.refusals = 0;
                    self.machine.on_applied(applied, now);
                }
                self.ask_for_pacing();
            }
            Err(error @ StreamError::Mirror(MirrorError::Renamed)) => self.lost(chain(&error)),
            Err(error) if self.mirror.wants_all() => self.lost(chain(&error)),
            Err(error) => {
                self.remedy = Remedy::of_stream(error.mirror());
                self.refused(chain(&error), None);
            }
        }
    }

    /// Begins the stream again with the pacing of the entry, once the remote has said that it knows
    /// what that is: an older one would refuse to answer.
    fn ask_for_pacing(&mut self) {
        let is_wanted = !self.options.pacing.is_none() && self.options.poll.is_none();
        if is_wanted && !self.paces && self.remote_has(FEATURE_PACING) {
            self.paces = true;
            let now = self.now();
            self.hang_up();
            let cause = "the stream begins again with the pacing of the entry".to_owned();
            self.machine.on_lost(cause, 0.0, now);
        }
    }

    /// Whether the remote told a feature in its hello.
    fn remote_has(&self, feature: &str) -> bool {
        let hello = self.mirror.hello();
        hello.is_some_and(|hello| hello.features.iter().any(|known| known == feature))
    }

    pub(super) fn ended(&mut self) {
        match self.options.poll {
            Some(interval) => {
                let now = self.now();
                self.machine.on_round(interval, now);
                self.hang_up();
            }
            None => self.lost("the remote ended the stream".into()),
        }
    }

    pub(super) fn failed(&mut self, error: &RequestError) {
        let cause = chain(error);
        self.remedy = Remedy::of_request(error);
        match error {
            RequestError::CursorGone { compares_digests } => {
                self.mirror.offers_digests(*compares_digests);
                self.store.forget_cursor(self.source);
                self.lost(cause);
            }
            // The remote was replaced by an older one that does not know the parameters.
            RequestError::Refused { status, .. }
                if self.paces && *status == StatusCode::BAD_REQUEST =>
            {
                self.paces = false;
                self.lost(cause);
            }
            RequestError::Digests(_) => {
                self.mirror.offers_digests(false);
                self.lost(cause);
            }
            RequestError::Refused { retry_after, .. } => self.refused(cause, *retry_after),
            RequestError::Answer(_) => self.refused(cause, None),
            RequestError::Dial(dial) if dial.is_refusal() => self.refused(cause, None),
            RequestError::Dial(_) | RequestError::Broken(_) => {
                self.route = self.route.wrapping_add(1);
                self.lost(cause);
            }
        }
    }

    pub(super) fn lost(&mut self, cause: String) {
        let now = self.now();
        self.hang_up();
        self.machine.on_lost(cause, rand::rng().random(), now);
    }

    pub(super) fn refused(&mut self, cause: String, retry_after: Option<Duration>) {
        let now = self.now();
        // Another way may lead to the right node.
        self.route = self.route.wrapping_add(1);
        self.refusals += 1;
        let routes = self.options.routes.len().max(1);
        let all_refuse = self.refusals.is_multiple_of(routes);
        let pause = if all_refuse {
            REFUSED_RETRY
        } else {
            ROUTE_RETRY
        };
        self.hang_up();
        self.machine
            .on_refused(cause, retry_after.unwrap_or(pause), now);
    }

    pub(super) fn hang_up(&mut self) {
        self.relay.set_connection(None);
        self.answers.set_connection(None);
        if let Some(loggers) = &mut self.loggers {
            loggers.lost();
        }
        self.dialling = None;
        self.open = None;
        self.beats.clear();
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let said = cause.to_string();
        // What a library says to programmers helps nobody here.
        let said = said.split(": https://").next().unwrap_or_default();
        text.push_str(": ");
        text.push_str(said);
        at = cause.source();
    }
    text
}

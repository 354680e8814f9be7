//! What comes over a link's connection, and how it ends.

use std::time::Duration;

use hyper::body::Incoming;
use mainstem_wire::decode_line;
use rand::Rng;

use super::Driver;
use crate::connection::{Connection, RequestError};
use crate::lines::{Lines, LinesError};
use crate::mirror::MirrorError;

/// A remote that refuses is asked again after this long, if it does not say itself.
const REFUSED_RETRY: Duration = Duration::from_secs(30);

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

impl Driver {
    pub(super) fn opened(&mut self, connection: Connection, body: Incoming, is_compressed: bool) {
        match Lines::new(is_compressed) {
            Ok(lines) => {
                self.relay.set_connection(Some(&connection));
                self.answers.set_connection(Some(&connection));
                self.open = Some((connection, body, lines));
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
        match read {
            Ok(()) => {
                if let Some(applied) = step.applied {
                    self.machine.on_applied(applied, now);
                }
            }
            Err(error @ StreamError::Mirror(MirrorError::Renamed)) => self.lost(chain(&error)),
            Err(error @ StreamError::Mirror(_)) => self.refused(chain(&error), None),
            Err(error) => self.refused(chain(&error), None),
        }
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
        match error {
            RequestError::CursorGone => {
                self.store.forget_cursor(self.source);
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
        self.hang_up();
        self.machine
            .on_refused(cause, retry_after.unwrap_or(REFUSED_RETRY), now);
    }

    pub(super) fn hang_up(&mut self) {
        self.relay.set_connection(None);
        self.answers.set_connection(None);
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

//! One session with an agent: the present state, then everything that comes behind it.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::{AdapterIo, SessionEnd};
use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::client::Agent;
use super::config::ConnectionConfig;
use super::document::{Streams, Unusable};
use super::multipart::Parts;
use super::stream::{Step, Taking};
use crate::binding::Bindings;

/// Documents that are read to catch up with what was missed; what is older is a gap.
const PAGES_MAX: usize = 500;
/// How often the present state may be asked for anew within one session.
const ANEW_MAX: usize = 100;
/// The shortest time between two of those, so that an agent that never agrees is not hammered.
const ANEW_PAUSE: Duration = Duration::from_secs(1);

/// How far an agent's observations were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) instance: u64,
    pub(super) next: u64,
}

/// Serves until stop or loss.
pub(super) async fn serve(
    config: &ConnectionConfig,
    home: &Path,
    bindings: &mut Bindings,
    reached: &mut Option<Reached>,
    io: &mut AdapterIo,
) -> Result<(), SessionEnd> {
    let agent = Agent::new(config, home, io.trace().clone())?;
    let stopped = io.stopped();
    let mut session = Session {
        config,
        taking: Taking::new(bindings, io, agent.place.text()),
        count: u64::from(config.count),
        agent,
        reached,
        online: false,
    };
    tokio::select! {
        biased;
        () = stopped => Ok(()),
        end = Box::pin(session.run()) => Err(end),
    }
}

struct Session<'a> {
    config: &'a ConnectionConfig,
    agent: Agent,
    taking: Taking<'a>,
    /// Observations that are asked for at once: agents refuse more than they keep.
    count: u64,
    reached: &'a mut Option<Reached>,
    online: bool,
}

impl Session<'_> {
    async fn run(&mut self) -> SessionEnd {
        for _ in 0..ANEW_MAX {
            let begun = Instant::now();
            let mut reached = match self.begin().await {
                Ok(reached) => reached,
                Err(end) => return end,
            };
            let end = self.follow(&mut reached).await;
            *self.reached = Some(reached);
            if let Err(end) = end {
                return end;
            }
            tokio::time::sleep_until(begun + ANEW_PAUSE).await;
        }
        let place = self.agent.place.text();
        let message = format!("{place} begins anew again and again: look at the agent");
        SessionEnd::lost("agent_restarts", message)
    }

    /// Reads what was missed and then the present state.
    async fn begin(&mut self) -> Result<Reached, SessionEnd> {
        let document = self.agent.ask("current", &[]).await?;
        let now = self.read(&document)?;
        let header = now.header;
        if header.buffer > 0 {
            self.count = u64::from(self.config.count).min(header.buffer);
        }
        if !self.online {
            self.online = true;
            self.taking.io.online();
        }
        match *self.reached {
            Some(mut before) if before.instance == header.instance => {
                self.catch_up(&mut before, header.next).await?;
            }
            Some(_) => self
                .taking
                .note("agent_restarted", "the agent has begun anew"),
            None => {}
        }
        self.taking.state(&now);
        Ok(Reached {
            instance: header.instance,
            next: header.next,
        })
    }

    /// Reads what the agent has kept since the last session, as far as there is any of it.
    async fn catch_up(&mut self, from: &mut Reached, to: u64) -> Result<(), SessionEnd> {
        for _ in 0..PAGES_MAX {
            if from.next >= to {
                return Ok(());
            }
            let query = [
                ("from", from.next.to_string()),
                ("count", self.count.to_string()),
            ];
            let document = self.agent.ask("sample", &query).await?;
            let before = from.next;
            let step = match self.taking.read(&document) {
                Ok(page) => self.taking.follow(&page, from),
                Err(error) if error.is_out_of_range() => {
                    self.taking.note(
                        "gap",
                        "what happened meanwhile is lost: the agent has it no more",
                    );
                    return Ok(());
                }
                Err(error) => return Err(self.unusable(&error)),
            };
            if step == Step::Anew || from.next == before {
                return Ok(());
            }
        }
        self.taking.note(
            "gap",
            "too much has happened meanwhile: the rest of it is left out",
        );
        Ok(())
    }

    /// Follows the stream. Ends well where the present state has to be asked for anew.
    async fn follow(&mut self, reached: &mut Reached) -> Result<(), SessionEnd> {
        let query = [
            ("from", reached.next.to_string()),
            ("count", self.count.to_string()),
            ("interval", self.config.interval.to_string()),
            ("heartbeat", self.config.heartbeat.to_string()),
        ];
        let mut response = self
            .agent
            .send(self.agent.place.of("sample", &query))
            .await?;
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let Ok(mut parts) = Parts::new(&kind) else {
            return self.refused(&query).await;
        };
        let silence = self.config.silence() + self.config.answering();
        let mut until = Instant::now() + silence;
        loop {
            let chunk = tokio::time::timeout_at(until, self.agent.chunk(&mut response)).await;
            let Some(chunk) = chunk.map_err(|_| self.agent.silent(silence))?? else {
                let message = format!("{} has ended the stream", self.agent.place.text());
                return Err(SessionEnd::lost("stream_ended", message));
            };
            parts
                .push(&chunk)
                .map_err(|error| self.invalid(&error.to_string()))?;
            while let Some(part) = parts
                .next()
                .map_err(|error| self.invalid(&error.to_string()))?
            {
                // Only whole documents are signs of life: bytes alone may drip for ever.
                until = Instant::now() + silence;
                if self.part(&part, reached)? == Step::Anew {
                    return Ok(());
                }
            }
        }
    }

    fn part(&mut self, document: &[u8], reached: &mut Reached) -> Result<Step, SessionEnd> {
        self.agent.show(document);
        let step = match self.taking.read(document) {
            Ok(part) => self.taking.follow(&part, reached),
            Err(error) if error.is_out_of_range() => {
                self.taking
                    .note("gap", "the agent has moved on: what came between is lost");
                Step::Anew
            }
            Err(error) => return Err(self.unusable(&error)),
        };
        self.taking.confirm();
        Ok(step)
    }

    /// The agent answers with one document instead of a stream: why?
    async fn refused(&mut self, query: &[(&str, String)]) -> Result<(), SessionEnd> {
        // The same without a wish for a stream, read as a whole and within limits.
        let document = self.agent.ask("sample", &query[..2]).await?;
        match self.taking.read(&document) {
            Err(error) if error.is_out_of_range() => {
                self.taking
                    .note("gap", "the agent has moved on: what came between is lost");
                Ok(())
            }
            Err(error) => Err(self.unusable(&error)),
            Ok(_) => Err(self.invalid("it answers a wish for a stream with one document")),
        }
    }

    fn read(&self, document: &[u8]) -> Result<Streams, SessionEnd> {
        self.agent.show(document);
        let read = self.taking.read(document);
        read.map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &Unusable) -> SessionEnd {
        match error {
            Unusable::Invalid(_) => self.invalid(&error.to_string()),
            Unusable::Error { code, .. } if code == "NO_DEVICE" => SessionEnd::Refused {
                code: "no_device",
                message: format!("{}: {error}: check `device`", self.agent.place.text()),
                retry_after: None,
            },
            Unusable::Error { .. } => {
                let message = format!("{}: {error}", self.agent.place.text());
                SessionEnd::lost("agent_error", message)
            }
        }
    }

    fn invalid(&self, what: &str) -> SessionEnd {
        let message = format!(
            "{} sent something that cannot be trusted: {what}: check that an MTConnect agent \
             listens there",
            self.agent.place.text()
        );
        SessionEnd::lost("invalid_answer", message)
    }
}

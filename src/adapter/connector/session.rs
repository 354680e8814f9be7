//! The adapter object: what lasts from session to session, the program among it.

mod conversation;
mod handshake;

use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{
    Adapter, AdapterIo, AdapterSpec, BoxFuture, PointId, PollGroup, Reading, SessionEnd,
    poll_groups,
};
use mainstem_model::ValueType;

use crate::config::ConnectionConfig;
use crate::order::PointSetup;
use crate::peer::Peer;
use crate::plan::is_read;
use crate::program::Program;
use conversation::Conversation;

/// One configured connector.
pub(crate) struct Connector {
    plan: Plan,
    /// It goes on over sessions, so that a program that takes long to start does so once.
    program: Option<Peer>,
    readings: Vec<Reading>,
}

/// The configuration in the shape in which sessions use it.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) config: ConnectionConfig,
    /// The folder that paths are relative to.
    pub(crate) home: PathBuf,
    pub(crate) points: Vec<PointSetup>,
    /// The types of the values that the program speaks, by datapoint.
    pub(crate) types: Vec<ValueType>,
    /// What is read together.
    pub(crate) groups: Vec<ReadGroup>,
    /// Everything that can be read.
    pub(crate) readable: Vec<u32>,
}

/// Datapoints of one interval.
pub(crate) struct ReadGroup {
    pub(crate) interval: Duration,
    pub(crate) points: Vec<u32>,
}

/// How a session ended.
pub(crate) struct Ending {
    pub(crate) end: SessionEnd,
    /// Whether the program is still to be trusted: it said itself that its device is away.
    pub(crate) keeps_program: bool,
}

impl Ending {
    /// The program itself is at fault.
    pub(crate) fn program(end: SessionEnd) -> Self {
        Self {
            end,
            keeps_program: false,
        }
    }

    /// The device is at fault, and the program says so.
    pub(crate) fn device(end: SessionEnd) -> Self {
        Self {
            end,
            keeps_program: true,
        }
    }
}

impl Connector {
    /// A connector whose program was not started yet.
    pub(crate) fn new(
        spec: &AdapterSpec,
        config: ConnectionConfig,
        points: Vec<PointSetup>,
        types: Vec<ValueType>,
    ) -> Self {
        let readable: Vec<&PointSetup> = points
            .iter()
            .filter(|point| is_read(point.access))
            .collect();
        let intervals = readable
            .iter()
            .map(|point| Duration::from_millis(point.interval_ms));
        let group = |group: PollGroup| ReadGroup {
            interval: group.interval,
            points: group
                .members
                .iter()
                .map(|&member| readable[member].id)
                .collect(),
        };
        let groups = poll_groups(intervals).into_iter().map(group).collect();
        let readable = readable.iter().map(|point| point.id).collect();
        Self {
            plan: Plan {
                name: spec.name.clone(),
                config,
                home: spec.home.clone(),
                points,
                types,
                groups,
                readable,
            },
            program: None,
            readings: Vec::new(),
        }
    }

    /// A program to talk with: one that is started, or the one that came.
    fn call(&self, io: &AdapterIo) -> Result<Peer, SessionEnd> {
        let config = &self.plan.config;
        if !config.remote {
            return Program::start(config, &self.plan.home).map(Peer::child);
        }
        let visit = io.door().and_then(|door| door.take());
        visit.map(Peer::guest).ok_or_else(|| {
            let name = &self.plan.name;
            let message = format!(
                "no program has come to `POST /api/v1/adapters/{name}/connector`: start it with a \
                 token that provides `{name}`"
            );
            SessionEnd::lost("no_program", message)
        })
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let is_alive = self.program.as_mut().is_some_and(Peer::is_alive);
        let program = match self.program.take() {
            Some(program) if is_alive => program,
            _ => self.call(io)?,
        };
        let program = self.program.insert(program);
        let stopped = io.stopped();
        let conversation = Conversation::new(&self.plan, program, io, &mut self.readings);
        let ending = tokio::select! {
            biased;
            () = stopped => None,
            ending = conversation.run() => Some(ending),
        };
        match ending {
            Some(ending) if ending.keeps_program => Err(ending.end),
            Some(ending) => {
                self.program = None;
                Err(ending.end)
            }
            None => {
                if let Some(program) = self.program.take() {
                    program.end().await;
                }
                Ok(())
            }
        }
    }
}

impl Adapter for Connector {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }

    fn is_visited(&self) -> bool {
        self.plan.config.remote
    }

    fn interval(&self, point: PointId) -> Option<Duration> {
        let point = self.plan.points.get(point.0 as usize)?;
        is_read(point.access).then(|| Duration::from_millis(point.interval_ms))
    }
}

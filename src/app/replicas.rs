//! Where links and the data logger store meet: rows of remotes go into the store of this node.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use mainstem_datalogger::replica::{Halt, Intake, Naming};
use mainstem_remote::{
    IntakeError, LoggerHome, LoggerIntake, LoggerOptions, LoggerStanding, LoggersStanding,
    RemoteConfig, Taking,
};
use mainstem_wire::{LogLine, LogWants};
use parking_lot::RwLock;

use super::loggers::Running;

/// Where the rows of one remote go.
struct Home {
    running: Arc<RwLock<Option<Running>>>,
    naming: Naming,
}

struct Taker(Arc<Intake>);

/// How the data loggers of a remote are replicated, if they are to be.
pub(super) fn options(
    config: &RemoteConfig,
    running: &Arc<RwLock<Option<Running>>>,
) -> Option<LoggerOptions> {
    let naming = Naming {
        remote: config.name.to_string(),
        prefix: config.prefix.clone(),
        is_prefixed: config.data_loggers_prefixed,
    };
    (!config.data_loggers.is_empty()).then(|| LoggerOptions {
        patterns: config.data_loggers.clone(),
        interval: config.data_loggers_interval,
        share: config.data_loggers_share,
        home: Arc::new(Home {
            running: Arc::clone(running),
            naming,
        }),
    })
}

impl LoggerHome for Home {
    fn intake(&self) -> Option<Arc<dyn LoggerIntake>> {
        let running = self.running.read();
        let desk = running.as_ref()?.replicas();
        let intake = desk.intake(self.naming.clone());
        Some(Arc::new(Taker(Arc::new(intake))))
    }
}

impl LoggerIntake for Taker {
    fn line(self: Arc<Self>, line: LogLine, of_answer: bool) -> Taking {
        Box::pin(async move {
            let taken = match of_answer {
                true => self.0.answered(line).await,
                false => self.0.line(line).await,
            };
            taken.map_err(|halt| error(&halt))
        })
    }

    fn frame(self: Arc<Self>, frame: Bytes) -> Taking {
        Box::pin(async move { self.0.frame(&frame).await.map_err(|halt| error(&halt)) })
    }

    fn wants(self: Arc<Self>, bytes: u64) -> BoxFuture<'static, Option<LogWants>> {
        Box::pin(async move {
            let wants = tokio::task::spawn_blocking(move || self.0.wants(bytes)).await;
            wants.unwrap_or_default()
        })
    }

    fn standing(self: Arc<Self>) -> BoxFuture<'static, LoggersStanding> {
        Box::pin(async move {
            let standing = tokio::task::spawn_blocking(move || standing(&self.0)).await;
            standing.unwrap_or_default()
        })
    }
}

fn error(halt: &Halt) -> IntakeError {
    match halt {
        Halt::Closed => IntakeError::Closed,
        Halt::Nonsense(_) => IntakeError::Nonsense(halt.to_string()),
    }
}

fn standing(intake: &Intake) -> LoggersStanding {
    let standing = intake.standing();
    let series = standing.series.into_iter().map(|series| LoggerStanding {
        name: series.name,
        watermark: series.watermark,
        last: series.last,
        lag: series.lag,
        behind: series.behind,
    });
    let left_out = standing.left_out;
    let (rows, live, gone) = standing.rows;
    LoggersStanding {
        series: series.collect(),
        held_up: standing.held_up,
        left_out: left_out.map(|(name, why)| format!("the logger {name} is left out: {why}")),
        rows,
        live,
        gone,
    }
}

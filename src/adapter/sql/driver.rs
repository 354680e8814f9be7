//! What a driver does for the rest: one connection that carries out one statement at a time.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::BoxFuture;

use crate::cell::Cell;
use crate::param::Param;
use crate::plan::ServerPlan;
use crate::statement::Statement;
use crate::target::Target;
use crate::{mariadb, postgres, sqlite};

/// One connection. Dropping it closes it, whatever is under way.
pub(crate) trait Link: Send {
    /// Carries out one statement. After anything but an answer or a refusal the link is dropped.
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: Vec<Param>,
    ) -> BoxFuture<'a, Result<Answer, Failure>>;

    /// Looks whether the server answers.
    fn ping(&mut self) -> BoxFuture<'_, Result<(), Failure>>;

    /// Whether it is known to be closed.
    fn is_closed(&self) -> bool {
        false
    }
}

/// How large an answer may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// How every driver is opened.
pub(crate) struct Setup<'a> {
    pub(crate) bounds: Bounds,
    /// After this long the server itself ends a statement.
    pub(crate) statement: Duration,
    /// The folder that paths are relative to.
    pub(crate) home: &'a Path,
    /// The adapter's name, for the server's list of sessions.
    pub(crate) name: &'a str,
}

/// What a statement gave.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Rows that were changed.
    pub(crate) affected: u64,
    /// Whether rows were left out because they were too many.
    pub(crate) has_more: bool,
}

/// Why it gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection came up: nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// The server wants no connection of ours.
    #[error("{message}")]
    Login {
        /// The server's code.
        code: String,
        /// The server's words.
        message: String,
    },
    /// The connection broke: nobody can tell what was done.
    #[error("{0}")]
    Lost(String),
    /// No answer came in time, though the server was told to end the statement before.
    #[error("no answer within {0} ms")]
    Silent(u128),
    /// The server refused the statement; nothing was changed.
    #[error("{message} ({code})")]
    Refused {
        /// The server's code.
        code: String,
        /// The server's words.
        message: String,
    },
    /// The answer is larger than allowed.
    #[error("the answer has more than {0} bytes (maxBytes)")]
    TooLarge(usize),
}

/// Takes rows in as far as the bounds allow.
pub(crate) struct Gathered {
    bounds: Bounds,
    bytes: usize,
    pub(crate) answer: Answer,
}

impl Gathered {
    pub(crate) fn new(bounds: Bounds, columns: Vec<String>) -> Self {
        let answer = Answer {
            columns,
            ..Answer::default()
        };
        Self {
            bounds,
            bytes: 0,
            answer,
        }
    }

    /// Takes a row in. Returns false when it is one too many, and nothing more is to be read.
    pub(crate) fn push(&mut self, row: Vec<Cell>) -> Result<bool, Failure> {
        self.bytes += row.iter().map(Cell::bytes).sum::<usize>();
        let is_large = self.bytes > self.bounds.bytes;
        if is_large && self.answer.rows.is_empty() {
            return Err(Failure::TooLarge(self.bounds.bytes));
        }
        if is_large || self.answer.rows.len() >= self.bounds.rows {
            self.answer.has_more = true;
            return Ok(false);
        }
        self.answer.rows.push(row);
        Ok(true)
    }
}

/// Connects and logs in.
pub(crate) async fn open(plan: &ServerPlan) -> Result<Box<dyn Link>, Failure> {
    let setup = Setup {
        bounds: plan.bounds,
        statement: plan.statement,
        home: &plan.home,
        name: &plan.name,
    };
    let opening: BoxFuture<'_, Result<Box<dyn Link>, Failure>> = match &plan.target {
        Target::Postgres(server) => Box::pin(postgres::open(server, setup)),
        Target::Mariadb(server) => Box::pin(mariadb::open(server, setup)),
        Target::Sqlite(file) => Box::pin(sqlite::open(file, setup)),
    };
    let opened = tokio::time::timeout(plan.connect, opening).await;
    let silent = || {
        let (label, millis) = (plan.target.label(), plan.connect.as_millis());
        Failure::Connect(format!("{label} did not answer within {millis} ms"))
    };
    let named = |failure| match failure {
        Failure::Connect(text) | Failure::Lost(text) => {
            Failure::Connect(format!("no connection to {}: {text}", plan.target.label()))
        }
        Failure::Refused { code, message } if is_final(&code) => Failure::Login { code, message },
        Failure::Refused { code, message } => Failure::Connect(format!(
            "no connection to {}: {message} ({code})",
            plan.target.label()
        )),
        other => other,
    };
    opened.unwrap_or_else(|_| Err(silent())).map_err(named)
}

/// The codes by which a server says that nothing but another login or database will help: a server
/// that starts, or that has too many connections, says others.
fn is_final(code: &str) -> bool {
    let known = ["3D000", "42501", "1044", "1045", "1049", "1130", "1698"];
    code.starts_with("28") && code.len() == 5 || known.contains(&code)
}

//! The connections of one adapter: taken for one statement each, and given back after it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::Statistics;
use parking_lot::Mutex;

use crate::driver::{self, Answer, Failure, Link};
use crate::param::Param;
use crate::plan::ServerPlan;
use crate::statement::Statement;

/// The server ends a statement by itself; so much later nobody waits for it any more.
const GRACE: Duration = Duration::from_millis(500);

/// A server and the connections to it that nobody uses now.
pub(crate) struct Pool {
    pub(crate) plan: Arc<ServerPlan>,
    statistics: Arc<Statistics>,
    idle: Mutex<Vec<Box<dyn Link>>>,
}

impl Pool {
    pub(crate) fn new(plan: Arc<ServerPlan>, statistics: Arc<Statistics>) -> Self {
        Self {
            plan,
            statistics,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Carries out one statement. `begin` is called just before it is sent.
    pub(crate) async fn run(
        &self,
        statement: &Statement,
        values: Vec<Param>,
        begin: impl FnOnce() + Send,
    ) -> Result<Answer, Failure> {
        let mut link = self.take().await?;
        begin();
        let (began, limit) = (Instant::now(), self.plan.statement + GRACE);
        let run = tokio::time::timeout(limit, link.run(statement, values)).await;
        let answer = run.unwrap_or(Err(Failure::Silent(limit.as_millis())));
        if matches!(answer, Ok(_) | Err(Failure::Refused { .. })) {
            self.statistics.answered(began.elapsed());
        }
        // What is left of an answer that is too long would come before the next one.
        let is_clean = match &answer {
            Ok(answer) => !answer.has_more,
            Err(failure) => matches!(failure, Failure::Refused { .. }),
        };
        if is_clean {
            self.give_back(link);
        }
        answer
    }

    /// Looks whether the server answers.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let mut link = self.take().await?;
        let limit = self.plan.connect;
        let pinged = tokio::time::timeout(limit, link.ping()).await;
        pinged.unwrap_or(Err(Failure::Silent(limit.as_millis())))?;
        self.give_back(link);
        Ok(())
    }

    async fn take(&self) -> Result<Box<dyn Link>, Failure> {
        let idle = {
            let mut idle = self.idle.lock();
            idle.retain(|link| !link.is_closed());
            idle.pop()
        };
        match idle {
            Some(link) => Ok(link),
            None => driver::open(&self.plan).await,
        }
    }

    fn give_back(&self, link: Box<dyn Link>) {
        let mut idle = self.idle.lock();
        if idle.len() < self.plan.connections {
            idle.push(link);
        }
    }
}

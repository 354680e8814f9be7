//! One running adapter: its runner, and the task that brings it the writes for its datapoints.

use std::sync::Arc;

use mainstem_adapter::{
    AdapterRunner, BackoffOptions, RunnerOptions, Site, WriteAnswer, WriteRequest,
};
use mainstem_config::AdapterConfig;
use mainstem_model::{Clock, WriteState};
use mainstem_store::{Order, Outcome, OwnerHandle, Store, Target};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::seat::{Seat, StoreSite};

pub(super) struct RunningAdapter {
    pub(super) runner: Arc<AdapterRunner>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl RunningAdapter {
    pub(super) fn start(
        config: &AdapterConfig,
        site: &StoreSite,
        store: &Arc<Store>,
    ) -> anyhow::Result<Self> {
        let options = RunnerOptions {
            backoff: BackoffOptions {
                initial: config.strategy.initial_delay,
                max: config.strategy.max_delay,
                factor: config.strategy.increment_factor,
                ..BackoffOptions::default()
            },
            states: site.states.board.clone(),
            ..RunnerOptions::default()
        };
        let clock = Arc::clone(store.clock());
        let site_trait: &dyn Site = site;
        let runner = AdapterRunner::start(
            *config.kind,
            config.spec.clone(),
            site_trait,
            clock,
            options,
        )
        .map_err(|problems| {
            let texts = problems
                .iter()
                .map(|p| format!("{}: {}", p.pointer, p.message));
            let texts: Vec<String> = texts.collect();
            anyhow::anyhow!("adapter {}: {}", config.name, texts.join("; "))
        })?;
        if config.paused {
            runner.pause();
        }
        let (runner, stop, tasks) = (
            Arc::new(runner),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        if let Some(seat) = site.get(config.name.as_str()) {
            let orders = store.register_owner(seat.source, false);
            let carrier = Carrier {
                runner: Arc::clone(&runner),
                seat,
                clock: Arc::clone(store.clock()),
                tasks: tasks.clone(),
            };
            tasks.spawn(carrier.run(orders, stop.clone()));
        }
        Ok(Self {
            runner,
            stop,
            tasks,
        })
    }

    pub(super) async fn stop(&self) {
        self.runner.stop().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Brings orders to the runner. The runner bounds how many may wait for the device.
struct Carrier {
    runner: Arc<AdapterRunner>,
    seat: Arc<Seat>,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
}

impl Carrier {
    async fn run(self, mut owner: OwnerHandle, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                order = owner.orders.recv() => match order {
                    Some(order) => self.carry(order),
                    None => return,
                },
            }
        }
    }

    fn carry(&self, order: Order) {
        let point = match order.target {
            Target::Point(point) => self.seat.adapter_point(point),
            Target::Variable => None,
        };
        let Some(point) = point else {
            let why = "the datapoint was removed meanwhile";
            let outcome = Outcome::because(WriteState::Rejected, "removed", why);
            drop(order.reply.send(outcome));
            return;
        };
        let request = WriteRequest {
            point,
            value: order.value.clone(),
            deadline: order.deadline,
        };
        let answer = self.runner.write(request);
        let (clock, adapter) = (Arc::clone(&self.clock), self.runner.name().to_owned());
        self.tasks.spawn(async move {
            let answer = answer.await;
            let is_late = clock.monotonic() >= order.deadline;
            // Who asked may have given up by now; the record says `unknown` then.
            drop(order.reply.send(outcome(answer, is_late, adapter)));
        });
    }
}

fn outcome(answer: WriteAnswer, is_late: bool, adapter: String) -> Outcome {
    let mut outcome = match answer {
        WriteAnswer::Applied { verified } => {
            return Outcome {
                verified,
                ..Outcome::new(WriteState::Applied)
            };
        }
        WriteAnswer::Refused { code, message } => {
            Outcome::because(WriteState::Rejected, code, message)
        }
        WriteAnswer::NotSent { message } if is_late => {
            Outcome::because(WriteState::Expired, "expired", message)
        }
        WriteAnswer::NotSent { message } => {
            Outcome::because(WriteState::Rejected, "not_sent", message)
        }
        WriteAnswer::Unknown { message } => {
            Outcome::because(WriteState::Unknown, "no_answer", message)
        }
    };
    outcome.hop = Some(adapter);
    outcome
}

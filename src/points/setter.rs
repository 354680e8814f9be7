//! Writes by `…/set`: only what somebody says now, and with the rights of who says it.

mod gate;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_bus::{BusState, Message, Publication, Qos, Subscription, Topic};
use mainstem_model::{Name, Space, WriteState};
use mainstem_security::Principal;
use mainstem_write::{BUDGET_DEFAULT, Entry, Request};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::Shared;
use crate::payload::{self, Answer, Wish};
use gate::Gate;

/// Messages that may wait here; more are dropped by the bus and counted there.
const WAITING_MAX: usize = 1024;
/// Writes on their way at once; more are refused.
const WRITES_MAX: usize = 256;
/// How long to rest when the broker has not granted the filters.
const PAUSE: Duration = Duration::from_secs(1);
/// A message that says when it was said is refused when that is so long ago or ahead.
const AGE_MAX: Duration = BUDGET_DEFAULT;
/// How long beyond its budget the end of a write is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// Listens for writes until the end.
pub(crate) async fn listen(shared: Arc<Shared>, tasks: TaskTracker) {
    let stop = shared.stop.clone();
    let setter = Setter {
        shared,
        tasks,
        room: Arc::new(Semaphore::new(WRITES_MAX)),
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = setter.run() => {}
    }
}

struct Setter {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

/// A message that is to be carried out.
struct Accepted {
    name: Name,
    principal: Principal,
    wish: Wish,
    arrived: Instant,
    qos: Qos,
}

/// Why a message is no write.
struct Refused {
    /// How it is counted.
    code: &'static str,
    why: String,
    /// Whether somebody waits for an answer.
    answers: bool,
}

impl Setter {
    async fn run(self) {
        let bus = &self.shared.setup.bus;
        let filters = self.shared.setup.root.write_filters();
        loop {
            let mut state = bus.state();
            if state
                .wait_for(|state| *state == BusState::Up)
                .await
                .is_err()
            {
                return;
            }
            let setup = &self.shared.setup;
            let gate = Gate::new(bus, setup.is_foreign, setup.root.mark());
            match bus.subscribe(&filters, WAITING_MAX).await {
                Ok(subscription) => self.serve(subscription, gate).await,
                Err(error) => tracing::warn!(%error, "nobody can write over the bus"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn serve(&self, mut subscription: Subscription, mut gate: Gate) {
        let setup = &self.shared.setup;
        loop {
            let message = tokio::select! {
                message = subscription.next() => message,
                () = gate.ask() => continue,
            };
            let Some(message) = message else { return };
            if gate.is_mark(&message, setup.store.setup().node.0) {
                continue;
            }
            self.arrive(message, gate.is_open()).await;
        }
    }

    async fn arrive(&self, message: Message, is_live: bool) {
        match self.look(&message, is_live) {
            Ok(accepted) => match Arc::clone(&self.room).try_acquire_owned() {
                Ok(place) => {
                    let shared = Arc::clone(&self.shared);
                    self.tasks.spawn(async move {
                        carry_out(&shared, accepted).await;
                        drop(place);
                    });
                }
                Err(_) => {
                    let why = format!("{WRITES_MAX} writes over the bus are on their way");
                    let refused = Refused::told("busy", &why);
                    self.refuse(&message, &refused).await;
                }
            },
            Err(refused) => self.refuse(&message, &refused).await,
        }
    }

    /// Whether a message is a write that somebody asks for now.
    fn look(&self, message: &Message, is_live: bool) -> Result<Accepted, Refused> {
        let setup = &self.shared.setup;
        let silent = |code, why: &str| Refused {
            code,
            why: why.to_owned(),
            answers: false,
        };
        if message.origin == Some(setup.store.setup().node.0) {
            return Err(silent("own", "this node itself published it"));
        }
        if message.retained {
            return Err(silent("retained", "the broker had kept it from before"));
        }
        if !is_live {
            let why = "it may have waited at the broker while the connection was lost";
            return Err(silent("queued", why));
        }
        let name = setup.root.written(&message.topic);
        let name = name.filter(|name| setup.config.include.allows(name.as_str()));
        let name = name.ok_or_else(|| silent("unknown_name", "no datapoint has this topic"))?;
        let wish = payload::wish(&message.payload);
        let wish = wish.map_err(|why| Refused::told("malformed", &why))?;
        self.in_time(message, &wish)?;
        let who = match setup.is_foreign {
            true => setup.config.principal.as_deref(),
            false => message.publisher.as_deref(),
        };
        let principal = who.and_then(|who| setup.writers.principal(who));
        let why = "nobody is known whose rights would apply";
        let principal = principal.ok_or_else(|| Refused::told("policy", why))?;
        Ok(Accepted {
            name,
            principal,
            wish,
            arrived: message.arrived,
            qos: message.qos.min(Qos::AtLeastOnce),
        })
    }

    fn in_time(&self, message: &Message, wish: &Wish) -> Result<(), Refused> {
        let now = self.shared.setup.store.clock().now().millis();
        let limit = i64::try_from(AGE_MAX.as_millis()).unwrap_or(i64::MAX);
        let is_far = |said: i64| now.saturating_sub(said).saturating_abs() > limit;
        if wish.said.is_some_and(is_far) {
            let why = format!("its timestamp is more than {limit} ms from this node's clock");
            return Err(Refused::told("old", &why));
        }
        match message.arrived.elapsed() > BUDGET_DEFAULT {
            true => Err(Refused::told(
                "old",
                "it has waited for too long at this node",
            )),
            false => Ok(()),
        }
    }

    async fn refuse(&self, message: &Message, refused: &Refused) {
        let Refused { code, why, answers } = refused;
        let shared = &self.shared;
        shared.numbers.wrote(code);
        let topic = message.topic.as_str();
        let publisher = message.publisher.as_deref();
        shared
            .refusals
            .note(publisher, topic, &format!("{code}: {why}"));
        let name = shared.setup.root.written(&message.topic);
        if let Some(name) = name.filter(|_| *answers) {
            let wish = payload::wish(&message.payload).ok();
            let id = wish.as_ref().and_then(|wish| wish.id.as_deref());
            let answer = Answer::Refused { code, message: why };
            let payload = payload::answer(id, shared.setup.store.clock().now(), &answer);
            tell(
                shared,
                name.as_str(),
                payload,
                message.qos.min(Qos::AtLeastOnce),
            )
            .await;
        }
    }
}

impl Refused {
    /// A refusal that is told to who asked.
    fn told(code: &'static str, why: &str) -> Self {
        Self {
            code,
            why: why.to_owned(),
            answers: true,
        }
    }
}

/// Through the one write path to its end, and the answer.
async fn carry_out(shared: &Shared, accepted: Accepted) {
    let Accepted {
        name,
        principal,
        wish,
        arrived,
        qos,
    } = accepted;
    let setup = &shared.setup;
    let budget = BUDGET_DEFAULT.saturating_sub(arrived.elapsed());
    let request = Request {
        space: Space::Datapoint,
        name: name.as_str().to_owned(),
        value: wish.value.clone(),
        pulse: wish.pulse,
        key: wish.key,
        budget,
        entry: Entry::Client {
            principal: principal.clone(),
            address: None,
        },
    };
    let begun = setup.writes.submit(request).await;
    let id = wish.id.as_deref();
    let record = match begun {
        Ok(record) if record.is_final() => record,
        Ok(record) => {
            let ended = setup.writes.wait(record.id, &principal, budget + GRACE);
            ended.await.unwrap_or(record)
        }
        Err(refusal) => {
            shared.numbers.wrote("refused");
            let message = refusal.to_string();
            let topic = format!("{name}/set");
            shared
                .refusals
                .note(Some(&principal.name), &topic, &message);
            let answer = Answer::Refused {
                code: "refused",
                message: &message,
            };
            let payload = payload::answer(id, setup.store.clock().now(), &answer);
            return tell(shared, name.as_str(), payload, qos).await;
        }
    };
    let outcome = &record.outcome;
    shared.numbers.wrote(outcome.state.as_str());
    let answer = match outcome.state {
        WriteState::Applied => Answer::Done(&record, &wish.value),
        state => Answer::Refused {
            code: outcome.reason.as_deref().unwrap_or(state.as_str()),
            message: outcome.message.as_deref().unwrap_or(state.as_str()),
        },
    };
    let payload = payload::answer(id, setup.store.clock().now(), &answer);
    tell(shared, name.as_str(), payload, qos).await;
}

/// Answers. Where the broker is away the outcome stands in the node's list of writes.
async fn tell(shared: &Shared, name: &str, payload: bytes::Bytes, qos: Qos) {
    let topic: Option<Topic> = shared.setup.root.answer(name);
    let Some(topic) = topic else { return };
    let answer = Publication {
        topic,
        payload,
        qos,
        retain: false,
    };
    let sent = tokio::select! {
        () = shared.stop.cancelled() => return,
        sent = shared.setup.bus.publish(answer) => sent,
    };
    if let Err(error) = sent {
        tracing::debug!(%error, name, "the answer to a write over the bus was not told");
    }
}

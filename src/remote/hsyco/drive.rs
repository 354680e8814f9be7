//! The task of a link to a HSYCO server: asks, takes over, asks again behind the time stamp.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Monotonic, Quality, Reason, Timestamp};
use mainstem_store::{SourceId, Store};
use mainstem_telemetry::Health;
use parking_lot::Mutex;
use rand::Rng;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::image::Image;
use super::request::{AskError, Asking, Session};
use super::trust::Trust;
use super::{Command, HsycoOptions};
use crate::link::chain;
use crate::link::own::Own;
use crate::machine::LinkState;
use crate::remedy::{Remedy, next_action};
use crate::view::RemoteView;

/// The time stamp that asks for everything.
const EVERYTHING: u64 = 1;
/// The time stamps are of a wall clock, and removed datapoints are never told: now and then
/// everything is asked for.
const FULL_EVERY: Duration = Duration::from_secs(3600);
/// Between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(50);
/// The same where the server does not hold requests without news.
const PAUSE_NOT_HELD: Duration = Duration::from_secs(1);
/// A server that refuses is asked again after this long.
const REFUSED_RETRY: Duration = Duration::from_secs(30);

type Asked = (Option<Session>, Result<Answer, AskError>);

/// A request under way.
struct Request {
    timestamp: u64,
    begun: Monotonic,
    answer: Pin<Box<dyn Future<Output = Asked> + Send>>,
}

pub(super) struct Driver {
    options: HsycoOptions,
    store: Arc<Store>,
    image: Image,
    own: Own,
    trust: Trust,
    view: Arc<Mutex<RemoteView>>,
    tasks: TaskTracker,
    request: Option<Request>,
    session: Option<Session>,
    /// For the next request.
    timestamp: u64,
    full_at: Monotonic,
    next_try: Monotonic,
    tries: u32,
    route: usize,
    told: Option<Quality>,
    state: (LinkState, String, Monotonic),
}

/// What the task woke up for.
enum Event {
    Asked(Asked),
    Command(Command),
    Due,
    Stop,
}

impl Driver {
    pub(super) fn new(
        mut options: HsycoOptions,
        store: Arc<Store>,
        health: &Health,
        view: Arc<Mutex<RemoteView>>,
        tasks: TaskTracker,
    ) -> Self {
        let now = store.clock().monotonic();
        let own = Own::new(&store, health, &options.name, &options.prefix);
        let (read, types) = (
            std::mem::take(&mut options.read),
            std::mem::take(&mut options.types),
        );
        let image = Image::new(Arc::clone(&store), &options.prefix, read, types);
        let state = if options.paused {
            LinkState::Paused
        } else {
            LinkState::Waiting
        };
        Self {
            trust: Trust::new(options.timing, options.paused, now),
            options,
            store,
            image,
            own,
            view,
            tasks,
            request: None,
            session: None,
            timestamp: EVERYTHING,
            full_at: now,
            next_try: now,
            tries: 0,
            route: 0,
            told: None,
            state: (state, "not connected yet".to_owned(), now),
        }
    }

    pub(super) fn source(&self) -> SourceId {
        self.image.source()
    }

    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        stop: CancellationToken,
    ) {
        loop {
            self.act();
            self.show();
            match self.next(&mut commands, &stop).await {
                Event::Stop => break,
                Event::Asked((session, answer)) => self.asked(session, answer),
                Event::Command(command) => self.command(command),
                Event::Due => {}
            }
        }
        self.own.all_clear();
        let stopped = Quality::of(Reason::Stopped);
        self.store.set_status(self.image.source(), stopped);
    }

    fn now(&self) -> Monotonic {
        self.store.clock().monotonic()
    }

    /// Cancel safe: the request under way is kept in `self`.
    async fn next(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        stop: &CancellationToken,
    ) -> Event {
        let now = self.now();
        let is_due = self.request.is_none() && self.state.0 != LinkState::Paused;
        let due = is_due.then_some(self.next_try);
        let due = due.into_iter().chain(self.trust.deadline(now)).min();
        let pause = due.map_or(FULL_EVERY, |due| due.since(now));
        let answer = async {
            match &mut self.request {
                Some(request) => request.answer.as_mut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            Some(command) = commands.recv() => Event::Command(command),
            asked = answer => Event::Asked(asked),
            () = tokio::time::sleep(pause) => Event::Due,
        }
    }

    /// Asks if it is time to, and says what the time since the last answer means.
    fn act(&mut self) {
        let now = self.now();
        if self.request.is_none() && self.state.0 != LinkState::Paused && now >= self.next_try {
            self.ask(now);
        }
        let quality = self.trust.quality(now);
        if self.told != Some(quality) {
            self.told = Some(quality);
            self.store.set_status(self.image.source(), quality);
            self.own.tell_status(quality, &self.state.1);
            tracing::info!(
                remote = self.options.name,
                status = quality.status.as_str(),
                reason = quality.reason.as_str(),
                cause = self.state.1,
                "the link's state changed"
            );
        }
    }

    fn ask(&mut self, now: Monotonic) {
        let routes = &self.options.routes;
        let Some(dial) = routes.get(self.route % routes.len().max(1)) else {
            return;
        };
        if now >= self.full_at {
            self.timestamp = EVERYTHING;
        }
        let asking = Asking {
            dial: Arc::clone(dial),
            password: self.options.password.clone(),
            connect: self.options.timing.connect,
            patience: self.options.hold * 3 / 2,
            tasks: self.tasks.clone(),
        };
        let (session, timestamp) = (self.session.take(), self.timestamp);
        if self.state.0 != LinkState::Live {
            let cause = std::mem::take(&mut self.state.1);
            self.enter(LinkState::Connecting, cause);
        }
        self.request = Some(Request {
            timestamp,
            begun: now,
            answer: Box::pin(async move { asking.ask(session, timestamp).await }),
        });
    }

    fn asked(&mut self, session: Option<Session>, answer: Result<Answer, AskError>) {
        let Some(request) = self.request.take() else {
            return;
        };
        match answer {
            Ok(answer) => {
                self.session = session;
                self.answered(&request, &answer);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn answered(&mut self, request: &Request, answer: &Answer) {
        let now = self.now();
        let is_full = request.timestamp == EVERYTHING;
        self.image.apply(answer, is_full);
        self.trust.answered(now);
        self.tries = 0;
        if is_full {
            self.full_at = now.after(FULL_EVERY);
        }
        // A clock that was set back: what changed meanwhile may have an earlier time than ours.
        let went_back = answer.timestamp < request.timestamp;
        self.timestamp = if went_back {
            EVERYTHING
        } else {
            answer.timestamp.max(EVERYTHING)
        };
        let took = now.since(request.begun);
        let is_held = !answer.io.is_empty() || took >= self.options.hold / 10;
        self.next_try = now.after(if is_held { PAUSE } else { PAUSE_NOT_HELD });
        self.enter(LinkState::Live, String::new());
    }

    fn failed(&mut self, error: &AskError) {
        let (now, cause) = (self.now(), chain(error));
        // What was missed is not known: everything is asked for, and what is gone will show.
        self.timestamp = EVERYTHING;
        self.route = self.route.wrapping_add(1);
        if error.is_refusal() {
            self.next_try = now.after(REFUSED_RETRY);
            self.enter(LinkState::Refused, cause);
            return;
        }
        let timing = self.options.timing;
        let ceiling = timing.redial_min.saturating_mul(1 << self.tries.min(16));
        let jitter: f64 = rand::rng().random();
        let pause = ceiling.min(timing.redial_max).mul_f64(0.1 + 0.9 * jitter);
        self.tries += 1;
        self.next_try = now.after(pause);
        self.enter(LinkState::Waiting, cause);
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        self.request = None;
        self.session = None;
        self.timestamp = EVERYTHING;
        self.next_try = now;
        match command {
            Command::Pause => {
                self.trust.pause(true, now);
                self.enter(LinkState::Paused, "switched off by a person".to_owned());
            }
            Command::Resume if self.state.0 == LinkState::Paused => {
                self.trust.pause(false, now);
                self.enter(LinkState::Waiting, "switched on again".to_owned());
            }
            Command::Resume | Command::Resync => {}
        }
    }

    fn enter(&mut self, state: LinkState, cause: String) {
        let since = if self.state.0 == state {
            self.state.2
        } else {
            self.now()
        };
        self.state = (state, cause, since);
    }

    fn show(&self) {
        let (now, wall) = (self.now(), self.store.clock().now());
        let at = |then: Monotonic| moment(wall, now, then);
        let (state, cause, since) = &self.state;
        let is_waiting = matches!(state, LinkState::Waiting | LinkState::Refused);
        let routes = &self.options.routes;
        let route = routes.get(self.route % routes.len().max(1));
        let mut view = self.view.lock();
        if view.state != *state
            && let Some(told) = &self.options.on_state
        {
            told(*state);
        }
        view.state = *state;
        view.cause = (!cause.is_empty()).then(|| cause.clone());
        view.since = at(*since);
        view.next_try = is_waiting.then(|| at(self.next_try));
        view.action = next_action(&self.options.name, *state, Remedy::Nothing);
        view.at = now;
        view.heard = self.trust.last_answer().map(|last| now.since(last));
        view.address = route.map(|dial| dial.address()).unwrap_or_default();
        view.counters = self.image.counters();
        view.last_left_out = self.image.last_left_out().map(str::to_owned);
    }
}

fn moment(wall: Timestamp, now: Monotonic, then: Monotonic) -> Timestamp {
    let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
    let difference = signed(then.micros()).saturating_sub(signed(now.micros()));
    Timestamp::from_micros(wall.micros().saturating_add(difference))
}

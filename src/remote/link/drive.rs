//! The task of a link: does what the state machine says, and tells it what happened.

mod show;
mod stream;

pub(crate) use stream::chain;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mainstem_model::{Monotonic, Quality, Reason, Role};
use mainstem_store::{Filter, OwnerHandle, SourceId, Store};
use mainstem_telemetry::Health;
use mainstem_wire::{Beat, BeatAnswer, Digests};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers::Answers;
use super::canaries::{Canaries, LOOK_EVERY};
use super::clock::LinkClock;
use super::clocksync::ClockSync;
use super::one_way::WriteWay;
use super::own::{self, Own};
use super::{Command, LinkOptions, Shown};
use crate::connection::{Ask, Connection, RequestError};
use crate::drift::ClockState;
use crate::lines::Lines;
use crate::machine::{Action, LinkMachine, LinkState};
use crate::mirror::Mirror;
use crate::rate::Rate;
use crate::remedy::Remedy;
use crate::view::RemoteView;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Opened = Result<OpenStream, RequestError>;

/// A stream that has just been opened.
struct OpenStream {
    connection: Connection,
    body: Incoming,
    is_compressed: bool,
    /// What the request said is here already.
    digests: Option<Digests>,
}

pub(super) struct Driver {
    options: Arc<LinkOptions>,
    store: Arc<Store>,
    source: SourceId,
    machine: LinkMachine,
    mirror: Mirror,
    own: Own,
    canaries: Canaries,
    /// What somebody has to do about the last failure.
    remedy: Remedy,
    /// Bytes that came over streams, and those and the rows of before the open one.
    bytes: u64,
    stream_began: (u64, u64),
    row_rate: Rate,
    clock: LinkClock,
    clocksync: ClockSync,
    view: Arc<Mutex<RemoteView>>,
    viewed: Monotonic,
    tasks: TaskTracker,
    route: usize,
    /// Refusals since a stream brought anything.
    refusals: usize,
    dialling: Option<Boxed<Opened>>,
    open: Option<(Connection, Incoming, Lines)>,
    beats: FuturesUnordered<Boxed<(Beat, Result<BeatAnswer, RequestError>)>>,
    relay: WriteWay,
    /// Whether the remote is asked to hold back what the entry says.
    paces: bool,
    answers: Answers,
}

/// What the task woke up for.
enum Event {
    Dialled(Opened),
    Chunk(Option<Result<Bytes, hyper::Error>>),
    Beat(Beat, Result<BeatAnswer, RequestError>),
    Relay,
    Tunnel,
    Command(Command),
    Due,
    Stop,
}

impl Driver {
    pub(super) fn new(
        options: Arc<LinkOptions>,
        store: Arc<Store>,
        health: &Health,
        shown: Shown,
        tasks: TaskTracker,
    ) -> Self {
        let quality = Quality::of(Reason::Restarted);
        let source = store.put_own_source(None, &options.prefix, Role::Link, quality, false);
        let now = store.clock().monotonic();
        let mut machine = LinkMachine::new(options.timing, options.poll.is_some(), now);
        machine.pause(options.paused, now);
        let filter = Filter::new(mainstem_model::GlobSet::everything(), options.read.clone())
            .with_variables(options.read_variables.clone());
        let own = Own::new(&store, health, &options.name, &options.prefix);
        let clock = LinkClock::new(&store, health, &options, source);
        let desk = options.clock.sync.clone();
        let clocksync = ClockSync::new(desk, &store, health, &options.name);
        let canaries = Canaries::new(
            &store,
            health,
            &options.name,
            &options.prefix,
            source,
            options.timing.uncertain_after,
        );
        let orders: OwnerHandle = store.register_owner(source, true);
        let mirror = Mirror::new(Arc::clone(&store), source, &options.prefix, filter)
            .with_events(options.events.clone())
            .with_pair(options.is_pair)
            .with_startup_events(options.startup_events);
        Self {
            mirror,
            answers: Answers::new(&store, source),
            relay: WriteWay::new(
                Arc::clone(&options),
                Arc::clone(&store),
                orders,
                shown.reach,
            ),
            options,
            store,
            source,
            machine,
            own,
            canaries,
            remedy: Remedy::default(),
            bytes: 0,
            stream_began: (0, 0),
            row_rate: Rate::default(),
            clock,
            clocksync,
            view: shown.view,
            viewed: Monotonic::default(),
            tasks,
            route: 0,
            refusals: 0,
            dialling: None,
            open: None,
            beats: FuturesUnordered::new(),
            paces: false,
        }
    }

    pub(super) fn source(&self) -> SourceId {
        self.source
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
                event => self.on(event),
            }
        }
        self.own.all_clear();
        self.canaries.all_clear();
        self.clock.all_clear();
        self.clocksync.all_clear();
        self.store
            .set_status(self.source, Quality::of(Reason::Stopped));
        self.relay.end();
    }

    fn now(&self) -> Monotonic {
        self.store.clock().monotonic()
    }

    fn wall(&self) -> i64 {
        self.store.clock().now().micros()
    }

    /// Cancel safe: everything that waits is kept in `self`.
    async fn next(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        stop: &CancellationToken,
    ) -> Event {
        let pause = match self.machine.deadline() {
            Some(due) => due.since(self.now()),
            None => LOOK_EVERY,
        };
        // The age of a canary grows whether or not anything happens on the link.
        let pause = pause.min(LOOK_EVERY);
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            Some(command) = commands.recv() => Event::Command(command),
            Some((beat, answer)) = self.beats.next(), if !self.beats.is_empty() => {
                Event::Beat(beat, answer)
            }
            () = self.relay.step() => Event::Relay,
            () = self.clocksync.step() => Event::Relay,
            () = self.answers.step() => Event::Relay,
            opened = wait(&mut self.dialling), if self.dialling.is_some() => Event::Dialled(opened),
            chunk = next_chunk(&mut self.open), if self.open.is_some() => Event::Chunk(chunk),
            () = tunnel(&self.options) => Event::Tunnel,
            () = tokio::time::sleep(pause) => Event::Due,
        }
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Dialled(opened) => {
                self.dialling = None;
                match opened {
                    Ok(opened) => self.opened(opened),
                    Err(error) => self.failed(&error),
                }
            }
            Event::Chunk(Some(Ok(chunk))) => self.chunk(&chunk),
            Event::Chunk(Some(Err(error))) => self.lost(stream::chain(&error)),
            Event::Chunk(None) => self.ended(),
            Event::Beat(beat, Ok(answer)) => {
                let (now, wall) = (self.now(), self.wall());
                self.store.confirm(self.source);
                self.machine.on_beat_answer(&beat, &answer, now, wall);
                self.judge_clock();
            }
            // A beat that failed says nothing by itself: silence does.
            Event::Beat(..) | Event::Relay | Event::Due | Event::Stop => {}
            Event::Tunnel => self.machine.retry(self.now()),
            Event::Command(command) => self.command(command),
        }
    }

    /// What the clocks' difference means, now that it was measured anew.
    fn judge_clock(&mut self) {
        let Some(measured) = self.machine.offset().wall() else {
            return;
        };
        self.clock.tell(measured);
        let is_too_far = self.clock.standing() == ClockState::TooFar;
        self.machine
            .doubt_clock(is_too_far && self.options.clock.doubts);
        if is_too_far && self.machine.is_timed() {
            self.clocksync.is_due(self.clock.time());
        }
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Pause => {
                self.machine.pause(true, now);
                self.hang_up();
            }
            Command::Resume => self.machine.pause(false, now),
            Command::Resync { in_full } => {
                self.mirror.resync(in_full);
                self.lost("a new snapshot was asked for".into());
            }
        }
    }

    /// Does what the state machine asks for.
    fn act(&mut self) {
        let (now, wall) = (self.now(), self.wall());
        for action in self.machine.poll(now, wall) {
            match action {
                Action::Dial => self.dial(),
                Action::Hang(_) => {
                    self.remedy = match self.dialling {
                        Some(_) => Remedy::Reach,
                        None => Remedy::Line,
                    };
                    // What does not answer at all is tried by another way.
                    if self.dialling.is_some() {
                        self.route = self.route.wrapping_add(1);
                    }
                    self.hang_up();
                }
                Action::Beat(beat) => {
                    if let Some((connection, ..)) = &self.open {
                        let answer = connection.beat(&beat);
                        self.beats
                            .push(Box::pin(async move { (beat, answer.await) }));
                    }
                }
                Action::Status(quality) => {
                    self.store.set_status(self.source, quality);
                    let (_, cause, _) = self.machine.state();
                    self.own.tell_status(quality, cause);
                    if !own::is_up(quality) {
                        self.clock.tell_silence();
                    }
                    tracing::info!(
                        remote = self.options.name,
                        status = quality.status.as_str(),
                        reason = quality.reason.as_str(),
                        cause,
                        "the link's state changed"
                    );
                }
                Action::Complete(complete) => self.store.set_complete(self.source, complete),
                Action::Suspect(id, silent) => self.mirror.suspect(id, silent),
            }
        }
        let features = self.mirror.hello().map(|hello| &hello.features);
        self.relay.set_features(features.map_or(&[], Vec::as_slice));
        let (state, cause, _) = self.machine.state();
        self.own.tell_cause(cause, state == LinkState::Refused);
        self.relay
            .set_session(self.machine.session(), self.machine.is_timed());
    }

    /// Whether the remote told a feature in its hello.
    fn remote_has(&self, feature: &str) -> bool {
        let hello = self.mirror.hello();
        hello.is_some_and(|hello| hello.features.iter().any(|known| known == feature))
    }

    fn dial(&mut self) {
        self.mirror.begin();
        let Some(dial) = self
            .options
            .routes
            .get(self.route % self.options.routes.len().max(1))
        else {
            return;
        };
        let (dial, tasks, options) = (
            Arc::clone(dial),
            self.tasks.clone(),
            Arc::clone(&self.options),
        );
        let (cursor, wanted) = (self.mirror.cursor(), self.mirror.digest_request());
        let pacing = self.paces.then_some(self.options.pacing);
        self.dialling = Some(Box::pin(async move {
            let connection = Connection::open(&*dial, &options.token, &tasks).await?;
            let ask = Ask {
                cursor,
                digests: wanted.map(|wanted| wanted.digests()),
                delivery: options.delivery,
                follow: options.poll.is_none(),
                compressed: options.compressed,
                pacing: pacing.unwrap_or_default(),
            };
            let answer = connection.changes(&ask).await?;
            let encoding = answer.headers().get(http::header::CONTENT_ENCODING);
            let is_compressed = encoding.is_some_and(|encoding| encoding == "zstd");
            Ok(OpenStream {
                connection,
                body: answer.into_body(),
                is_compressed,
                digests: ask.digests,
            })
        }));
    }
}

/// A tunnel of a remote that dials up has come.
async fn tunnel(options: &LinkOptions) {
    match &options.tunnels {
        Some(queue) => queue.arrived().await,
        None => std::future::pending().await,
    }
}

async fn wait<T>(future: &mut Option<Boxed<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn next_chunk(
    open: &mut Option<(Connection, Incoming, Lines)>,
) -> Option<Result<Bytes, hyper::Error>> {
    let Some((_, body, _)) = open else {
        return std::future::pending().await;
    };
    loop {
        match body.frame().await? {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

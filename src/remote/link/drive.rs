//! The task of a link: does what the state machine says, and tells it what happened.

mod act;
mod dial;
mod show;
mod stream;

pub(crate) use stream::chain;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::body::Incoming;
use mainstem_model::{GlobSet, Monotonic, Quality, Reason, Role};
use mainstem_store::{Filter, OwnerHandle, SourceId, Store};
use mainstem_telemetry::Health;
use mainstem_wire::{Beat, BeatAnswer};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use dial::{Opened, next_chunk, tunnel};

use super::answers::Answers;
use super::canaries::{Canaries, LOOK_EVERY};
use super::clock::LinkClock;
use super::clocksync::ClockSync;
use super::loggers::Replication;
use super::one_way::WriteWay;
use super::own::Own;
use super::{Command, LinkOptions, Shown};
use crate::connection::{Connection, RequestError};
use crate::drift::ClockState;
use crate::lines::Lines;
use crate::machine::LinkMachine;
use crate::mirror::Mirror;
use crate::rate::Rate;
use crate::remedy::Remedy;
use crate::view::RemoteView;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) struct Driver {
    options: Arc<LinkOptions>,
    store: Arc<Store>,
    source: SourceId,
    machine: LinkMachine,
    mirror: Mirror,
    own: Own,
    canaries: Canaries,
    clock: LinkClock,
    clocksync: ClockSync,
    relay: WriteWay,
    answers: Answers,
    loggers: Option<Replication>,
    /// Which of the routes is the active one, counted on beyond their number.
    route: usize,
    /// Refusals since a stream brought anything.
    refusals: usize,
    /// Whether the remote is asked to hold back what the entry says.
    paces: bool,
    dialling: Option<Boxed<Opened>>,
    open: Option<(Connection, Incoming, Lines)>,
    beats: FuturesUnordered<Boxed<(Beat, Result<BeatAnswer, RequestError>)>>,
    tasks: TaskTracker,
    /// Bytes that came over streams, and those and the rows of before the open one.
    bytes: u64,
    stream_began: (u64, u64),
    row_rate: Rate,
    /// What somebody has to do about the last failure.
    remedy: Remedy,
    view: Arc<Mutex<RemoteView>>,
    viewed: Monotonic,
}

/// What the task woke up for.
enum Event {
    Dialled(Opened),
    Chunk(Option<Result<Bytes, hyper::Error>>),
    Beat(Beat, Result<BeatAnswer, RequestError>),
    /// A write, an answer or the setting of the clock went on.
    Errand,
    /// The remote has dialled up.
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
        let loggers = options.loggers.clone().map(|loggers| {
            let (is_polled, shown) = (options.poll.is_some(), shown.loggers);
            Replication::new(
                &options.name,
                loggers,
                is_polled,
                health,
                shown,
                tasks.clone(),
            )
        });
        let relay = WriteWay::new(
            Arc::clone(&options),
            Arc::clone(&store),
            orders,
            shown.reach,
        );
        Self {
            mirror: mirror(&options, &store, source),
            answers: Answers::new(&store, source),
            loggers,
            options,
            store,
            source,
            machine,
            own,
            canaries,
            clock,
            clocksync,
            relay,
            route: 0,
            refusals: 0,
            paces: false,
            dialling: None,
            open: None,
            beats: FuturesUnordered::new(),
            tasks,
            bytes: 0,
            stream_began: (0, 0),
            row_rate: Rate::default(),
            remedy: Remedy::default(),
            view: shown.view,
            viewed: Monotonic::default(),
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
        if let Some(loggers) = &mut self.loggers {
            loggers.all_clear();
        }
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
            () = self.relay.step() => Event::Errand,
            () = self.clocksync.step() => Event::Errand,
            () = self.answers.step() => Event::Errand,
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
            Event::Beat(..) | Event::Errand | Event::Due | Event::Stop => {}
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
}

fn mirror(options: &LinkOptions, store: &Arc<Store>, source: SourceId) -> Mirror {
    let filter = Filter::new(GlobSet::everything(), options.read.clone())
        .with_variables(options.read_variables.clone());
    Mirror::new(Arc::clone(store), source, &options.prefix, filter)
        .with_events(options.events.clone())
        .with_pair(options.is_pair)
        .with_startup_events(options.startup_events)
}

async fn wait<T>(future: &mut Option<Boxed<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

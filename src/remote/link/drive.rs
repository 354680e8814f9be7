//! The task of a link: does what the state machine says, and tells it what happened.

mod show;
mod stream;

pub(crate) use stream::chain;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mainstem_model::{Monotonic, Quality, Reason, Role};
use mainstem_store::{Filter, OwnerHandle, SourceId, Store};
use mainstem_telemetry::Health;
use mainstem_wire::{Beat, BeatAnswer, FEATURE_PULSE};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers::Answers;
use super::own::Own;
use super::relay::Relay;
use super::{Command, LinkOptions, Shown};
use crate::connection::{Connection, RequestError};
use crate::lines::Lines;
use crate::machine::{Action, LinkMachine, LinkState};
use crate::mirror::Mirror;
use crate::view::RemoteView;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Opened = Result<(Connection, Incoming, bool), RequestError>;

pub(super) struct Driver {
    options: Arc<LinkOptions>,
    store: Arc<Store>,
    source: SourceId,
    machine: LinkMachine,
    mirror: Mirror,
    own: Own,
    view: Arc<Mutex<RemoteView>>,
    viewed: Monotonic,
    tasks: TaskTracker,
    route: usize,
    dialling: Option<Boxed<Opened>>,
    open: Option<(Connection, Incoming, Lines)>,
    beats: FuturesUnordered<Boxed<(Beat, Result<BeatAnswer, RequestError>)>>,
    relay: Relay,
    answers: Answers,
}

/// What the task woke up for.
enum Event {
    Dialled(Opened),
    Chunk(Option<Result<Bytes, hyper::Error>>),
    Beat(Beat, Result<BeatAnswer, RequestError>),
    Relay,
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
        let filter = Filter::new(mainstem_model::GlobSet::everything(), options.read.clone());
        let own =
            Own::new(&store, health, &options.name, &options.prefix).with_clock(options.drift);
        let orders: OwnerHandle = store.register_owner(source, true);
        let mirror = Mirror::new(Arc::clone(&store), source, &options.prefix, filter)
            .with_events(options.events.clone());
        Self {
            mirror,
            answers: Answers::new(&store, source),
            relay: Relay::new(
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
            view: shown.view,
            viewed: Monotonic::default(),
            tasks,
            route: 0,
            dialling: None,
            open: None,
            beats: FuturesUnordered::new(),
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
            None => Duration::from_secs(3600),
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            Some(command) = commands.recv() => Event::Command(command),
            Some((beat, answer)) = self.beats.next(), if !self.beats.is_empty() => {
                Event::Beat(beat, answer)
            }
            () = self.relay.step() => Event::Relay,
            () = self.answers.step() => Event::Relay,
            opened = wait(&mut self.dialling), if self.dialling.is_some() => Event::Dialled(opened),
            chunk = next_chunk(&mut self.open), if self.open.is_some() => Event::Chunk(chunk),
            () = tokio::time::sleep(pause) => Event::Due,
        }
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Dialled(opened) => {
                self.dialling = None;
                match opened {
                    Ok((connection, body, is_compressed)) => {
                        self.opened(connection, body, is_compressed)
                    }
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
                if let Some(best) = self.machine.offset().best() {
                    self.own.tell_offset(best);
                }
            }
            // A beat that failed says nothing by itself: silence does.
            Event::Beat(..) | Event::Relay | Event::Due | Event::Stop => {}
            Event::Command(command) => self.command(command),
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
            Command::Resync => {
                self.mirror.resync();
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
                    // A route that swallows everything never fails by itself: the next one's turn.
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
        let knows = |feature: &String| feature == FEATURE_PULSE;
        self.relay
            .set_pulses(features.is_some_and(|features| features.iter().any(knows)));
        let (state, cause, _) = self.machine.state();
        self.own.tell_cause(cause, state == LinkState::Refused);
        self.relay
            .set_session(self.machine.session(), self.machine.is_timed());
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
        let cursor = self.mirror.cursor();
        self.dialling = Some(Box::pin(async move {
            let connection = Connection::open(&*dial, &options.token, &tasks).await?;
            let follow = options.poll.is_none();
            let answer = connection
                .changes(cursor, options.delivery, follow, options.compressed)
                .await?;
            let encoding = answer.headers().get(http::header::CONTENT_ENCODING);
            let is_compressed = encoding.is_some_and(|encoding| encoding == "zstd");
            Ok((connection, answer.into_body(), is_compressed))
        }));
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

//! The wire between two nodes, and what the drivers at both ends do. A cut wire delivers nothing
//! and tells nobody; a reset tells both.

use std::collections::VecDeque;

use mainstem_model::{Clock, Monotonic};
use mainstem_remote::Action;
use mainstem_store::{Chunk, Delivery, Filter, Progress, Reader, Store, encode_chunk};
use mainstem_wire::{Beat, BeatAnswer, Cursor, FrameWriter, decode_line};
use rand::Rng;
use rand::rngs::StdRng;

use crate::node::{Life, Link, Node};

/// Messages under way in one direction, as a flow-control window would bound them.
const WINDOW: usize = 4;

/// Rows of one message; small, so that much happens in the middle of a backlog.
const ROWS: usize = 40;

pub(crate) struct Wire {
    pub(crate) upper: usize,
    pub(crate) lower: usize,
    pub(crate) is_cut: bool,
    pub(crate) delay_ms: u64,
    connection: u64,
    down: VecDeque<(u64, Down)>,
    up: VecDeque<(u64, Up)>,
    served: Option<Served>,
    /// The upper end's connection, 0 while there is none.
    open: u64,
    was_reset: bool,
}

enum Down {
    Dial(u64, Option<Cursor>),
    Beat(u64, Beat),
}

enum Up {
    Lines(u64, Vec<u8>),
    Answer(u64, Beat, BeatAnswer),
}

struct Served {
    connection: u64,
    reader: Reader,
    session: u64,
}

impl Wire {
    pub(crate) fn new(upper: usize, lower: usize) -> Self {
        Self {
            upper,
            lower,
            is_cut: false,
            delay_ms: 5,
            connection: 0,
            down: VecDeque::new(),
            up: VecDeque::new(),
            served: None,
            open: 0,
            was_reset: false,
        }
    }

    /// Both ends learn that the connection is gone, with what was under way.
    pub(crate) fn reset(&mut self) {
        self.down.clear();
        self.up.clear();
        self.served = None;
        self.was_reset = self.open > 0;
        self.open = 0;
    }

    pub(crate) fn step(
        &mut self,
        now_ms: u64,
        index: usize,
        upper: &mut Node,
        lower: &mut Node,
        rng: &mut StdRng,
    ) {
        if let Some(life) = lower.life() {
            self.serve(now_ms, life);
        }
        let Some(life) = upper.life() else { return };
        let Life {
            clock,
            store,
            links,
            ..
        } = life;
        let Some(link) = links.iter_mut().find(|link| link.wire == index) else {
            return;
        };
        let now = clock.monotonic();
        if std::mem::take(&mut self.was_reset) {
            link.machine.on_lost("reset".into(), rng.random(), now);
        }
        while let Some(message) = due(&mut self.up, now_ms, self.is_cut) {
            self.receive(store, link, message, now, clock.now().micros());
        }
        for action in link.machine.poll(now, clock.now().micros()) {
            let at = now_ms + self.delay_ms;
            match action {
                Action::Dial => {
                    self.connection += 1;
                    self.open = self.connection;
                    self.up.clear();
                    link.mirror.begin();
                    self.down
                        .push_back((at, Down::Dial(self.open, link.mirror.cursor())));
                }
                Action::Hang(_) => self.open = 0,
                Action::Beat(beat) => self.down.push_back((at, Down::Beat(self.open, beat))),
                Action::Status(quality) => {
                    store.set_status(link.source, quality);
                }
                Action::Complete(complete) => store.set_complete(link.source, complete),
                Action::Suspect(id, silent) => link.mirror.suspect(id, silent),
            }
        }
    }

    fn receive(&mut self, store: &Store, link: &mut Link, message: Up, now: Monotonic, wall: i64) {
        match message {
            Up::Lines(connection, bytes) if connection == self.open => {
                link.machine.on_bytes(now);
                store.confirm(link.source);
                for line in bytes
                    .split(|&byte| byte == b'\n')
                    .filter(|line| !line.is_empty())
                {
                    let line = decode_line(line).unwrap();
                    link.mirror.line(&line).unwrap();
                    if let Some(hello) = &line.hello {
                        let applied = link.mirror.cursor().map(|cursor| cursor.sequence);
                        link.machine.on_hello(hello, applied, now);
                    }
                }
                if let Some(applied) = link.mirror.flush().applied {
                    link.machine.on_applied(applied, now);
                }
            }
            Up::Answer(connection, beat, answer) if connection == self.open => {
                link.machine.on_beat_answer(&beat, &answer, now, wall);
                store.confirm(link.source);
            }
            _ => {}
        }
    }

    /// The lower end: streams, and answers beats.
    fn serve(&mut self, now_ms: u64, life: &mut Life) {
        while let Some(message) = due(&mut self.down, now_ms, self.is_cut) {
            match message {
                Down::Dial(connection, cursor) => self.accept(now_ms, life, connection, cursor),
                Down::Beat(connection, beat) => {
                    let answer = life.serving.beat("upper", &beat, life.clock.monotonic());
                    let at = now_ms + self.delay_ms;
                    self.up
                        .push_back((at, Up::Answer(connection, beat, answer)));
                }
            }
        }
        let Some(served) = &mut self.served else {
            return;
        };
        let mut chunk = Chunk::default();
        while self.up.len() < WINDOW {
            let progress = served.reader.read(&life.store, &mut chunk, ROWS);
            let mut writer = FrameWriter::default();
            encode_chunk(&chunk, &mut writer);
            if !writer.buffer.is_empty() {
                let at = now_ms + self.delay_ms;
                self.up
                    .push_back((at, Up::Lines(served.connection, writer.buffer)));
            }
            match progress {
                Progress::More => {}
                Progress::AtHead => break,
                Progress::Expired => {
                    self.reset();
                    return;
                }
            }
        }
    }

    fn accept(&mut self, now_ms: u64, life: &mut Life, connection: u64, cursor: Option<Cursor>) {
        let filter = Filter::everything();
        let hash = filter.hash();
        let resumed = cursor
            .and_then(|at| Reader::resume(&life.store, filter.clone(), Delivery::Every, at).ok());
        let is_snapshot = resumed.is_none();
        let reader = resumed.unwrap_or_else(|| Reader::snapshot(filter, Delivery::Every));
        if let Some(old) = self.served.take() {
            life.serving.close(old.session);
        }
        let session = life.serving.open("upper");
        let mut writer = FrameWriter::default();
        writer.hello(&life.store.hello(is_snapshot, session, hash));
        self.up
            .push_back((now_ms + self.delay_ms, Up::Lines(connection, writer.buffer)));
        self.served = Some(Served {
            connection,
            reader,
            session,
        });
    }
}

fn due<T>(queue: &mut VecDeque<(u64, T)>, now_ms: u64, is_cut: bool) -> Option<T> {
    let (at, _) = queue.front()?;
    if is_cut || *at > now_ms {
        return None;
    }
    queue.pop_front().map(|(_, message)| message)
}

//! One connection of a wire: what is under way in it, and what the serving end does with it.

use std::collections::VecDeque;

use mainstem_model::Clock;
use mainstem_store::{Chunk, Delivery, Filter, Progress, Reader, encode_chunk};
use mainstem_wire::{Beat, BeatAnswer, Cursor, Digests, FrameWriter};
use rand::Rng;
use rand::rngs::StdRng;

use crate::node::Life;
use crate::wire::Route;

/// Messages under way in one direction, as a flow-control window would bound them.
const WINDOW: usize = 4;
/// Rows of one message; small, so that much happens in the middle of a backlog.
const ROWS: usize = 40;

pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) route: usize,
    delivery: Delivery,
    pub(crate) down: Flight<Down>,
    pub(crate) lines: Flight<Vec<u8>>,
    pub(crate) answers: Flight<Answer>,
    pub(crate) served: Option<(Reader, u64)>,
}

pub(crate) enum Down {
    Dial(Option<Cursor>, Option<Digests>),
    Beat(Beat),
    Close,
}

pub(crate) enum Answer {
    Beat(Beat, BeatAnswer),
    /// 410: the cursor is not accepted.
    CursorGone,
}

/// What is under way, in order.
pub(crate) struct Flight<T> {
    queue: VecDeque<(u64, T)>,
    last: u64,
}

impl<T> Flight<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            last: 0,
        }
    }

    pub(crate) fn send(&mut self, now_ms: u64, route: &Route, rng: &mut StdRng, message: T) {
        let jitter = match route.jitter_ms {
            0 => 0,
            most => rng.random_range(0..most),
        };
        self.last = self.last.max(now_ms + route.delay_ms + jitter);
        self.queue.push_back((self.last, message));
    }

    pub(crate) fn due(&mut self, now_ms: u64, is_cut: bool) -> Option<T> {
        let (at, _) = self.queue.front()?;
        if is_cut || *at > now_ms {
            return None;
        }
        self.queue.pop_front().map(|(_, message)| message)
    }
}

impl Connection {
    pub(crate) fn new(id: u64, route: usize, delivery: Delivery) -> Self {
        Self {
            id,
            route,
            delivery,
            down: Flight::new(),
            lines: Flight::new(),
            answers: Flight::new(),
            served: None,
        }
    }

    /// Whether it is still there afterwards.
    pub(crate) fn serve(
        &mut self,
        now_ms: u64,
        route: &Route,
        life: &mut Life,
        rng: &mut StdRng,
    ) -> bool {
        while let Some(message) = self.down.due(now_ms, route.is_cut_down) {
            match message {
                Down::Dial(cursor, digests) => {
                    self.accept(now_ms, route, life, (cursor, digests), rng);
                }
                Down::Beat(beat) => {
                    let answer = life.serving.beat("upper", &beat, life.clock.monotonic());
                    let answer = Answer::Beat(beat, answer);
                    self.answers.send(now_ms, route, rng, answer);
                }
                Down::Close => {
                    if let Some((_, session)) = self.served.take() {
                        life.serving.close(session);
                    }
                    return false;
                }
            }
        }
        let Some((reader, _)) = &mut self.served else {
            return true;
        };
        let mut chunk = Chunk::default();
        while self.lines.queue.len() < WINDOW {
            let progress = reader.read(&life.store, &mut chunk, ROWS);
            let mut writer = FrameWriter::default();
            encode_chunk(&chunk, &mut writer);
            if !writer.buffer.is_empty() {
                self.lines.send(now_ms, route, rng, writer.buffer);
            }
            match progress {
                Progress::More => {}
                Progress::AtHead => break,
                Progress::Expired => return false,
            }
        }
        true
    }

    fn accept(
        &mut self,
        now_ms: u64,
        route: &Route,
        life: &mut Life,
        (cursor, digests): (Option<Cursor>, Option<Digests>),
        rng: &mut StdRng,
    ) {
        let filter = Filter::everything();
        let hash = filter.hash();
        let delivery = self.delivery;
        let resumed = cursor.map(|at| Reader::resume(&life.store, filter.clone(), delivery, at));
        let (reader, is_snapshot) = match resumed {
            None => match digests {
                Some(theirs) => (Reader::differences(filter, delivery, theirs), true),
                None => (Reader::snapshot(filter, delivery), true),
            },
            Some(Ok(reader)) => (reader, false),
            Some(Err(_)) => {
                self.answers.send(now_ms, route, rng, Answer::CursorGone);
                return;
            }
        };
        let session = life.serving.open("upper");
        let mut writer = FrameWriter::default();
        writer.hello(&life.store.hello(is_snapshot, session, hash));
        self.lines.send(now_ms, route, rng, writer.buffer);
        self.served = Some((reader, session));
    }
}

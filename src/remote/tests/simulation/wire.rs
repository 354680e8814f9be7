//! The wire between two nodes, and what the drivers at both ends do. A wire has one or two routes;
//! each direction of a route can be cut by itself and has its own delay. A cut route delivers
//! nothing and tells nobody; a reset tells both ends.
//!
//! One connection keeps the order of its stream, as TCP does; answers to beats may overtake it or
//! fall behind, since they are another stream of the same HTTP/2 connection. Connections overtake
//! each other as they like: what an old one still brings arrives while a newer one is open, and an
//! old request to open a stream may reach the lower node after a newer one.

use mainstem_model::{Clock, Monotonic};
use mainstem_remote::Action;
use mainstem_store::{Delivery, Store};
use mainstem_wire::{Cursor, Digests, decode_line};
use rand::Rng;
use rand::rngs::StdRng;

use crate::connection::{Answer, Connection, Down};
use crate::node::{Life, Link, Node};

/// Connections that the lower end keeps before it gives up the oldest, which nobody reads.
const CONNECTIONS_MAX: usize = 6;
/// After what a refusal is tried again, as the driver does it.
const REFUSED_RETRY: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) struct Wire {
    pub(crate) upper: usize,
    pub(crate) lower: usize,
    pub(crate) routes: Vec<Route>,
    delivery: Delivery,
    connections: Vec<Connection>,
    /// The number of the last connection.
    last: u64,
    /// The upper end's connection, 0 while there is none.
    open: u64,
    /// The route that the upper end tries next.
    route: usize,
    was_reset: bool,
}

/// One way between the two nodes.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) is_cut_down: bool,
    pub(crate) is_cut_up: bool,
    pub(crate) delay_ms: u64,
    pub(crate) jitter_ms: u64,
}

impl Route {
    fn new() -> Self {
        Self {
            is_cut_down: false,
            is_cut_up: false,
            delay_ms: 5,
            jitter_ms: 0,
        }
    }

    pub(crate) fn cut(&mut self, is_cut: bool) {
        (self.is_cut_down, self.is_cut_up) = (is_cut, is_cut);
    }
}

impl Wire {
    pub(crate) fn new(upper: usize, lower: usize, routes: usize, delivery: Delivery) -> Self {
        Self {
            upper,
            lower,
            routes: vec![Route::new(); routes],
            delivery,
            connections: Vec::new(),
            last: 0,
            open: 0,
            route: 0,
            was_reset: false,
        }
    }

    /// Both ends learn that all connections are gone, with what was under way.
    pub(crate) fn reset(&mut self) {
        self.connections.clear();
        self.was_reset |= self.open > 0;
        self.open = 0;
    }

    pub(crate) fn step(
        &mut self,
        now_ms: u64,
        index: usize,
        (upper, lower): (&mut Node, &mut Node),
        rng: &mut StdRng,
    ) {
        match lower.life() {
            Some(life) => self.serve(now_ms, life, rng),
            None => self.connections.iter_mut().for_each(|c| c.served = None),
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
            // A connection that was never up is a failed try, and the next route has its turn.
            if !link.machine.is_open() {
                self.route += 1;
            }
            link.machine.on_lost("reset".into(), rng.random(), now);
        }
        self.arrive(now_ms, store, link, (now, clock.now().micros()), rng);
        for action in link.machine.poll(now, clock.now().micros()) {
            self.act(now_ms, store, link, action, rng);
        }
    }

    /// What came up over all connections. Only the open one is read, as a driver that dropped a
    /// socket reads no more of it.
    fn arrive(
        &mut self,
        now_ms: u64,
        store: &Store,
        link: &mut Link,
        (now, wall): (Monotonic, i64),
        rng: &mut StdRng,
    ) {
        for at in 0..self.connections.len() {
            let is_cut = self.routes[self.connections[at].route].is_cut_up;
            while let Some(bytes) = self.connections[at].lines.due(now_ms, is_cut) {
                if self.connections[at].id == self.open
                    && let Err(error) = link.receive(store, &bytes, now)
                {
                    self.hang_up(now_ms, rng);
                    // As the driver: what has to be told in full is asked for again at once.
                    match link.mirror.wants_all() {
                        true => link.machine.on_lost(error, rng.random(), now),
                        false => link.machine.on_refused(error, REFUSED_RETRY, now),
                    }
                }
            }
            while let Some(answer) = self.connections[at].answers.due(now_ms, is_cut) {
                if self.connections[at].id != self.open {
                    continue;
                }
                match answer {
                    Answer::Beat(beat, answer) => {
                        store.confirm(link.source);
                        link.machine.on_beat_answer(&beat, &answer, now, wall);
                    }
                    Answer::CursorGone => {
                        link.mirror.offers_digests(true);
                        store.forget_cursor(link.source);
                        self.hang_up(now_ms, rng);
                        link.machine.on_lost("410".into(), rng.random(), now);
                    }
                }
            }
        }
    }

    fn act(
        &mut self,
        now_ms: u64,
        store: &Store,
        link: &mut Link,
        action: Action,
        rng: &mut StdRng,
    ) {
        match action {
            Action::Dial => {
                link.mirror.begin();
                let wanted = link.mirror.digest_request();
                let digests = wanted.map(|wanted| wanted.digests());
                link.mirror.sent_digests(digests.clone());
                self.dial(now_ms, (link.mirror.cursor(), digests), rng);
            }
            Action::Hang(_) => {
                // As the driver: a connection that did not come up means the next route.
                if !link.was_open {
                    self.route += 1;
                }
                self.hang_up(now_ms, rng);
            }
            Action::Beat(beat) => self.send_down(now_ms, Down::Beat(beat), rng),
            Action::Status(quality) => {
                store.set_status(link.source, quality);
            }
            Action::Complete(complete) => store.set_complete(link.source, complete),
            Action::Suspect(id, silent) => link.mirror.suspect(id, silent),
        }
        link.was_open = link.machine.is_open();
    }

    fn dial(
        &mut self,
        now_ms: u64,
        (cursor, digests): (Option<Cursor>, Option<Digests>),
        rng: &mut StdRng,
    ) {
        self.last += 1;
        self.open = self.last;
        let route = self.route % self.routes.len();
        self.connections
            .push(Connection::new(self.open, route, self.delivery));
        if self.connections.len() > CONNECTIONS_MAX {
            self.connections.remove(0);
        }
        self.send_down(now_ms, Down::Dial(cursor, digests), rng);
    }

    fn hang_up(&mut self, now_ms: u64, rng: &mut StdRng) {
        self.send_down(now_ms, Down::Close, rng);
        self.open = 0;
    }

    fn send_down(&mut self, now_ms: u64, message: Down, rng: &mut StdRng) {
        let open = self.open;
        if let Some(at) = self.connections.iter_mut().find(|at| at.id == open) {
            at.down.send(now_ms, &self.routes[at.route], rng, message);
        }
    }

    /// The lower end: streams, and answers beats, on every connection that it still has.
    fn serve(&mut self, now_ms: u64, life: &mut Life, rng: &mut StdRng) {
        let mut at = 0;
        while at < self.connections.len() {
            let connection = &mut self.connections[at];
            let route = &self.routes[connection.route];
            if connection.serve(now_ms, route, life, rng) {
                at += 1;
            } else {
                self.was_reset |= connection.id == self.open && self.open > 0;
                if connection.id == self.open {
                    self.open = 0;
                }
                self.connections.remove(at);
            }
        }
    }
}

impl Link {
    /// Applies what came, as the driver does. An error means that the remote is refused.
    fn receive(&mut self, store: &Store, bytes: &[u8], now: Monotonic) -> Result<(), String> {
        let applied = self.mirror.cursor().map(|cursor| cursor.sequence);
        self.machine.on_bytes(now);
        store.confirm(self.source);
        for line in bytes.split(|&byte| byte == b'\n').filter(|l| !l.is_empty()) {
            let line = decode_line(line).unwrap();
            let brought = self.mirror.line(&line);
            brought.map_err(|error| error.to_string())?;
            if let Some(hello) = &line.hello {
                let applied = applied.filter(|_| !hello.snapshot);
                self.machine.on_hello(hello, applied, now);
                self.was_open = true;
            }
        }
        if let Some(applied) = self.mirror.flush().applied {
            self.machine.on_applied(applied, now);
        }
        Ok(())
    }
}

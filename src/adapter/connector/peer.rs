//! The program that a session talks with: one that this node has started, or one that came to it.

use std::time::Duration;

use bytes::Bytes;
use mainstem_adapter::Visit;

use crate::order::Order;
use crate::program::Program;
use crate::word::{Hello, Word};

/// How long a program may take to close its connection. With what it then has to end, it is less
/// than what the runner grants.
const DISCONNECT_TIME: Duration = Duration::from_millis(1000);

/// A program, wherever it runs.
pub(crate) struct Peer {
    way: Way,
    /// What it said first.
    pub(crate) hello: Option<Hello>,
}

enum Way {
    /// A process of this machine, by its pipes. Larger than a visit by far.
    Child(Box<Program>),
    /// A program elsewhere, over the API.
    Guest(Visit),
}

/// What comes from the program.
pub(crate) enum Event {
    /// A line of its output.
    Line(Bytes),
    /// A line of its errors, which is for people.
    Log(String),
    /// It has ended, or can no longer be talked to: why.
    Ended(String),
}

impl Peer {
    /// A program that this node has started.
    pub(crate) fn child(program: Program) -> Self {
        let way = Way::Child(Box::new(program));
        Self { way, hello: None }
    }

    /// A program that came.
    pub(crate) fn guest(visit: Visit) -> Self {
        let way = Way::Guest(visit);
        Self { way, hello: None }
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        match &mut self.way {
            Way::Child(program) => program.is_alive(),
            Way::Guest(visit) => !visit.has_left(),
        }
    }

    /// What becomes of one that misbehaves.
    pub(crate) fn consequence(&self) -> &'static str {
        match self.way {
            Way::Child(_) => "it is started again",
            Way::Guest(_) => "its visit is ended, and it has to come again",
        }
    }

    /// Puts an order on its way. False if the program reads so slowly that too much waits.
    #[must_use]
    pub(crate) fn order(&mut self, order: &Order<'_>) -> bool {
        let mut line = Vec::new();
        order.write_to(&mut line);
        match &mut self.way {
            Way::Child(program) => program.tell(&line),
            Way::Guest(visit) => visit.tell(line.into()),
        }
    }

    /// What comes next; orders that wait are written meanwhile. Cancel safe.
    pub(crate) async fn event(&mut self) -> Event {
        match &mut self.way {
            Way::Child(program) => program.event().await,
            Way::Guest(visit) => match visit.line().await {
                Some(line) => Event::Line(line),
                None => Event::Ended("the program closed its stream of orders".into()),
            },
        }
    }

    /// Lets it close its connection, and ends it.
    pub(crate) async fn end(mut self) {
        if self.order(&Order::Disconnect) {
            let closed = async {
                loop {
                    match self.event().await {
                        Event::Ended(_) => return,
                        Event::Log(_) => {}
                        Event::Line(line) => {
                            let word = Word::parse(&line);
                            if word.is_ok_and(|word| word.disconnected) {
                                return;
                            }
                        }
                    }
                }
            };
            if tokio::time::timeout(DISCONNECT_TIME, closed).await.is_err() {
                tracing::debug!("a connector did not say that it has disconnected");
            }
        }
        // A visit ends by being dropped.
        if let Way::Child(program) = self.way {
            program.end().await;
        }
    }
}

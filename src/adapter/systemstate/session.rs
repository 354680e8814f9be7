//! Listens to the board of states.

use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, PointId, Reading, SessionEnd, StateChange, States,
};
use mainstem_model::{Quality, Reason, Value};
use tokio::sync::broadcast::error::RecvError;

/// The adapter. It has no connection that could be lost.
pub(crate) struct SystemState {
    /// What each datapoint is of, as the file calls it.
    ids: Vec<String>,
    readings: Vec<Reading>,
}

impl SystemState {
    pub(crate) fn new(ids: Vec<String>) -> Self {
        let readings = Vec::new();
        Self { ids, readings }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let states = io.states().clone();
        let stopped = io.stopped();
        tokio::pin!(stopped);
        // From before what is told first, so that nothing is missed between.
        let mut changes = states.changes();
        self.readings.clear();
        io.online();
        self.all(&states, io);
        loop {
            let change = tokio::select! {
                () = &mut stopped => return Ok(()),
                change = changes.recv() => change,
            };
            match change {
                Ok(change) => self.one(&states, &change, io),
                Err(RecvError::Lagged(missed)) => {
                    io.statistics().overrun(missed);
                    self.all(&states, io);
                }
                Err(RecvError::Closed) => {
                    return Err(SessionEnd::lost("closed", "the board of states is gone"));
                }
            }
        }
    }

    fn all(&mut self, states: &States, io: &AdapterIo) {
        for (id, point) in self.ids.iter().zip(0..) {
            let word = states.get(states.resource(id));
            self.readings.push(reading(PointId(point), word));
        }
        io.emit(&mut self.readings);
    }

    fn one(&mut self, states: &States, change: &StateChange, io: &AdapterIo) {
        for (id, point) in self.ids.iter().zip(0..) {
            if states.resource(id) == &*change.resource {
                self.readings.push(reading(PointId(point), change.word));
            }
        }
        io.emit(&mut self.readings);
    }
}

/// A resource that does not exist is a wrong address, until the node file has it.
fn reading(point: PointId, word: Option<&'static str>) -> Reading {
    Reading {
        point,
        value: word.map(Value::text),
        quality: match word {
            Some(_) => Quality::GOOD,
            None => Quality::of(Reason::BadAddress),
        },
        source_time: None,
    }
}

impl Adapter for SystemState {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}

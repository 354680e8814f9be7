//! The bus as the API shows it.

use mainstem_bus::BusState;
use mainstem_bus::embedded::Transport;
use mainstem_wire::api::{BusDocument, BusListenerDocument};

use super::watch::numbers;
use super::{Broker, RunningBus};

impl RunningBus {
    /// The bus; nothing if there is none.
    pub(in crate::app) fn document(
        &self,
    ) -> impl Future<Output = Option<BusDocument>> + Send + 'static {
        let running = self.running.read().clone();
        async move {
            let running = running?;
            let state = running.broker.bus().state().borrow().clone();
            let numbers = numbers(&running.broker).await;
            let (kind, broker, listeners) = match &running.broker {
                Broker::Embedded(bus) => {
                    let listening = bus.listening().into_iter();
                    let listeners = listening.map(|open| BusListenerDocument {
                        address: open.address.to_string(),
                        transport: match open.inlet.transport {
                            Transport::Tcp => "tcp",
                            Transport::WebSocket => "websocket",
                        }
                        .to_owned(),
                        tls: open.inlet.tls.is_some(),
                    });
                    ("embedded", None, listeners.collect())
                }
                Broker::External(_, address) => ("external", Some(address.clone()), Vec::new()),
            };
            let (word, cause) = match state {
                BusState::Up => ("up", None),
                BusState::Down(outage) => ("down", Some(outage.cause.to_string())),
            };
            let owned = |(name, number): (&'static str, u64)| (name.to_owned(), number);
            Some(BusDocument {
                kind: kind.to_owned(),
                state: word.to_owned(),
                since: running.since.get(),
                cause,
                broker,
                listeners,
                now: numbers.standing.into_iter().map(owned).collect(),
                counts: numbers.growing.into_iter().map(owned).collect(),
                refused: numbers.refused.into_iter().map(owned).collect(),
            })
        }
    }
}

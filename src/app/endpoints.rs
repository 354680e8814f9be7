//! The topics of endpoints on the node's bus: `<topic>` tells values, `<topic>/req` asks and
//! `<topic>/set` writes, both answered on `<topic>/res`.

mod reply;
mod request;
mod teller;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use mainstem_bus::{Bus, FILTER_BYTES_MAX, Message, TopicFilter};
use mainstem_config::NodeConfig;
use mainstem_model::NodeId;
use mainstem_security::{Audit, Tokens};
use mainstem_service::{EndpointAddress, EndpointOperation};
use mainstem_store::Store;
use mainstem_write::WriteDesk;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::node::Ground;
use super::parts::RunningParts;

/// Requests that wait to be taken; more are dropped and counted by the bus.
const WAITING_MAX: usize = 4096;
/// Requests that are carried out at the same time.
const OPEN_MAX: usize = 256;
/// Filters of one subscription.
const FILTERS_MAX: usize = 1000;
/// After a refused subscription.
const RETRY: Duration = Duration::from_millis(500);

/// What the topics of endpoints stand on.
pub(super) struct EndpointGround {
    pub(super) node: NodeId,
    pub(super) store: Arc<Store>,
    pub(super) writes: Arc<WriteDesk>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) audit: Arc<Audit>,
}

/// The topics of endpoints that are served.
pub(super) struct RunningEndpoints {
    ground: Arc<EndpointGround>,
    parts: Mutex<Weak<RunningParts>>,
    running: Mutex<Option<Running>>,
}

struct Running {
    served: Arc<Vec<EndpointAddress>>,
    is_foreign: bool,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What one message asks for.
#[derive(Clone, Copy)]
enum Wish {
    Read,
    Write,
}

/// What serves the requests of some endpoints.
#[derive(Clone)]
struct Clerk {
    ground: Arc<EndpointGround>,
    parts: Weak<RunningParts>,
    bus: Arc<dyn Bus>,
    served: Arc<Vec<EndpointAddress>>,
    /// Whether the broker is a foreign one: it never says who published.
    is_foreign: bool,
    open: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl RunningEndpoints {
    pub(super) fn new(ground: &Ground) -> Self {
        Self {
            ground: Arc::new(EndpointGround {
                node: ground.store.setup().node,
                store: Arc::clone(&ground.store),
                writes: Arc::clone(&ground.writes),
                tokens: Arc::clone(&ground.tokens),
                audit: Arc::clone(&ground.audit),
            }),
            parts: Mutex::new(Weak::new()),
            running: Mutex::new(None),
        }
    }

    /// Questions go to the adapters of these parts.
    pub(super) fn set_parts(&self, parts: &Arc<RunningParts>) {
        *self.parts.lock() = Arc::downgrade(parts);
    }

    /// Makes what is served the same as what is configured.
    pub(super) async fn apply(&self, config: &NodeConfig, bus: Option<Arc<dyn Bus>>) {
        let external = config
            .bus
            .as_ref()
            .is_some_and(|bus| bus.external.is_some());
        let wanted = &config.services.endpoints;
        let old = {
            let mut running = self.running.lock();
            let same =
                |running: &Running| *running.served == *wanted && running.is_foreign == external;
            match running.as_ref() {
                Some(now) if same(now) => return,
                _ => running.take(),
            }
        };
        if let Some(old) = old {
            old.end().await;
        }
        let Some(bus) = bus.filter(|_| !wanted.is_empty()) else {
            return;
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let served = Arc::new(wanted.clone());
        let clerk = Clerk {
            ground: Arc::clone(&self.ground),
            parts: self.parts.lock().clone(),
            bus: Arc::clone(&bus),
            served: Arc::clone(&served),
            is_foreign: external,
            open: Arc::new(Semaphore::new(OPEN_MAX)),
            tasks: tasks.clone(),
        };
        for part in clerk.wishes().chunks(FILTERS_MAX) {
            let part: HashMap<String, (usize, Wish)> = part.iter().cloned().collect();
            tasks.spawn(clerk.clone().serve(part, stop.clone()));
        }
        let store = Arc::clone(&self.ground.store);
        tasks.spawn(teller::tell(store, bus, Arc::clone(&served), stop.clone()));
        *self.running.lock() = Some(Running {
            served,
            is_foreign: external,
            stop,
            tasks,
        });
    }

    pub(super) async fn stop(&self) {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.end().await;
        }
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Clerk {
    /// The topics that ask for something.
    fn wishes(&self) -> Vec<(String, (usize, Wish))> {
        let mut wishes = Vec::new();
        for (index, endpoint) in self.served.iter().enumerate() {
            if endpoint.operation == EndpointOperation::Read {
                wishes.push((endpoint.read_topic(), (index, Wish::Read)));
            }
            if endpoint.is_writable {
                wishes.push((endpoint.write_topic(), (index, Wish::Write)));
            }
        }
        wishes.retain(|(topic, _)| topic.len() <= FILTER_BYTES_MAX);
        wishes
    }

    /// Takes requests until the stop.
    async fn serve(self, wishes: HashMap<String, (usize, Wish)>, stop: CancellationToken) {
        let filters = wishes
            .keys()
            .filter_map(|topic| TopicFilter::new(topic).ok());
        let filters: Vec<TopicFilter> = filters.collect();
        loop {
            let subscribed = tokio::select! {
                () = stop.cancelled() => return,
                subscribed = self.bus.subscribe(&filters, WAITING_MAX) => subscribed,
            };
            let mut requests = match subscribed {
                Ok(requests) => requests,
                Err(error) => {
                    tracing::warn!(%error, "requests of endpoints are not subscribed");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(RETRY) => continue,
                    }
                }
            };
            loop {
                let message = tokio::select! {
                    () = stop.cancelled() => return,
                    message = requests.next() => message,
                };
                let Some(message) = message else { break };
                if let Some(wish) = wishes.get(message.topic.as_str()) {
                    self.take(*wish, message).await;
                }
            }
        }
    }

    /// Begins a request beside the others, as soon as one of them has ended if there are many.
    async fn take(&self, (index, wish): (usize, Wish), message: Message) {
        let Ok(permit) = Arc::clone(&self.open).acquire_owned().await else {
            return;
        };
        let clerk = self.clone();
        self.tasks.spawn(async move {
            if let Some(endpoint) = clerk.served.get(index) {
                match wish {
                    Wish::Read => clerk.read(endpoint, &message).await,
                    Wish::Write => clerk.write(endpoint, &message).await,
                }
            }
            drop(permit);
        });
    }
}

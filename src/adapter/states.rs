//! The states of the resources of a node: what runs, what is connected, and what is not as it
//! should be. The parts of the node tell it as it changes; adapters listen.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::broadcast;

/// Changes that a slow listener may have before it; one that is further behind looks at the whole.
const CHANGES_WAITING_MAX: usize = 1024;
/// Everything is as the node file wants it.
const ENABLED: &str = "enabled";
/// Something is not.
const DEVIATED: &str = "deviated";

/// How a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceState {
    /// The word for it.
    pub word: &'static str,
    /// Whether the node file wants it so.
    pub is_wanted: bool,
}

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The resource; the service itself where it is empty.
    pub resource: Arc<str>,
    /// Its state; none if it is not there any more.
    pub word: Option<&'static str>,
}

/// The board of states. All clones are the same one.
#[derive(Clone, Debug)]
pub struct States {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    board: Mutex<Board>,
    changes: broadcast::Sender<StateChange>,
}

#[derive(Debug, Default)]
struct Board {
    /// The service id of the node.
    service: String,
    resources: BTreeMap<Arc<str>, ResourceState>,
    /// Resources that are not as they should be.
    deviated: usize,
}

impl Default for States {
    fn default() -> Self {
        let (changes, _) = broadcast::channel(CHANGES_WAITING_MAX);
        let board = Mutex::default();
        Self {
            shared: Arc::new(Shared { board, changes }),
        }
    }
}

impl States {
    /// Begins with a node file: its service id, and which resources there are. What is told of
    /// others is forgotten.
    pub fn begin(&self, service: &str, has: impl Fn(&str) -> bool) {
        let mut board = self.shared.board.lock();
        service.clone_into(&mut board.service);
        let gone: Vec<Arc<str>> = board
            .resources
            .keys()
            .filter(|id| !has(id))
            .cloned()
            .collect();
        for resource in gone {
            let before = board.word();
            board.remove(&resource);
            self.pass_on(resource, None);
            self.pass_on_service(&board, before);
        }
    }

    /// Says how a resource stands.
    pub fn tell(&self, resource: &str, state: ResourceState) {
        let mut board = self.shared.board.lock();
        let known = board.resources.get_key_value(resource);
        let (resource, old) = match known {
            Some((resource, old)) => (Arc::clone(resource), Some(*old)),
            None => (resource.into(), None),
        };
        if old == Some(state) {
            return;
        }
        let before = board.word();
        board.remove(&resource);
        board.deviated += usize::from(!state.is_wanted);
        board.resources.insert(Arc::clone(&resource), state);
        if old.is_none_or(|old| old.word != state.word) {
            self.pass_on(resource, Some(state.word));
        }
        self.pass_on_service(&board, before);
    }

    // Under the lock, so that changes are told in their order.
    fn pass_on(&self, resource: Arc<str>, word: Option<&'static str>) {
        // Nobody may listen.
        drop(self.shared.changes.send(StateChange { resource, word }));
    }

    fn pass_on_service(&self, board: &Board, before: &'static str) {
        if board.word() != before {
            self.pass_on("".into(), Some(board.word()));
        }
    }

    /// The name on this board of what somebody calls `<service id>-<resource id>`, `<service id>`
    /// or `<resource id>`; the service's own is empty.
    pub fn resource<'a>(&self, id: &'a str) -> &'a str {
        let board = self.shared.board.lock();
        match id.strip_prefix(board.service.as_str()) {
            Some("") => "",
            Some(rest) if !board.resources.contains_key(id) => rest.strip_prefix('-').unwrap_or(id),
            _ => id,
        }
    }

    /// The state of a resource, by its name on this board; none if there is no such one.
    pub fn get(&self, resource: &str) -> Option<&'static str> {
        let board = self.shared.board.lock();
        match resource {
            "" => Some(board.word()),
            _ => board.resources.get(resource).map(|state| state.word),
        }
    }

    /// What changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<StateChange> {
        self.shared.changes.subscribe()
    }
}

impl Board {
    fn remove(&mut self, resource: &str) {
        if let Some(old) = self.resources.remove(resource) {
            self.deviated -= usize::from(!old.is_wanted);
        }
    }

    fn word(&self) -> &'static str {
        if self.deviated == 0 {
            ENABLED
        } else {
            DEVIATED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourceState, StateChange, States};

    fn state(word: &'static str, is_wanted: bool) -> ResourceState {
        ResourceState { word, is_wanted }
    }

    fn change(resource: &str, word: Option<&'static str>) -> StateChange {
        StateChange {
            resource: resource.into(),
            word,
        }
    }

    #[tokio::test]
    async fn changes_are_told_in_their_order_and_the_service_with_them() {
        let states = States::default();
        states.begin("line1", |_| true);
        let mut changes = states.changes();
        states.tell("plc", state("connecting", false));
        states.tell("plc", state("connecting", false));
        states.tell("map", state("enabled", true));
        states.tell("plc", state("connected", true));
        states.tell("plc", state("connected", false));
        states.begin("line1", |id| id == "map");
        for wanted in [
            change("plc", Some("connecting")),
            change("", Some("deviated")),
            change("map", Some("enabled")),
            change("plc", Some("connected")),
            change("", Some("enabled")),
            change("", Some("deviated")),
            change("plc", None),
            change("", Some("enabled")),
        ] {
            assert_eq!(changes.recv().await.unwrap(), wanted);
        }
        assert!(changes.try_recv().is_err());
        assert_eq!(
            (states.get("plc"), states.get("map")),
            (None, Some("enabled"))
        );
    }

    #[test]
    fn resources_have_the_names_that_people_of_connectware_know() {
        let states = States::default();
        states.begin("line1", |_| true);
        states.tell("line1-odd", state("enabled", true));
        for (id, resource) in [
            ("line1-plc", "plc"),
            ("plc", "plc"),
            ("line1", ""),
            ("line1-odd", "line1-odd"),
            ("line10-plc", "line10-plc"),
            ("other-plc", "other-plc"),
        ] {
            assert_eq!(states.resource(id), resource);
        }
    }
}

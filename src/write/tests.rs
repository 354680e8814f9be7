//! Whole write paths over a real ledger and a real store; the device is a counter in the test.

mod chain;
mod journal;
mod once;
mod policies;
mod steps;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_model::{
    Clock, Definition, GlobSet, Limits, ManualClock, Name, NodeId, Quality, Scalar, Space,
    Timestamp, WriteId, WriteState,
};
use mainstem_security::{AddressList, Audit, AuditLimits, Principal, Role, VariableRights};
use mainstem_store::{
    Order, Outcome, OwnerHandle, SourceId, Store, StoreLimits, StoreSetup, Target,
};
use mainstem_telemetry::{Health, Metrics, SystemClock};
use mainstem_wire::Epoch;
use serde_json::value::RawValue;

use crate::{Entry, Refusal, Request, WriteConfig, WriteDesk, WriteQuery, WriteRecord};

/// What a test waits for at the longest.
const PATIENCE: Duration = Duration::from_secs(10);

/// One node with a device whose setpoint can be written.
struct Node {
    folder: PathBuf,
    store: Arc<Store>,
    audit: Arc<Audit>,
    health: Health,
    desk: Arc<WriteDesk>,
    source: SourceId,
    owner: OwnerHandle,
    /// How often the device was changed.
    count: u32,
}

fn manual() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(1_795_000_000_000)))
}

fn quick() -> WriteConfig {
    WriteConfig {
        grace: Duration::from_millis(30),
        reopen_after: Duration::from_millis(10),
        ..WriteConfig::default()
    }
}

/// A node; `is_link` makes its setpoint belong to a neighbour.
fn node(
    name: &str,
    folder: &Path,
    config: WriteConfig,
    clock: Arc<dyn Clock>,
    is_link: bool,
) -> Node {
    let store = Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::new_v4()),
        name: name.into(),
        instance: 1,
        epoch: Epoch {
            counter: 1,
            random: 7,
        },
        clock: Arc::clone(&clock),
        limits: StoreLimits::default(),
    });
    let role = if is_link {
        mainstem_model::Role::Link
    } else {
        mainstem_model::Role::Adapter
    };
    let source = store.put_own_source(None, "plc", role, Quality::GOOD, true);
    define_points(&store, source, role);
    let owner = store.register_owner(source, is_link);
    let health = Health::new(Arc::clone(&clock));
    let trail = folder.join("audit.log");
    let audit = Audit::open(
        &trail,
        AuditLimits::default(),
        clock,
        health.clone(),
        &Metrics::new(),
    );
    let audit = Arc::new(audit.unwrap());
    let desk = WriteDesk::open_with(
        folder,
        config,
        Arc::clone(&store),
        Arc::clone(&audit),
        health.clone(),
    );
    Node {
        folder: folder.to_owned(),
        store,
        audit,
        health,
        desk: desk.unwrap(),
        source,
        owner,
        count: 0,
    }
}

fn define_points(store: &Store, source: SourceId, role: mainstem_model::Role) {
    let limits = Limits {
        min: Some(0.0),
        max: Some(100.0),
    };
    let define = |name: &str, definition| {
        store
            .define(source, &Name::new(name).unwrap(), definition)
            .unwrap();
    };
    define(
        "plc.setpoint",
        Definition::new(Scalar::F64).writable().limits(limits),
    );
    define("plc.safety", Definition::new(Scalar::F64).writable());
    define("plc.state", Definition::new(Scalar::I32));
    let orphan = store.put_own_source(None, "mes", role, Quality::GOOD, true);
    let name = Name::new("mes.order").unwrap();
    store
        .define(orphan, &name, Definition::new(Scalar::Text).writable())
        .unwrap();
}

impl Node {
    /// What arrives at the device's session.
    async fn arrives(&mut self) -> Order {
        tokio::time::timeout(PATIENCE, self.owner.orders.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Whether nothing waits for the device.
    fn is_idle(&mut self) -> bool {
        self.owner.orders.try_recv().is_err()
    }

    /// Does to the device what an adapter does: nothing that is late, and one answer.
    fn carry_out(&mut self, order: Order) {
        if self.store.clock().monotonic() >= order.deadline {
            drop(order.reply.send(Outcome::new(WriteState::Expired)));
            return;
        }
        self.count += 1;
        drop(order.reply.send(Outcome {
            verified: true,
            ..Outcome::new(WriteState::Applied)
        }));
    }

    /// One whole write that the device confirms.
    async fn apply(&mut self, request: Request) -> Arc<WriteRecord> {
        let id = self.desk.submit(request).await.unwrap().id;
        let order = self.arrives().await;
        self.carry_out(order);
        self.end(id).await
    }

    async fn end(&self, id: WriteId) -> Arc<WriteRecord> {
        let record = self.desk.wait(id, &admin(), PATIENCE).await.unwrap();
        assert!(record.is_final(), "{record:?}");
        record
    }

    /// What a crash at this moment leaves, in a folder of its own.
    fn crash(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let file = crate::LEDGER_FILE;
        std::fs::copy(self.folder.join(file), copy.path().join(file)).unwrap();
        copy
    }

    fn audit_lines(&self, part: &str) -> usize {
        self.audit.flush();
        let text = std::fs::read_to_string(self.folder.join("audit.log")).unwrap();
        text.lines().filter(|line| line.contains(part)).count()
    }
}

fn system() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn principal(name: &str, admin: bool) -> Principal {
    let read = GlobSet::new(&["plc.**", "mes.**"]).unwrap();
    let write = GlobSet::new(&["!plc.safety", "plc.**", "mes.**"]).unwrap();
    let variables = VariableRights {
        read: GlobSet::new(&["!hidden.**", "**"]).unwrap(),
        write: GlobSet::new(&["!locked.**", "**"]).unwrap(),
    };
    let rights = Role {
        read,
        write,
        variables,
        admin,
        ..Role::default()
    };
    Principal {
        name: name.to_owned(),
        role: "operator".to_owned(),
        rights: Arc::new(rights),
        provide: None,
        from: AddressList::default(),
    }
}

fn admin() -> Principal {
    principal("root", true)
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn request(name: &str, value: &str) -> Request {
    Request {
        space: Space::Datapoint,
        name: name.to_owned(),
        value: raw(value),
        pulse: None,
        key: None,
        budget: crate::BUDGET_DEFAULT,
        entry: Entry::Client {
            principal: principal("bob", false),
            address: Some("10.0.0.9".to_owned()),
        },
    }
}

fn keyed(value: &str, key: &str) -> Request {
    Request {
        key: Some(key.to_owned()),
        ..request("plc.setpoint", value)
    }
}

/// Waits for something that another task does.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

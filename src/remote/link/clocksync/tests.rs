//! The write that sets a remote's clock, over the real write path of a node. The owner behind it
//! only tells what it was asked for.

use std::path::Path;

use mainstem_model::{Access, Clock, Definition, ManualClock, NodeId, Quality, Scalar, Timestamp};
use mainstem_security::{Audit, AuditLimits};
use mainstem_store::{Outcome as Answer, OwnerHandle, PointId, StoreLimits, StoreSetup};
use mainstem_telemetry::Metrics;
use mainstem_wire::Epoch;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

struct Rig {
    clock: Arc<ManualClock>,
    store: Arc<Store>,
    health: Health,
    owner: OwnerHandle,
    time: Name,
    point: PointId,
    desk: Arc<WriteDesk>,
    sync: ClockSync,
    audit: std::path::PathBuf,
}

impl Rig {
    fn new(folder: &Path, access: Access) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let epoch = Epoch {
            counter: 1,
            random: 1,
        };
        let store = Store::new(StoreSetup {
            node: NodeId(uuid::Uuid::from_u128(1)),
            name: "plant".into(),
            instance: 1,
            epoch,
            clock: Arc::clone(&shared),
            limits: StoreLimits::default(),
        });
        let role = mainstem_model::Role::Link;
        let source = store.put_own_source(None, "line1", role, Quality::GOOD, true);
        let time = Name::new("line1.system.time").unwrap();
        let mut definition = Definition::new(Scalar::Time);
        definition.access = access;
        let point = store.define(source, &time, definition).unwrap();
        let owner = store.register_owner(source, true);
        let health = Health::new(Arc::clone(&shared));
        let audit = folder.join("audit.log");
        let (limits, metrics) = (AuditLimits::default(), Metrics::new());
        let trail = Audit::open(&audit, limits, shared, health.clone(), &metrics).unwrap();
        let desk = WriteDesk::open(folder, Arc::clone(&store), Arc::new(trail), health.clone());
        let desk = desk.unwrap();
        let sync = ClockSync::new(Some(Arc::clone(&desk)), &store, &health, "line1");
        Self {
            clock,
            store,
            health,
            owner,
            time,
            point,
            desk,
            sync,
            audit,
        }
    }

    /// Lets the try that is under way end, with this answer of the owner.
    async fn answer(&mut self, answer: Answer) {
        let owner = &mut self.owner;
        let answered = async {
            let order = owner.orders.recv().await.unwrap();
            assert_eq!(order.value, Value::Time(NOW));
            assert_eq!(order.originators, ["clocksync@plant"]);
            order.reply.send(answer).unwrap();
        };
        tokio::join!(answered, self.sync.step());
    }

    fn problem(&self) -> Option<String> {
        let problem = self.health.get("link.line1.clocksync")?;
        Some(problem.problem.text)
    }
}

#[tokio::test]
async fn a_clock_is_set_by_an_ordinary_write_once_a_minute_at_the_most() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(folder.path(), Access::ReadWrite);
    let time = rig.time.clone();
    rig.sync.is_due(Some(&time));
    rig.answer(Answer::new(WriteState::Applied)).await;
    assert_eq!(rig.problem(), None);
    // The write is in the audit trail, and changed nothing here: only the owner does.
    rig.desk.stop().await;
    // Lines reach the trail by a thread of its own.
    let begun = std::time::Instant::now();
    loop {
        let audit = std::fs::read_to_string(&rig.audit).unwrap();
        if audit.contains("clocksync") && audit.contains("line1.system.time") {
            break;
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "{audit}"
        );
        tokio::task::yield_now().await;
    }
    assert!(rig.store.point_by_id(rig.point).unwrap().value.is_none());
    // Nothing is asked again before the clock can show it.
    rig.clock.advance(TRY_EVERY / 2);
    rig.sync.is_due(Some(&time));
    assert!(rig.sync.under_way.is_none());
    rig.clock.advance(TRY_EVERY);
    rig.sync.is_due(Some(&time));
    assert!(rig.sync.under_way.is_some());
}

#[tokio::test]
async fn a_refusal_is_somebodys_task_until_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(folder.path(), Access::ReadWrite);
    let time = rig.time.clone();
    rig.sync.is_due(Some(&time));
    let refused = Answer::because(
        WriteState::Rejected,
        "clock_disciplined",
        "chronyd keeps it",
    );
    rig.answer(refused).await;
    let text = rig.problem().unwrap();
    assert!(
        text.contains("rejected at here: chronyd keeps it"),
        "{text}"
    );
    rig.clock.advance(TRY_EVERY * 2);
    rig.sync.is_due(Some(&time));
    assert!(
        rig.sync.under_way.is_none(),
        "what refuses does so for longer"
    );
    rig.desk.stop().await;
}

#[tokio::test]
async fn what_cannot_be_written_is_not_asked_for_at_the_remote() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(folder.path(), Access::Read);
    let time = rig.time.clone();
    rig.sync.is_due(Some(&time));
    rig.sync.step().await;
    let text = rig.problem().unwrap();
    assert!(text.contains("can only be read"), "{text}");
    assert!(rig.owner.orders.try_recv().is_err());
    // Without a machine there is nothing to set; without the option nobody tries.
    rig.clock.advance(TRY_AGAIN);
    rig.sync.is_due(None);
    let text = rig.problem().unwrap();
    assert!(text.contains("no `system` adapter"), "{text}");
    let mut off = ClockSync::new(None, &rig.store, &rig.health, "line2");
    off.is_due(Some(&time));
    assert!(off.under_way.is_none());
    rig.desk.stop().await;
}

//! A canary that stops behind a link that says that all is well.

use mainstem_model::{ManualClock, NodeId, Timestamp};
use mainstem_store::{Filter, StoreLimits, StoreSetup};
use mainstem_wire::{Epoch, decode_line};

use super::*;
use crate::Mirror;

const LIMIT: Duration = Duration::from_secs(6);

struct Scene {
    clock: Arc<ManualClock>,
    store: Arc<Store>,
    health: Health,
    mirror: Mirror,
    link: SourceId,
    canaries: Canaries,
}

/// A plant with a line below it, both with a canary, as the enterprise reads them.
fn scene() -> Scene {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1)));
    let epoch = Epoch {
        counter: 1,
        random: 1,
    };
    let store = Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::from_u128(9)),
        name: "top".into(),
        instance: 1,
        epoch,
        clock: Arc::<ManualClock>::clone(&clock),
        limits: StoreLimits::default(),
    });
    let health = Health::new(Arc::<ManualClock>::clone(&clock));
    let link = store.put_own_source(None, "plant", Role::Link, Quality::GOOD, true);
    let mirror = Mirror::new(Arc::clone(&store), link, "plant", Filter::everything());
    let canaries = Canaries::new(&store, &health, "plant", "plant", link, LIMIT / SILENCES);
    let mut scene = Scene {
        clock,
        store,
        health,
        mirror,
        link,
        canaries,
    };
    let source = |id: u32, parent: &str, node: u32, name: &str, role: &str| {
        format!(
            r#"{{"source":{{"id":{id},{parent}"node":"00000000-0000-0000-0000-00000000000{node}","name":"{name}","role":"{role}","epoch":{{"counter":1,"random":5}},"complete":true,"status":"good","reason":"ok","since":"2026-11-20T08:00:00Z"}}}}"#
        )
    };
    scene.line(r#"{"hello":{"protocol":1,"node":"00000000-0000-0000-0000-000000000001","name":"plant","instance":1,"epoch":{"counter":1,"random":5},"snapshot":true,"head":9,"session":3,"filter":0}}"#);
    scene.line(&source(0, "", 1, "plant", "node"));
    scene.line(&source(1, "", 1, "line1", "link"));
    scene.line(&source(2, r#""parent":1,"#, 2, "line1", "node"));
    scene.line(r#"{"define":[{"id":1,"name":"canary","source":0,"type":"f64"},{"id":2,"name":"line1.canary","source":2,"type":"f64"}]}"#);
    scene
}

impl Scene {
    fn line(&mut self, text: &str) {
        self.mirror
            .line(&decode_line(text.as_bytes()).unwrap())
            .unwrap();
        self.mirror.flush();
    }

    /// A second later, the canaries of some of the two nodes have changed.
    fn second(&mut self, number: u64, changed: &[u32]) {
        self.clock.advance(Duration::from_secs(1));
        for id in changed {
            let origin = number * 10 + u64::from(*id);
            self.line(&format!(r#"{{"o":{origin},"r":[[{id},0,{number}.0]]}}"#));
        }
        self.canaries.look(self.store.clock().monotonic());
    }

    fn alarm(&self) -> Option<String> {
        let state = self.health.get("link.plant.canary");
        state
            .filter(|state| state.active)
            .map(|state| state.problem.text)
    }

    fn told(&self) -> Option<Value> {
        self.store
            .point("plant.canary.age")
            .and_then(|view| view.value)
    }
}

#[test]
fn a_link_on_which_all_is_well_costs_no_rows() {
    let mut scene = scene();
    scene.second(1, &[1, 2]);
    let before = scene.store.point("plant.canary.age").unwrap().source_time;
    for number in 2..30 {
        let head = scene.store.statistics().head;
        scene.second(number, &[1, 2]);
        assert_eq!(
            scene.store.statistics().head,
            head + 2,
            "the canaries themselves"
        );
    }
    assert_eq!(scene.told(), Some(Value::F64(0.0)));
    assert_eq!(
        scene.store.point("plant.canary.age").unwrap().source_time,
        before
    );
    assert_eq!(scene.alarm(), None);
    let views = scene.canaries.views(scene.store.clock().monotonic());
    let paths: Vec<_> = views
        .iter()
        .map(|view| (&*view.path, view.is_late))
        .collect();
    assert_eq!(paths, [("plant", false), ("plant.line1", false)]);
}

#[test]
fn the_canary_of_a_node_further_down_is_watched_through_all_links() {
    let mut scene = scene();
    for number in 1..10 {
        scene.second(number, &[1, 2]);
    }
    for number in 10..15 {
        scene.second(number, &[1]);
        assert_eq!(scene.alarm(), None, "{number}");
    }
    scene.second(15, &[1]);
    let alarm = scene.alarm().unwrap();
    assert!(alarm.contains("plant.line1"), "{alarm}");
    assert_eq!(
        scene.told(),
        Some(Value::F64(0.0)),
        "the remote's own is well"
    );
    scene.second(16, &[1, 2]);
    assert_eq!(scene.alarm(), None);
}

#[test]
fn a_lost_link_is_no_late_canary_but_its_age_is_told() {
    let mut scene = scene();
    scene.second(1, &[1, 2]);
    let quiet = Quality::of(mainstem_model::Reason::LinkQuiet);
    scene.store.set_status(scene.link, quiet);
    for number in 2..40 {
        scene.second(number, &[]);
    }
    assert_eq!(
        (scene.alarm(), scene.told()),
        (None, Some(Value::F64(35.0)))
    );
    let shown = scene.store.point("plant.canary.age").unwrap();
    assert!(
        shown.quality.is_good(),
        "the age is what this node says itself"
    );
    scene.store.set_status(scene.link, Quality::GOOD);
    scene.second(40, &[1, 2]);
    assert_eq!((scene.alarm(), scene.told()), (None, Some(Value::F64(0.0))));
}

#[test]
fn a_remote_without_a_canary_has_no_age() {
    let mut scene = scene();
    scene.second(1, &[1, 2]);
    assert!(scene.told().is_some());
    scene.line(r#"{"remove":[1]}"#);
    scene.second(2, &[2]);
    assert!(scene.store.point("plant.canary.age").is_none());
}

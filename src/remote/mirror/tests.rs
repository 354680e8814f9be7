//! What a neighbour may send, and what becomes of it where it should not have.

use std::sync::Arc;

use mainstem_model::{Clock, ManualClock, NodeId, Quality, Reason, Role, Timestamp, Value};
use mainstem_store::{MirrorSource, Store, StoreSetup};
use mainstem_wire::{Epoch, decode_line};

use super::*;

pub(super) const HELLO: &str = r#"{"hello":{"protocol":1,"node":"00000000-0000-0000-0000-000000000001","name":"line1","instance":1,"epoch":{"counter":1,"random":5},"snapshot":true,"head":9,"session":3,"filter":0}}"#;
pub(super) const SOURCE: &str = r#"{"source":{"id":0,"node":"00000000-0000-0000-0000-000000000001","name":"plc","role":"adapter","epoch":{"counter":1,"random":5},"complete":true,"status":"good","reason":"ok","since":"2026-11-20T08:00:00Z"}}"#;

fn mirror() -> (Arc<Store>, Mirror) {
    mirror_of(mainstem_store::StoreLimits::default())
}

pub(super) fn mirror_of(limits: mainstem_store::StoreLimits) -> (Arc<Store>, Mirror) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1)));
    let store = Store::new(StoreSetup {
        node: NodeId(uuid::Uuid::from_u128(9)),
        name: "plant1".into(),
        instance: 1,
        epoch: Epoch {
            counter: 1,
            random: 1,
        },
        clock,
        limits,
    });
    let restarted = Quality::of(Reason::Restarted);
    let link = store.put_own_source(None, "line1", Role::Link, restarted, false);
    let mirror = Mirror::new(Arc::clone(&store), link, "line1", Filter::everything());
    (store, mirror)
}

pub(super) fn send(mirror: &mut Mirror, text: &str) -> Result<Step, MirrorError> {
    mirror.line(&decode_line(text.as_bytes()).unwrap())
}

/// A mirror that has heard hello and a source.
pub(super) fn greeted() -> (Arc<Store>, Mirror) {
    let (store, mut mirror) = mirror();
    send(&mut mirror, HELLO).unwrap();
    send(&mut mirror, SOURCE).unwrap();
    (store, mirror)
}

fn define(id: u32, name: &str) -> String {
    format!(r#"{{"define":[{{"id":{id},"name":"{name}","source":0,"type":"f64"}}]}}"#)
}

#[test]
fn a_stream_begins_with_a_hello_that_fits() {
    let (_, mut mirror) = mirror();
    assert_eq!(send(&mut mirror, SOURCE), Err(MirrorError::NoHello));
    let newer = HELLO.replace("\"protocol\":1", "\"protocol\":7");
    assert_eq!(send(&mut mirror, &newer), Err(MirrorError::Protocol(7)));
    let own = HELLO.replace("000000000001\"", "000000000009\"");
    assert_eq!(send(&mut mirror, &own), Err(MirrorError::Myself));
}

#[test]
fn names_stay_below_the_prefix_and_bad_ones_are_left_out() {
    let (store, mut mirror) = greeted();
    let long = ["x".repeat(64).as_str(); 4].join(".");
    for (id, name) in [(1, "ok"), (2, "a..b"), (3, "a b"), (4, &long)] {
        send(&mut mirror, &define(id, name)).unwrap();
    }
    assert_eq!(mirror.counters().left_out, 3);
    assert!(mirror.last_left_out().unwrap().starts_with("xxxx"));
    assert!(store.point("line1.ok").is_some() && store.point("ok").is_none());
    assert_eq!(store.statistics().points, 1);
}

#[test]
fn ten_million_datapoints_are_not_taken() {
    let (store, mirror) = greeted();
    let mut mirror = mirror.with_limits(MirrorLimits {
        points: 100,
        sources: 3,
    });
    for id in 0..1000 {
        send(&mut mirror, &define(id, &format!("p{id}"))).unwrap();
    }
    assert_eq!(
        (store.statistics().points, mirror.counters().left_out),
        (100, 900)
    );
    let far = send(&mut mirror, &define(4_000_000_000, "far"));
    assert_eq!(far, Err(MirrorError::Number(4_000_000_000)));
    for id in 1..50 {
        let source = SOURCE.replace("\"id\":0", &format!("\"id\":{id}"));
        let source = source.replace("\"plc\"", &format!("\"plc{id}\""));
        send(&mut mirror, &source).unwrap();
    }
    assert_eq!(mirror.counters().looped, 47);
}

#[test]
fn a_value_of_the_wrong_type_is_bad_and_harms_nothing_else() {
    let (store, mut mirror) = greeted();
    send(&mut mirror, &define(1, "a")).unwrap();
    send(&mut mirror, &define(2, "b")).unwrap();
    send(
        &mut mirror,
        r#"{"t":5,"o":1,"r":[[1,0,"hot"],[2,0,1.5],[77,0,1.0]],"s":4}"#,
    )
    .unwrap();
    mirror.flush();
    assert_eq!(mirror.counters().bad_values, 1);
    let view = store.point("line1.b").unwrap();
    assert_eq!(view.value, Some(Value::F64(1.5)));
    let own = store.point("line1.a").unwrap();
    assert!(!own.quality.is_good());
}

#[test]
fn a_looped_source_is_pruned_with_all_below_it() {
    let (store, mut mirror) = greeted();
    let looped = SOURCE
        .replace("\"id\":0", "\"id\":1")
        .replace("000000000001\"", "000000000009\"");
    send(&mut mirror, &looped.replace("\"plc\"", "\"plant1\"")).unwrap();
    let below = r#"{"define":[{"id":5,"name":"plant1.x","source":1,"type":"f64"}]}"#;
    send(&mut mirror, below).unwrap();
    assert_eq!(
        (mirror.counters().looped, store.statistics().points),
        (1, 0)
    );
}

#[test]
fn only_what_the_neighbour_knows_wholly_is_removed() {
    let (store, mut mirror) = greeted();
    send(&mut mirror, &define(1, "kept")).unwrap();
    send(&mut mirror, &define(2, "gone")).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    assert_eq!(mirror.flush().applied, Some(9));
    for (complete, left) in [("false", 2), ("true", 1)] {
        mirror.begin();
        send(&mut mirror, HELLO).unwrap();
        let source = SOURCE.replace("\"complete\":true", &format!("\"complete\":{complete}"));
        send(&mut mirror, &source).unwrap();
        send(&mut mirror, &define(7, "kept")).unwrap();
        send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
        assert_eq!(store.statistics().points, left, "complete: {complete}");
    }
}

#[test]
fn a_node_has_one_place_in_the_tree() {
    let (store, mut first) = greeted();
    let node = SOURCE
        .replace("\"id\":0", "\"id\":1")
        .replace("\"adapter\"", "\"node\"");
    send(&mut first, &node.replace("\"plc\"", "\"line1\"")).unwrap();
    let restarted = Quality::of(Reason::Restarted);
    let link = store.put_own_source(None, "other", Role::Link, restarted, false);
    let mut second = Mirror::new(Arc::clone(&store), link, "other", Filter::everything());
    let refused = send(&mut second, HELLO).unwrap_err();
    assert!(
        refused.to_string().contains("already below line1"),
        "{refused}"
    );
    // The same node further down: the link that leads there is left out, nothing else.
    second.begin();
    send(
        &mut second,
        &HELLO.replace("000000000001\"", "000000000002\""),
    )
    .unwrap();
    let plant = SOURCE.replace("000000000001\"", "000000000002\"");
    send(&mut second, &plant).unwrap();
    let below = plant
        .replace("\"id\":0", "\"id\":5")
        .replace("\"adapter\"", "\"link\"");
    send(&mut second, &below.replace("\"plc\"", "\"l1\"")).unwrap();
    let twice = node.replace("\"id\":1", "\"id\":6,\"parent\":5");
    send(&mut second, &twice.replace("\"plc\"", "\"line1\"")).unwrap();
    let why = second.pruned().unwrap();
    assert!(
        why.contains("other.l1") && why.contains("below line1"),
        "{why}"
    );
    let lost = r#"{"define":[{"id":9,"name":"l1.x","source":5,"type":"f64"}]}"#;
    send(&mut second, lost).unwrap();
    send(&mut second, &define(1, "kept")).unwrap();
    assert!(store.point("other.kept").is_some() && store.point("other.l1.x").is_none());
    assert!(
        store
            .sources()
            .iter()
            .any(|source| &*source.name == "line1")
    );
}

#[test]
fn what_is_fetched_again_is_a_change_only_where_that_is_wanted() {
    for startup_events in [false, true] {
        let (store, mirror) = mirror();
        let mut mirror = mirror.with_startup_events(startup_events);
        send(&mut mirror, HELLO).unwrap();
        send(&mut mirror, SOURCE).unwrap();
        send(&mut mirror, &define(1, "a")).unwrap();
        let (every, filter) = (mainstem_store::Delivery::Every, Filter::everything());
        let from = Cursor {
            epoch: store.setup().epoch,
            sequence: store.statistics().head,
            filter: filter.hash(),
        };
        send(&mut mirror, r#"{"t":5,"o":1,"c":1,"r":[[1,0,1.5]]}"#).unwrap();
        send(&mut mirror, r#"{"end":true,"s":4}"#).unwrap();
        mirror.flush();
        let mut reader = mainstem_store::Reader::resume(&store, filter, every, from).unwrap();
        let mut chunk = mainstem_store::Chunk::default();
        reader.read(&store, &mut chunk, 10);
        let catchup = !startup_events;
        let rows = mainstem_store::Item::Rows { count: 1, catchup };
        assert_eq!(chunk.items, [rows]);
    }
}

#[test]
fn what_a_neighbour_claims_to_be_the_same_has_to_be_so() {
    let same =
        |word: &str| format!(r#"{{"same":{{"buckets":64,"define":"{word}","rows":"{word}"}}}}"#);
    let all = same("//////////8=");
    let (_, mut fresh) = greeted();
    assert_eq!(
        send(&mut fresh, &all),
        Err(MirrorError::NotSame),
        "nobody asked"
    );
    let (store, mut mirror) = greeted();
    send(&mut mirror, &define(1, "a")).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    mirror.offers_digests(true);
    for (lie, why) in [(same("AAAA"), "short"), (same("!!!!"), "no base64")] {
        mirror.resync(false);
        mirror.begin();
        let sent = mirror.digest_request().map(|wanted| wanted.digests());
        assert!(sent.is_some(), "{why}");
        mirror.sent_digests(sent);
        send(&mut mirror, HELLO).unwrap();
        assert_eq!(send(&mut mirror, &lie), Err(MirrorError::NotSame), "{why}");
        assert!(
            mirror.wants_all() && mirror.digest_request().is_none(),
            "everything next"
        );
        mirror.begin();
        send(&mut mirror, HELLO).unwrap();
        mirror.offers_digests(true);
    }
    // What is here was changed after the digests were sent: it is not the same any more.
    mirror.resync(false);
    mirror.begin();
    let sent = mirror.digest_request().map(|wanted| wanted.digests());
    mirror.sent_digests(sent);
    store.remove_points(&[store.point("line1.a").unwrap().id]);
    send(&mut mirror, HELLO).unwrap();
    assert_eq!(send(&mut mirror, &all), Err(MirrorError::NotSame));
}

// Seed 1643 of the simulation, as it was then, met this.
#[test]
fn a_node_that_comes_by_two_links_at_once_has_one_place() {
    let (store, mut direct) = greeted();
    send(&mut direct, &SOURCE.replace("\"id\":0", "\"id\":7")).unwrap();
    send(
        &mut direct,
        &define(1, "x").replace("\"source\":0", "\"source\":7"),
    )
    .unwrap();
    let restarted = Quality::of(Reason::Restarted);
    let link = store.put_own_source(None, "plant", Role::Link, restarted, false);
    let mut plant = Mirror::new(Arc::clone(&store), link, "plant", Filter::everything());
    let hello = HELLO.replace("000000000001\"", "000000000002\"");
    send(&mut plant, &hello).unwrap();
    let node = SOURCE
        .replace("\"id\":0", "\"id\":8")
        .replace("\"adapter\"", "\"node\"");
    // The plant tells of the node after the direct link's hello, and before its sources.
    send(&mut plant, &node).unwrap();
    let refused = send(&mut direct, &node).unwrap_err();
    assert!(
        refused.to_string().contains("already below plant"),
        "{refused}"
    );
    assert_eq!(
        store.statistics().points,
        0,
        "nothing stays below the direct link"
    );
}

/// The same node a life later or earlier.
fn of_life(text: &str, counter: u32, random: u32) -> String {
    let epoch = format!("\"epoch\":{{\"counter\":{counter},\"random\":{random}}}");
    text.replace("\"epoch\":{\"counter\":1,\"random\":5}", &epoch)
}

#[test]
fn a_lift_outlives_a_restart_of_its_reader() {
    let (store, mut mirror) = mirror();
    send(&mut mirror, &of_life(HELLO, 3, 5)).unwrap();
    send(&mut mirror, &of_life(SOURCE, 3, 5)).unwrap();
    send(&mut mirror, &define(1, "x")).unwrap();
    send(&mut mirror, r#"{"t":1,"o":90,"r":[[1,0,1.0]]}"#).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    // It was put back: its first life counts as the fourth here.
    mirror.resync(true);
    mirror.begin();
    send(&mut mirror, &of_life(HELLO, 1, 7)).unwrap();
    send(&mut mirror, &of_life(SOURCE, 1, 7)).unwrap();
    send(&mut mirror, &define(1, "x")).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    let setup = store.setup();
    let again = Store::new(StoreSetup {
        node: setup.node,
        name: Arc::clone(&setup.name),
        instance: 2,
        epoch: setup.epoch,
        clock: Arc::clone(&setup.clock),
        limits: setup.limits,
    });
    again.restore(&store.checkpoint()).unwrap();
    let restarted = Quality::of(Reason::Restarted);
    let link = again.put_own_source(None, "line1", Role::Link, restarted, false);
    let mut mirror = Mirror::new(Arc::clone(&again), link, "line1", Filter::everything());
    mirror.begin();
    let resumed = of_life(HELLO, 1, 7).replace("\"snapshot\":true", "\"snapshot\":false");
    send(&mut mirror, &resumed).unwrap();
    for (row, value) in [("[1,0,2.0,0,6,1]", 2.0), ("[1,0,3.0,0,7]", 3.0)] {
        send(&mut mirror, &format!(r#"{{"t":2,"o":5,"r":[{row}]}}"#)).unwrap();
        mirror.flush();
        let view = again.point("line1.x").unwrap();
        assert_eq!(view.value, Some(Value::F64(value)), "{row}");
    }
}

// Seed 276 of the simulation: a value of the life before stayed and was shown as good.
#[test]
fn an_earlier_life_from_further_down_is_believed_when_the_links_there_are_good() {
    let (store, mut mirror) = greeted();
    let node = "00000000-0000-0000-0000-000000000004";
    let far = SOURCE.replace("00000000-0000-0000-0000-000000000001", node);
    let device = far.replace("\"id\":0", "\"id\":4,\"parent\":3");
    let link = SOURCE
        .replace("\"id\":0", "\"id\":3")
        .replace("\"name\":\"plc\"", "\"name\":\"line2\"")
        .replace("\"adapter\"", "\"link\"");
    let tell = |mirror: &mut Mirror, counter, random| {
        send(mirror, &link).unwrap();
        send(mirror, &of_life(&device, counter, random)).unwrap();
        let x = define(1, "line2.x").replace("\"source\":0", "\"source\":4");
        send(mirror, &x).unwrap();
    };
    tell(&mut mirror, 6, 5);
    send(&mut mirror, r#"{"t":1,"o":90,"r":[[1,0,1.0]]}"#).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    let status = |status: &str, reason: &str| {
        format!(
            r#"{{"status":{{"id":3,"status":"{status}","reason":"{reason}","since":"2026-11-20T08:00:00Z"}}}}"#
        )
    };
    // While its reader does not reach it, that may be what the reader remembers.
    send(&mut mirror, &status("uncertain", "restarted")).unwrap();
    send(&mut mirror, &of_life(&device, 2, 8)).unwrap();
    assert!(mirror.cursor().is_some() || mirror.flush().applied.is_some());
    let vouched = send(&mut mirror, &status("good", "ok"));
    assert_eq!(vouched, Err(MirrorError::Restored));
    assert!(
        mirror.cursor().is_none() && mirror.wants_all(),
        "everything is read anew"
    );
    mirror.begin();
    send(&mut mirror, HELLO).unwrap();
    send(&mut mirror, SOURCE).unwrap();
    tell(&mut mirror, 2, 8);
    send(&mut mirror, r#"{"t":2,"o":5,"r":[[1,0,2.0]]}"#).unwrap();
    send(&mut mirror, r#"{"end":true,"s":9}"#).unwrap();
    mirror.flush();
    let view = store.point("line1.line2.x").unwrap();
    assert_eq!(view.value, Some(Value::F64(2.0)));
    let told = store.mirror_state(mirror.link).sources;
    let counters: Vec<u32> = told.iter().map(MirrorSource::counter).collect();
    assert_eq!(counters, [1, 1, 7]);
}

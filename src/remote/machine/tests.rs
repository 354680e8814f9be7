//! How far behind a link is, and that it is not asked for what it has said already.

use mainstem_model::NodeId;
use mainstem_wire::{Epoch, PROTOCOL};

use super::*;

fn at(millis: u64) -> Monotonic {
    Monotonic::from_micros(1 + millis * 1000)
}

fn hello(snapshot: bool, head: u64) -> HelloFrame {
    HelloFrame {
        protocol: PROTOCOL,
        node: NodeId(uuid::Uuid::nil()),
        name: "line1".into(),
        instance: 1,
        epoch: Epoch::default(),
        features: Vec::new(),
        snapshot,
        head,
        session: 7,
        filter: 0,
    }
}

/// A beat that went out at a moment, and whose answer named a head.
fn answered(machine: &mut LinkMachine, sent: u64, head: u64, now: u64) {
    let beat = Beat {
        session: 7,
        applied: 0,
        sent: at(sent).micros(),
        sent_wall: 0,
        offset: None,
        uncertainty: None,
    };
    let answer = BeatAnswer {
        received: 1,
        sent: 1,
        sent_wall: 0,
        head,
        quiet: Vec::new(),
        known: true,
    };
    machine.on_beat_answer(&beat, &answer, at(now), 0);
}

fn behind(machine: &LinkMachine, now: u64) -> u128 {
    machine.behind(at(now)).as_millis()
}

#[test]
fn the_age_of_what_is_not_applied_counts_from_the_oldest() {
    let mut machine = LinkMachine::new(Timing::LAN, false, at(0));
    machine.on_hello(&hello(true, 10), None, at(1000));
    assert_eq!(
        (machine.lag(), behind(&machine, 1400)),
        (10, 400),
        "from the hello"
    );
    machine.on_applied(10, at(1500));
    assert_eq!((machine.lag(), behind(&machine, 1500)), (0, 0));
    answered(&mut machine, 2000, 15, 2010);
    answered(&mut machine, 2500, 25, 2510);
    assert_eq!(
        (machine.lag(), behind(&machine, 2600)),
        (15, 600),
        "from the older beat"
    );
    machine.on_applied(15, at(2700));
    assert_eq!(
        (machine.lag(), behind(&machine, 2800)),
        (10, 300),
        "from the younger one"
    );
    machine.on_applied(25, at(2900));
    assert_eq!((machine.lag(), behind(&machine, 9000)), (0, 0));
}

#[test]
fn a_long_snapshot_is_no_reason_to_look_again_and_again() {
    let mut machine = LinkMachine::new(Timing::LAN, false, at(0));
    machine.on_hello(&hello(true, 10), None, at(0));
    for beat in 0..20 {
        let now = beat * 500;
        machine.on_bytes(at(now));
        machine.poll(at(now), 0);
        answered(&mut machine, now, 11 + beat, now);
        machine.poll(at(now), 0);
        machine.poll(at(now), 0);
        let due = machine.deadline().unwrap();
        assert!(due > at(now), "due at {due:?} already at {now} ms");
    }
}

//! Tests of `plant`.

use super::*;

const TICK: Duration = Duration::from_millis(100);

fn run(plant: &mut Plant, time: Duration) {
    let end = plant.elapsed() + time;
    while plant.elapsed() < end {
        plant.step(TICK);
    }
}

#[test]
fn same_seed_same_plant() {
    let (mut one, mut two, mut other) = (Plant::new(7), Plant::new(7), Plant::new(8));
    for _ in 0..3000 {
        one.step(TICK);
        two.step(TICK);
        other.step(TICK);
        assert_eq!(one.snapshot(), two.snapshot());
    }
    assert_ne!(one.snapshot(), other.snapshot());
}

#[test]
fn temperature_follows_its_setpoint_within_seconds() {
    let mut plant = Plant::new(1);
    run(&mut plant, Duration::from_secs(30));
    assert!((plant.snapshot().temperature - 60.0).abs() < 0.5);
    plant.set_temperature_setpoint(90.0).unwrap();
    run(&mut plant, Duration::from_secs(1));
    let early = plant.snapshot().temperature;
    assert!(
        early > 63.0 && early < 80.0,
        "{early} is no first-order lag"
    );
    run(&mut plant, Duration::from_secs(20));
    assert!((plant.snapshot().temperature - 90.0).abs() < 0.5);
}

#[test]
fn setpoints_out_of_range_change_nothing() {
    let mut plant = Plant::new(1);
    let before = plant.snapshot();
    for value in [-0.1, 250.1, f64::NAN, f64::INFINITY] {
        assert!(plant.set_temperature_setpoint(value).is_err());
    }
    for value in [-1.0, 3000.5, f64::NAN] {
        assert!(plant.set_speed_setpoint(value).is_err());
    }
    assert_eq!(plant.snapshot(), before);
}

#[test]
fn counter_rises_only_while_running() {
    let mut plant = Plant::new(3);
    let mut seen = Vec::new();
    let mut before = plant.snapshot();
    for _ in 0..12_000 {
        plant.step(TICK);
        let now = plant.snapshot();
        if now.state != MachineState::Running {
            assert_eq!(now.counter, before.counter);
        }
        assert!(now.counter >= before.counter);
        if now.state != before.state {
            assert_eq!(now.last_change, plant.elapsed());
            seen.push(now.state);
        }
        before = now;
    }
    assert!(before.counter > 1000, "only {} parts", before.counter);
    assert!(seen.contains(&MachineState::Stopped) && seen.contains(&MachineState::Fault));
    assert_ne!(before.batch, "LOT-00001");
}

#[test]
fn motor_switch_stops_and_starts_the_machine() {
    let mut plant = Plant::new(4);
    run(&mut plant, Duration::from_secs(10));
    assert!(plant.snapshot().speed > 1000.0);
    plant.set_motor(false);
    assert_eq!(plant.snapshot().state, MachineState::Idle);
    run(&mut plant, Duration::from_secs(120));
    let off = plant.snapshot();
    assert_eq!(off.state, MachineState::Idle);
    assert!(off.speed < 1.0);
    plant.set_motor(true);
    run(&mut plant, Duration::from_secs(5));
    assert_eq!(plant.snapshot().state, MachineState::Running);
    assert!(plant.snapshot().counter > off.counter);
}

#[test]
fn a_long_step_does_not_jump_over_events() {
    let mut plant = Plant::new(5);
    plant.step(Duration::from_secs(3600));
    let snapshot = plant.snapshot();
    assert_eq!(plant.elapsed(), Duration::from_secs(3600));
    assert_ne!(snapshot.batch, "LOT-00001");
    assert!(snapshot.energy > 0);
}

#[test]
fn a_trip_ends_by_itself() {
    let mut plant = Plant::new(6);
    plant.trip(Duration::from_secs(2));
    assert_eq!(plant.snapshot().state, MachineState::Fault);
    run(&mut plant, Duration::from_secs(3));
    assert_eq!(plant.snapshot().state, MachineState::Running);
}

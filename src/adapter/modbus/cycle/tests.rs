//! Tests of `cycle`.

use mainstem_adapter::EndpointSpec;
use mainstem_model::Access;
use serde_json::json;
use std::time::Duration;

use super::*;
use crate::binding::Binding;
use crate::config::ConnectionConfig;

/// A setup of endpoints given as (unit, address, milliseconds), none of which share a request.
fn setup(endpoints: &[(u8, u16, u64)]) -> Setup {
    let connection = json!({ "host": "plc", "batchReadEnabled": false });
    let config: ConnectionConfig = serde_json::from_value(connection).unwrap();
    let binding = |&(unit, address, interval): &(u8, u16, u64)| {
        let endpoint = EndpointSpec {
            name: "point".into(),
            operation: json!({ "fc": 3, "address": address, "unitId": unit }),
            interval: Some(Duration::from_millis(interval)),
            access: Access::Read,
            value_type: None,
            unit: None,
            description: None,
            limits: None,
            scaling: None,
            time: None,
            stale_after: None,
            life: None,
        };
        Binding::new("", &endpoint, Some(&config)).unwrap()
    };
    let bindings = endpoints.iter().map(binding).collect();
    let all = Setup::all(&config, std::path::Path::new(""), bindings);
    all.into_iter().next().unwrap()
}

#[test]
fn a_fast_group_goes_ahead_of_a_slow_cycle() {
    let mut endpoints = vec![(1, 0, 100)];
    endpoints.extend((1..50).map(|address| (1, address, 10_000)));
    let setup = setup(&endpoints);
    let (units, mut experience) = (setup.fresh_units(), Experience::new());
    let start = Monotonic::from_micros(1);
    let mut cycles = Cycles::new(&setup, start);
    let (mut fast, mut slow) = (Vec::new(), 0);
    // Each request takes 20 ms: the slow cycle of 49 lasts for many turns of the fast one.
    for turn in 0..60_u32 {
        let now = start.after(Duration::from_millis(20) * turn);
        assert_eq!(
            cycles.release(&setup, &mut experience, now),
            0,
            "nothing is missed"
        );
        match cycles.next(&setup, &units, now) {
            Some((_, block)) if block.span.start == 0 => fast.push(turn),
            Some(_) => slow += 1,
            None => {}
        }
    }
    let gaps = fast.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(gaps <= Some(6), "never later than by one request: {fast:?}");
    assert_eq!(
        slow + fast.len(),
        60,
        "nothing is idle before the slow cycle is done"
    );
}

#[test]
fn an_unfinished_turn_is_an_overrun_and_the_next_one_is_left_out() {
    let setup = setup(&[(1, 0, 100), (1, 1, 100), (1, 2, 100)]);
    let (units, mut experience) = (setup.fresh_units(), Experience::new());
    let start = Monotonic::from_micros(1);
    let mut cycles = Cycles::new(&setup, start);
    assert_eq!(cycles.release(&setup, &mut experience, start), 0);
    assert!(cycles.next(&setup, &units, start).is_some());
    let later = start.after(Duration::from_millis(100));
    assert!(cycles.release(&setup, &mut experience, later) >= 1);
    let mut left = 0;
    while cycles.next(&setup, &units, later).is_some() {
        left += 1;
    }
    assert_eq!(left, 2, "what was pending, and not a second turn behind it");
}

#[test]
fn what_a_down_unit_would_read_is_dropped() {
    let setup = setup(&[(1, 0, 100), (2, 0, 100)]);
    let (mut units, mut experience) = (setup.fresh_units(), Experience::new());
    let start = Monotonic::from_micros(1);
    let mut cycles = Cycles::new(&setup, start);
    units[0].silent(start, Duration::from_secs(1), 0);
    cycles.release(&setup, &mut experience, start);
    let (group, _) = cycles.next(&setup, &units, start).unwrap();
    assert_eq!(setup.groups[group].unit, 1);
    assert!(cycles.next(&setup, &units, start).is_none());
}

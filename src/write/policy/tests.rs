//! Every condition of a policy at its borders, with a clock that the test moves.

use mainstem_model::{ManualClock, Quality, Reason, Timestamp};

use super::*;

/// Monday, 2026-11-16, 08:00 UTC.
fn monday() -> ManualClock {
    ManualClock::new("2026-11-16T08:00:00Z".parse::<Timestamp>().unwrap())
}

fn policies(json: serde_json::Value) -> Policies {
    let list: Vec<PolicyConfig> = serde_json::from_value(json).unwrap();
    for policy in &list {
        assert_eq!(policy.faults(), []);
    }
    let policies = Policies::default();
    policies.replace(list);
    policies
}

fn nothing(_: &str) -> Option<Live> {
    None
}

/// What is refused, and `None` for what is not.
fn ask(policies: &Policies, name: &str, value: f64, clock: &ManualClock) -> Option<String> {
    ask_with(policies, name, (value, None), clock, &nothing)
}

fn ask_with(
    policies: &Policies,
    name: &str,
    (value, pulse): (f64, Option<Duration>),
    clock: &ManualClock,
    live: &dyn Fn(&str) -> Option<Live>,
) -> Option<String> {
    let (name, value) = (Name::new(name).unwrap(), Value::F64(value));
    let wish = Wish {
        name: &name,
        former: &[],
        value: &value,
        pulse,
    };
    let looked = policies.look(&wish, live, clock);
    let admitted = policies.admit(&wish, live, clock);
    assert_eq!(looked, admitted, "looking and admitting say the same");
    match admitted {
        Verdict::Allowed(_) => None,
        Verdict::Refused(why) => Some(why),
    }
}

#[test]
fn the_first_that_fits_counts_and_is_named() {
    let policies = policies(serde_json::json!([
        { "match": ["plc.pump.**"], "range": { "min": 0, "max": 10 } },
        { "name": "rest", "match": ["!plc.free", "plc.**"], "range": { "max": 5 } },
    ]));
    let clock = monday();
    assert_eq!(ask(&policies, "plc.pump.speed", 10.0, &clock), None);
    let refused = ask(&policies, "plc.pump.speed", 10.5, &clock).unwrap();
    assert_eq!(refused, "policy 1 refuses: 10.5 is outside 0 to 10");
    let refused = ask(&policies, "plc.fan", 7.0, &clock).unwrap();
    assert_eq!(
        refused,
        "policy \"rest\" refuses: 7.0 is outside 5 and less"
    );
    for free in ["plc.free", "mes.order"] {
        assert_eq!(ask(&policies, free, 1e9, &clock), None, "{free}");
    }
    assert!(ask(&policies, "plc.fan", f64::NAN, &clock).is_some());
}

#[test]
fn a_rate_holds_within_any_time_of_its_length() {
    let policies = policies(serde_json::json!([
        { "match": ["plc.**"], "rate": { "writes": 2, "per": "10s" } },
    ]));
    let clock = monday();
    let second = Duration::from_secs(1);
    assert_eq!(ask(&policies, "plc.a", 1.0, &clock), None);
    clock.advance(second * 9);
    assert_eq!(ask(&policies, "plc.a", 1.0, &clock), None);
    let refused = ask(&policies, "plc.a", 1.0, &clock).unwrap();
    assert!(refused.contains("2 writes within 10 s"), "{refused}");
    assert_eq!(
        ask(&policies, "plc.b", 1.0, &clock),
        None,
        "each datapoint has its own"
    );
    clock.advance(second);
    assert_eq!(
        ask(&policies, "plc.a", 1.0, &clock),
        None,
        "the first is 10 s ago"
    );
    assert!(ask(&policies, "plc.a", 1.0, &clock).is_some());
    // Setting the wall clock gives nobody a further write.
    clock.step_wall(3_600_000_000);
    assert!(ask(&policies, "plc.a", 1.0, &clock).is_some());
    clock.advance(second * 8);
    assert!(ask(&policies, "plc.a", 1.0, &clock).is_some());
    clock.advance(second);
    assert_eq!(ask(&policies, "plc.a", 1.0, &clock), None);
}

#[test]
fn what_is_refused_or_only_looked_at_is_not_counted() {
    let policies = policies(serde_json::json!([
        { "match": ["**"], "range": { "max": 5 }, "rate": { "writes": 1, "per": "1h" } },
    ]));
    let clock = monday();
    for _ in 0..5 {
        assert!(ask(&policies, "a", 6.0, &clock).is_some());
    }
    assert_eq!(ask(&policies, "a", 5.0, &clock), None);
}

#[test]
fn more_datapoints_than_can_be_counted_are_refused_until_there_is_room() {
    let rate = RateConfig {
        writes: 1,
        per: Duration::from_secs(10),
    };
    let clock = monday();
    let mut recent = Recent::default();
    for index in 0..16_384 {
        let name = Name::new(&format!("a{index}")).unwrap();
        recent.look(&name, &rate, clock.monotonic()).unwrap();
        recent.count(&name, &rate, clock.monotonic());
    }
    let more = Name::new("more").unwrap();
    assert!(recent.look(&more, &rate, clock.monotonic()).is_err());
    clock.advance(Duration::from_secs(10));
    assert!(recent.look(&more, &rate, clock.monotonic()).is_ok());
}

#[test]
fn a_window_has_days_hours_and_a_zone() {
    let policies = policies(serde_json::json!([
        { "match": ["day"], "window": { "days": ["mon", "tue"], "from": "06:00", "to": "09:30", "zone": "UTC" } },
        { "match": ["night"], "window": { "days": ["mon"], "from": "22:00", "to": "06:00", "zone": "UTC" } },
        { "match": ["there"], "window": { "from": "09:00", "to": "10:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3" } },
        { "match": ["week"], "window": { "days": ["sat", "sun"], "zone": "UTC" } },
    ]));
    let at = |name: &str, moment: &str| {
        let clock = ManualClock::new(moment.parse().unwrap());
        ask(&policies, name, 1.0, &clock)
    };
    let inside = [
        ("day", "2026-11-16T06:00:00Z"),
        ("day", "2026-11-17T09:29:59Z"),
        ("night", "2026-11-16T22:00:00Z"),
        ("night", "2026-11-17T05:59:59Z"),
        ("there", "2026-11-16T08:00:00Z"),
        ("there", "2026-07-16T07:00:00Z"),
        ("week", "2026-11-15T23:59:59Z"),
    ];
    for (name, moment) in inside {
        assert_eq!(at(name, moment), None, "{name} {moment}");
    }
    let outside = [
        ("day", "2026-11-16T05:59:59Z"),
        ("day", "2026-11-16T09:30:00Z"),
        ("day", "2026-11-18T08:00:00Z"),
        ("night", "2026-11-16T05:00:00Z"),
        ("night", "2026-11-17T22:00:00Z"),
        ("there", "2026-07-16T08:00:00Z"),
        ("week", "2026-11-16T00:00:00Z"),
    ];
    for (name, moment) in outside {
        assert!(at(name, moment).is_some(), "{name} {moment}");
    }
    assert_eq!(
        at("day", "2026-11-18T08:05:00Z").unwrap(),
        "policy 1 refuses: it is wed 08:05, outside 06:00 to 09:30 on mon, tue"
    );
}

#[test]
fn an_interlock_that_is_not_good_refuses() {
    let policies = policies(serde_json::json!([
        { "match": ["flag"], "interlock": { "datapoint": "plc.ready", "is": true } },
        { "match": ["level"], "interlock": { "datapoint": "plc.ready", "min": 2, "max": 3 } },
        { "match": ["state"], "interlock": { "datapoint": "plc.ready", "is": "idle" } },
        { "match": ["count"], "interlock": { "datapoint": "plc.ready", "is": 1 } },
    ]));
    let clock = monday();
    let with = |name: &str, quality: Quality, value: Option<Value>| {
        let live = move |asked: &str| {
            (asked == "plc.ready").then(|| Live {
                value: value.clone(),
                quality,
            })
        };
        ask_with(&policies, name, (1.0, None), &clock, &live)
    };
    let good = |name, value| with(name, Quality::GOOD, Some(value));
    let text = |text| Value::text(text);
    for (name, holds) in [
        ("flag", Value::Bool(true)),
        ("level", Value::F64(2.0)),
        ("level", Value::Int(3)),
        ("state", text("idle")),
        ("count", Value::UInt(1)),
    ] {
        assert_eq!(good(name, holds), None, "{name}");
    }
    for (name, broken) in [
        ("flag", Value::Bool(false)),
        ("flag", Value::Int(1)),
        ("level", Value::F64(3.1)),
        ("level", Value::F64(f64::NAN)),
        ("level", text("2")),
        ("state", text("run")),
        ("count", Value::Bool(true)),
    ] {
        assert!(good(name, broken).is_some(), "{name}");
    }
    let quiet = Quality::of(Reason::LinkQuiet);
    let why = with("flag", quiet, Some(Value::Bool(true))).unwrap();
    assert!(
        why.contains("plc.ready is not good: uncertain, link_quiet"),
        "{why}"
    );
    assert!(
        with("flag", Quality::GOOD, None)
            .unwrap()
            .contains("no value")
    );
    assert!(
        ask(&policies, "flag", 1.0, &clock)
            .unwrap()
            .contains("there is no")
    );
}

#[test]
fn a_pulse_has_to_be_allowed() {
    let policies = policies(serde_json::json!([
        { "match": ["any"], "pulse": "allowed" },
        { "match": ["short"], "pulse": "500ms" },
        { "match": ["none"] },
    ]));
    let clock = monday();
    let pulse = |name: &str, millis| {
        let pulse = Some(Duration::from_millis(millis));
        ask_with(&policies, name, (1.0, pulse), &clock, &nothing)
    };
    assert_eq!(pulse("any", 600_000), None);
    assert_eq!(pulse("short", 500), None);
    assert!(pulse("short", 501).unwrap().contains("500 ms"));
    assert!(pulse("none", 10).unwrap().contains("allows no pulses"));
    assert!(pulse("other", 10).unwrap().contains("no policy"));
}

#[test]
fn what_a_pulse_goes_back_to() {
    assert_eq!(rest_of(&Value::Bool(true)), Some(Value::Bool(false)));
    assert_eq!(rest_of(&Value::Bool(false)), Some(Value::Bool(true)));
    assert_eq!(rest_of(&Value::UInt(7)), Some(Value::UInt(0)));
    assert_eq!(rest_of(&Value::F64(0.0)), None, "nothing would happen");
    assert_eq!(rest_of(&Value::text("on")), None);
}

#[test]
fn a_policy_that_contradicts_itself_is_told() {
    let faults = |json: serde_json::Value| {
        let policy: PolicyConfig = serde_json::from_value(json).unwrap();
        let places = policy.faults().into_iter().map(|fault| fault.pointer);
        places.collect::<Vec<_>>()
    };
    let interlock = |more: serde_json::Value| {
        let mut lock = serde_json::json!({ "datapoint": "a" });
        let members = lock.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        faults(serde_json::json!({ "match": ["**"], "interlock": lock }))
    };
    let range = serde_json::json!({ "match": ["**"], "range": { "min": 2, "max": 1 } });
    assert_eq!(faults(range), ["/range"]);
    let window =
        serde_json::json!({ "match": ["**"], "window": { "from": "06:00", "to": "06:00" } });
    assert_eq!(faults(window), ["/window"]);
    assert_eq!(interlock(serde_json::json!({})), ["/interlock"]);
    assert_eq!(
        interlock(serde_json::json!({ "is": 1, "min": 1 })),
        ["/interlock"]
    );
    assert_eq!(
        interlock(serde_json::json!({ "min": 2, "max": 1 })),
        ["/interlock"]
    );
    assert!(interlock(serde_json::json!({ "max": 1 })).is_empty());
    for wrong in ["1s ", "always", "20 min", "1ms"] {
        let is_right = wrong.trim() == "1s";
        assert_eq!(wrong.parse::<PulseRule>().is_ok(), is_right, "{wrong}");
    }
    for wrong in ["6:00", "24:01", "12:60", "noon", "-1:00"] {
        assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
    }
    assert!("Mars/Base".parse::<Zone>().is_err() && "node".parse::<Zone>().is_ok());
}

#[test]
fn the_policies_of_an_old_name_hold_too() {
    let policies = policies(serde_json::json!([
        { "name": "new", "match": ["press.**"], "range": { "max": 100 } },
        { "name": "old", "match": ["plc.**"], "range": { "max": 5 }, "rate": { "writes": 2, "per": "1 min" } },
    ]));
    let (name, old) = (
        Name::new("press.speed").unwrap(),
        Name::new("plc.speed").unwrap(),
    );
    let clock = monday();
    let ask = |value: f64, former: &[Name]| {
        let value = Value::F64(value);
        let wish = Wish {
            name: &name,
            former,
            value: &value,
            pulse: None,
        };
        policies.admit(&wish, &nothing, &clock)
    };
    let allowed = |verdict: &Verdict| matches!(verdict, Verdict::Allowed(_));
    assert!(allowed(&ask(50.0, &[])));
    assert!(!allowed(&ask(50.0, std::slice::from_ref(&old))));
    assert!(allowed(&ask(5.0, std::slice::from_ref(&old))));
    assert!(allowed(&ask(5.0, std::slice::from_ref(&old))));
    assert!(
        !allowed(&ask(5.0, std::slice::from_ref(&old))),
        "its rate holds too"
    );
}

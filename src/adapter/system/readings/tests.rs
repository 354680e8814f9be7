//! This machine as it is, and what would be said of others.

use super::*;
use crate::metric::METRICS;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn number(look: &Look, metric: Metric) -> f64 {
    look.value(metric).unwrap().as_f64().unwrap()
}

#[test]
fn this_machine_tells_all_but_perhaps_its_time_service() {
    let look = Machine::default().look(NOW);
    for (metric, name, scalar, _, _) in METRICS {
        match look.value(metric) {
            Some(value) => assert_eq!(value.check(scalar.into()), Ok(()), "{name}"),
            None => assert_eq!(metric, Metric::ClockSynchronised, "{name} has no value"),
        }
    }
}

#[test]
fn the_numbers_fit_together() {
    let look = Machine::default().look(NOW);
    let (total, free) = (
        number(&look, Metric::MemoryTotal),
        number(&look, Metric::MemoryFree),
    );
    assert_eq!(number(&look, Metric::MemoryUsed), total - free);
    assert!(number(&look, Metric::ProcessMemory) < total);
    assert!((0.0..=100.0).contains(&number(&look, Metric::CpuUsage)));
    let open = number(&look, Metric::DescriptorsOpen);
    assert!(open >= 3.0 && open <= number(&look, Metric::DescriptorsLimit));
    assert!(number(&look, Metric::StartElapsed) < number(&look, Metric::BootElapsed));
    let Some(Value::Time(boot)) = look.value(Metric::BootTime) else {
        panic!()
    };
    let Some(Value::Time(start)) = look.value(Metric::StartTime) else {
        panic!()
    };
    assert!(boot < start && start <= NOW, "{boot} {start}");
}

#[test]
fn a_boot_time_stands_still_until_the_clock_is_set() {
    let mut machine = Machine::default();
    let first = machine.look(NOW).value(Metric::BootTime);
    let jitter = Timestamp::from_micros(NOW.micros() + 900_000);
    assert_eq!(machine.look(jitter).value(Metric::BootTime), first);
    let set = Timestamp::from_micros(NOW.micros() + 60_000_000);
    assert_ne!(machine.look(set).value(Metric::BootTime), first);
}

#[test]
fn a_time_service_is_synchronised_or_not_or_unknown() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(synchronised(&folder.path().join("none")), None);
    assert_eq!(synchronised(folder.path()), Some(false));
    fs::write(folder.path().join("synchronized"), "").unwrap();
    assert_eq!(synchronised(folder.path()), Some(true));
}

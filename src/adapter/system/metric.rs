//! The datapoints that every machine has, as one list.

use mainstem_adapter::Point;
use mainstem_model::{Definition, Scalar};

/// One datapoint of the machine or the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Time,
    ClockSynchronised,
    StartTime,
    StartElapsed,
    BootTime,
    BootElapsed,
    CpuUsage,
    Load1,
    Load5,
    Load15,
    MemoryTotal,
    MemoryFree,
    MemoryUsed,
    ProcessMemory,
    ProcessThreads,
    DescriptorsOpen,
    DescriptorsLimit,
}

/// The list in the order of the datapoints: name, type, unit, description.
pub(crate) const METRICS: [(Metric, &str, Scalar, &str, &str); 17] = [
    (
        Metric::Time,
        "time",
        Scalar::Time,
        "",
        "The wall clock of this machine.",
    ),
    (
        Metric::ClockSynchronised,
        "clock.synchronised",
        Scalar::Bool,
        "",
        "Whether a time service disciplines the clock; uncertain where no service says so.",
    ),
    (
        Metric::StartTime,
        "start.time",
        Scalar::Time,
        "",
        "When this process was started.",
    ),
    (
        Metric::StartElapsed,
        "start.elapsed",
        Scalar::F64,
        "s",
        "How long this process has run.",
    ),
    (
        Metric::BootTime,
        "boot.time",
        Scalar::Time,
        "",
        "When the machine was started.",
    ),
    (
        Metric::BootElapsed,
        "boot.elapsed",
        Scalar::F64,
        "s",
        "How long the machine has run.",
    ),
    (
        Metric::CpuUsage,
        "cpu.usage",
        Scalar::F64,
        "%",
        "How busy all processors were since the reading before; the first time, since the boot.",
    ),
    (
        Metric::Load1,
        "load.avg.1",
        Scalar::F64,
        "",
        "Load average over one minute.",
    ),
    (
        Metric::Load5,
        "load.avg.5",
        Scalar::F64,
        "",
        "Load average over five minutes.",
    ),
    (
        Metric::Load15,
        "load.avg.15",
        Scalar::F64,
        "",
        "Load average over fifteen minutes.",
    ),
    (
        Metric::MemoryTotal,
        "memory.total",
        Scalar::U64,
        "B",
        "The machine's memory.",
    ),
    (
        Metric::MemoryFree,
        "memory.free",
        Scalar::U64,
        "B",
        "What programs may still take without swapping.",
    ),
    (
        Metric::MemoryUsed,
        "memory.used",
        Scalar::U64,
        "B",
        "The total less what is free.",
    ),
    (
        Metric::ProcessMemory,
        "process.memory",
        Scalar::U64,
        "B",
        "What this process has resident.",
    ),
    (
        Metric::ProcessThreads,
        "process.threads",
        Scalar::U64,
        "",
        "Threads of this process.",
    ),
    (
        Metric::DescriptorsOpen,
        "process.descriptors.open",
        Scalar::U64,
        "",
        "Files and connections that this process has open.",
    ),
    (
        Metric::DescriptorsLimit,
        "process.descriptors.limit",
        Scalar::U64,
        "",
        "How many it may have open.",
    ),
];

/// A built-in datapoint that can only be read.
pub(crate) fn point(name: &str, scalar: Scalar, unit: &str, description: &str) -> Point {
    Point {
        name: name.into(),
        definition: Definition::new(scalar).unit(unit).description(description),
        endpoint: None,
        device: None,
    }
}

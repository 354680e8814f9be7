//! One look at the machine and the process.

use std::fs;
use std::path::Path;

use mainstem_model::{Timestamp, Value};

use crate::metric::Metric;
use crate::proc_text::{
    CpuTicks, descriptor_limit, kilobytes, load_averages, number, start_ticks, uptime_s,
};

/// A moment of the past moves by less than this only because two clocks are compared.
const SAME_MOMENT_MICROS: i64 = 2_000_000;
/// Where systemd's time service says that it is there, and that it has set the clock.
const TIMESYNC_FOLDER: &str = "/run/systemd/timesync";

/// What is remembered from look to look.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    ticks: CpuTicks,
    usage: Option<f64>,
    boot_time: Option<Timestamp>,
}

/// The texts of one look. They lie in the kernel's memory, so reading them does not wait.
pub(crate) struct Look {
    now: Timestamp,
    load: Option<[f64; 3]>,
    memory: String,
    status: String,
    limits: String,
    uptime_s: Option<f64>,
    started_s: Option<f64>,
    boot_time: Option<Timestamp>,
    usage: Option<f64>,
}

impl Machine {
    pub(crate) fn look(&mut self, now: Timestamp) -> Look {
        let uptime_s = uptime_s(&text("/proc/uptime"));
        if let Some(ticks) = CpuTicks::parse(&text("/proc/stat")) {
            self.usage = ticks.usage_since(self.ticks).or(self.usage);
            self.ticks = ticks;
        }
        if let Some(uptime_s) = uptime_s {
            self.boot_time = Some(steady(self.boot_time, before(now, uptime_s)));
        }
        let per_second = rustix::param::clock_ticks_per_second();
        #[expect(clippy::cast_precision_loss, reason = "centiseconds since the boot")]
        let seconds = |ticks: u64| ticks as f64 / per_second as f64;
        Look {
            now,
            load: load_averages(&text("/proc/loadavg")),
            memory: text("/proc/meminfo"),
            status: text("/proc/self/status"),
            limits: text("/proc/self/limits"),
            uptime_s,
            started_s: start_ticks(&text("/proc/self/stat")).map(seconds),
            boot_time: self.boot_time,
            usage: self.usage,
        }
    }
}

impl Look {
    /// The value of one datapoint; `None` if this machine cannot tell.
    pub(crate) fn value(&self, metric: Metric) -> Option<Value> {
        let load = |index: usize| self.load.map(|load| Value::F64(load[index]));
        let total = || kilobytes(&self.memory, "MemTotal");
        let free = || kilobytes(&self.memory, "MemAvailable");
        match metric {
            Metric::Time => Some(Value::Time(self.now)),
            Metric::ClockSynchronised => synchronised(Path::new(TIMESYNC_FOLDER)).map(Value::Bool),
            Metric::StartTime => {
                let started = i64_micros(self.started_s?);
                let micros = self.boot_time?.micros().saturating_add(started);
                Some(Value::Time(Timestamp::from_micros(micros)))
            }
            Metric::StartElapsed => Some(Value::F64((self.uptime_s? - self.started_s?).max(0.0))),
            Metric::BootTime => self.boot_time.map(Value::Time),
            Metric::BootElapsed => self.uptime_s.map(Value::F64),
            Metric::CpuUsage => self.usage.map(Value::F64),
            Metric::Load1 => load(0),
            Metric::Load5 => load(1),
            Metric::Load15 => load(2),
            Metric::MemoryTotal => total().map(Value::UInt),
            Metric::MemoryFree => free().map(Value::UInt),
            Metric::MemoryUsed => Some(Value::UInt(total()?.saturating_sub(free()?))),
            Metric::ProcessMemory => kilobytes(&self.status, "VmRSS").map(Value::UInt),
            Metric::ProcessThreads => number(&self.status, "Threads").map(Value::UInt),
            Metric::DescriptorsOpen => open_descriptors().map(Value::UInt),
            Metric::DescriptorsLimit => descriptor_limit(&self.limits).map(Value::UInt),
        }
    }
}

/// Whether a time service disciplines the clock. Only systemd's says so in a file; the kernel's
/// own answer needs a call that safe Rust does not reach, so anything else is unknown.
fn synchronised(folder: &Path) -> Option<bool> {
    if folder.join("synchronized").exists() {
        return Some(true);
    }
    folder.is_dir().then_some(false)
}

fn open_descriptors() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    // The one that reads the folder is counted, and closed again.
    u64::try_from(count.saturating_sub(1)).ok()
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn before(now: Timestamp, seconds: f64) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_sub(i64_micros(seconds)))
}

fn i64_micros(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let micros = (seconds * 1e6) as i64;
    micros
}

/// The known moment, unless the wall clock was set meanwhile.
fn steady(known: Option<Timestamp>, computed: Timestamp) -> Timestamp {
    let is_same = |known: &Timestamp| {
        known.micros().abs_diff(computed.micros()) < SAME_MOMENT_MICROS.unsigned_abs()
    };
    known.filter(is_same).unwrap_or(computed)
}

#[cfg(test)]
mod tests;

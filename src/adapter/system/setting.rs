//! Setting the clock of this machine: what has to be so before, and the one call that does it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_model::Timestamp;
use rustix::time::{ClockId, Timespec, clock_settime};

/// The bit of the right to set clocks among a process' rights.
const CAP_SYS_TIME: u32 = 25;
/// Processes that keep a clock, by what the kernel calls them (it keeps 15 letters).
const TIME_SERVICES: [&str; 9] = [
    "systemd-timesyn",
    "chronyd",
    "ntpd",
    "ntp-daemon",
    "openntpd",
    "timemaster",
    "ptp4l",
    "phc2sys",
    "ts2phc",
];
/// What time services leave below `/run` while they run.
const TIME_SERVICE_TRACES: [&str; 5] = [
    "systemd/timesync",
    "chrony/chronyd.pid",
    "chronyd.pid",
    "ntpd.pid",
    "ntpsec/ntpd.pid",
];
/// Processes looked at; a machine with more tells nothing about its time service.
const PROCESSES_MAX: usize = 65_536;

/// Why the clock is not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetError {
    #[error("{0} is no time that a clock can have: between 1990 and 2200 is")]
    Implausible(Timestamp),
    #[error(
        "this node was not given the right to set the clock: it needs the capability \
         CAP_SYS_TIME, by the drop-in clock.conf of its service"
    )]
    NoRight,
    #[error("{0} keeps the clock of this machine: set it there, or stop it first")]
    Disciplined(String),
    #[error(
        "whether a time service keeps the clock cannot be seen, since the other processes of this \
         machine are hidden: the drop-in clock.conf shows them"
    )]
    Hidden,
    #[error("the system does not set the clock: {0}")]
    Refused(#[source] io::Error),
}

impl SetError {
    /// The stable word.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Implausible(_) => "implausible_time",
            Self::NoRight => "no_clock_right",
            Self::Disciplined(_) => "clock_disciplined",
            Self::Hidden => "clock_unseen",
            Self::Refused(_) => "clock_refused",
        }
    }
}

/// A wall clock that can be set. Tests have one that only writes down what it was told: nothing
/// that is tested may step the clock of the machine it is tested on.
pub(crate) trait WallClock: Send {
    /// Why it may not be set now, if so.
    fn check(&self) -> Result<(), SetError>;

    /// Sets it. Only after [`WallClock::check`] had nothing against it.
    fn set(&mut self, to: Timestamp) -> io::Result<()>;
}

/// Sets a clock, if it may be set.
pub(crate) fn set(clock: &mut dyn WallClock, to: Timestamp) -> Result<(), SetError> {
    if !(Timestamp::PLAUSIBLE_MIN..=Timestamp::PLAUSIBLE_MAX).contains(&to) {
        return Err(SetError::Implausible(to));
    }
    clock.check()?;
    clock.set(to).map_err(SetError::Refused)
}

/// The clock of this machine, and where it says who keeps it.
pub(crate) struct MachineClock {
    proc: PathBuf,
    run: PathBuf,
}

impl Default for MachineClock {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            run: "/run".into(),
        }
    }
}

impl WallClock for MachineClock {
    fn check(&self) -> Result<(), SetError> {
        let status = fs::read_to_string(self.proc.join("self/status")).unwrap_or_default();
        if !has_right(&status) {
            return Err(SetError::NoRight);
        }
        match time_service(&self.proc, &self.run)? {
            Some(service) => Err(SetError::Disciplined(service)),
            None => Ok(()),
        }
    }

    fn set(&mut self, to: Timestamp) -> io::Result<()> {
        let micros = u64::try_from(to.micros()).map_err(io::Error::other)?;
        let since = Duration::from_micros(micros);
        let time = Timespec::try_from(since).map_err(io::Error::other)?;
        Ok(clock_settime(ClockId::Realtime, time)?)
    }
}

/// Whether a process with this `status` may set clocks.
fn has_right(status: &str) -> bool {
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let rights = rights.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    rights.is_some_and(|rights| rights & (1 << CAP_SYS_TIME) != 0)
}

/// What keeps the clock, as far as its processes and what it leaves behind tell.
fn time_service(proc: &Path, run: &Path) -> Result<Option<String>, SetError> {
    let trace = TIME_SERVICE_TRACES
        .iter()
        .find(|trace| run.join(trace).exists());
    if let Some(trace) = trace {
        return Ok(Some(format!(
            "the time service of {}",
            run.join(trace).display()
        )));
    }
    // The first process belongs to somebody else: who does not see it does not see the rest.
    if !proc.join("1/comm").exists() {
        return Err(SetError::Hidden);
    }
    let entries = fs::read_dir(proc).map_err(|_| SetError::Hidden)?;
    for (index, entry) in entries.flatten().enumerate() {
        if index >= PROCESSES_MAX {
            return Err(SetError::Hidden);
        }
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if TIME_SERVICES.contains(&name.trim_end()) {
            return Ok(Some(name.trim_end().to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;

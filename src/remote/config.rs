//! A remote as the node file has it: its properties as written (`section`), and what they come to.

mod choice;
mod proxy;
mod route;
mod section;
mod types_of;
mod uplink;

pub use choice::{Delivery, DialFrom, DriftAction, Mode, Profile, RemoteKind, TargetState};
pub use proxy::{ProxyAddress, ProxyError};
pub use route::{Route, RouteError};
pub use section::RemoteSection;
pub use uplink::{UplinkConfig, UplinkSection};

use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::{Glob, GlobSet, Name, Pacing, Secret, ValueType};

use crate::timing::Timing;

/// By what the remote proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its key has this fingerprint: `sha256:` and hexadecimal digits, in lower case.
    Pin(String),
    /// Its key has one of these fingerprints: two copies of it are a declared pair.
    Pair(Vec<String>),
    /// Its certificate was signed by an authority in this PEM file.
    Authority(PathBuf),
}

/// A remote, ready to be dialled.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteConfig {
    /// Its resource id.
    pub name: Name,
    /// What answers there.
    pub kind: RemoteKind,
    /// What stands before its names here.
    pub prefix: Name,
    /// Who opens the connection.
    pub dial: DialFrom,
    /// Where it is; one route is active at a time.
    pub routes: Vec<Route>,
    /// The proxy on the way there.
    pub proxy: Option<ProxyAddress>,
    /// Whether no write can be carried over the link at all.
    pub one_way: bool,
    /// The token that it gave to this node.
    pub token: Secret,
    /// How it is recognised.
    pub trust: Trust,
    /// How it is read.
    pub mode: Mode,
    /// The interval in mode poll.
    pub poll_interval: Duration,
    /// The quality timing.
    pub profile: Profile,
    /// The profile's times, with what the file puts in their place.
    pub timing: Timing,
    /// What is read.
    pub read: GlobSet,
    /// What may be written.
    pub write: GlobSet,
    /// Types by pattern over its names, for a HSYCO server.
    pub types: Vec<(Glob, ValueType)>,
    /// Which kinds of events are carried up.
    pub events: GlobSet,
    /// Every sample or the latest.
    pub delivery: Delivery,
    /// What it is asked to hold back.
    pub pacing: Pacing,
    /// Whether what is below it is shown in the topology.
    pub discovery: bool,
    /// Whether values fetched again after a cut count as changes.
    pub startup_events: bool,
    /// Whether datapoints are replicated.
    pub datapoints: bool,
    /// The GUI variables that are read; none where they are not replicated.
    pub read_variables: GlobSet,
    /// Those that may be written.
    pub write_variables: GlobSet,
    /// The clock difference that raises an alarm; `None` is off.
    pub drift: Option<Duration>,
    /// What a clock beyond it means.
    pub drift_action: DriftAction,
    /// Whether this node sets its clock.
    pub clock_sync: bool,
    /// The data loggers to replicate.
    pub data_loggers: Vec<String>,
    /// Whether their names get the prefix.
    pub data_loggers_prefixed: bool,
    /// How often their rows are fetched at most.
    pub data_loggers_interval: Duration,
    /// Percent of the time that rows of the past may take of the line.
    pub data_loggers_share: u8,
    /// Configured, but not to be dialled.
    pub paused: bool,
}

impl RemoteSection {
    /// The remote under its name, with what was left out filled in.
    pub fn resolve(self, name: Name, trust: Trust) -> RemoteConfig {
        let by_mode = if self.mode == Mode::Poll {
            Profile::Poll
        } else {
            Profile::Lan
        };
        let profile = self.profile.unwrap_or(by_mode);
        let timing = self.timing(profile);
        let variables = |patterns| {
            if self.ui {
                patterns
            } else {
                GlobSet::default()
            }
        };
        RemoteConfig {
            prefix: self.prefix.unwrap_or_else(|| name.clone()),
            name,
            kind: self.kind,
            dial: self.dial,
            routes: self.address,
            proxy: self.proxy,
            one_way: self.one_way,
            token: self.token,
            trust,
            mode: self.mode,
            poll_interval: self.poll_interval,
            profile,
            timing,
            read: self.read,
            write: self.write,
            events: self.events,
            types: self.types,
            delivery: self.delivery,
            pacing: Pacing {
                deadband: self.deadband,
                min_interval: self.min_interval,
                max_interval: self.max_interval,
            },
            discovery: self.discovery,
            startup_events: self.startupevents,
            datapoints: self.io,
            read_variables: variables(self.ui_read),
            write_variables: variables(self.ui_write),
            drift: (!self.drift.is_zero()).then_some(self.drift),
            drift_action: self.drift_action,
            clock_sync: self.clocksync,
            data_loggers: self.dataloggers,
            data_loggers_prefixed: self.dataloggersnameprefix,
            data_loggers_interval: self.dataloggerspollinterval,
            data_loggers_share: self.dataloggersshare,
            paused: self.target_state == TargetState::Disconnected,
        }
    }
    /// The times of a profile, with what the file puts in their place.
    fn timing(&self, profile: Profile) -> Timing {
        let times = match profile {
            _ if self.kind == RemoteKind::Hsyco => Timing::held(self.poll_interval),
            Profile::Lan => Timing::LAN,
            Profile::Wan => Timing::WAN,
            Profile::Poll => Timing::poll(self.poll_interval),
        };
        Timing {
            beat: self.beat.unwrap_or(times.beat),
            uncertain_after: self.uncertain_after.unwrap_or(times.uncertain_after),
            bad_after: self.bad_after.unwrap_or(times.bad_after),
            ..times
        }
    }
}

//! The `properties:` of a resource of type `Remote`, as written and as resolved.

mod route;
mod types_of;

pub use route::{Route, RouteError};

use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::{Glob, GlobSet, Name, Secret, ValueType, quantity};

use crate::timing::Timing;

/// What answers at a remote's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RemoteKind {
    /// A mainstem node.
    #[default]
    Mainstem,
    /// A HSYCO server, or what speaks like one; read only.
    Hsyco,
}

/// How a remote is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One request whose answer never ends.
    #[default]
    Stream,
    /// One short request per interval, for links that allow no long connection.
    Poll,
}

/// The table of times by which a silent link turns uncertain and bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Uncertain 2 s after the last byte, bad 30 s later.
    Lan,
    /// Uncertain 10 s after the last byte, bad 60 s later.
    Wan,
    /// Uncertain after 2.5 intervals, bad after 6.
    Poll,
}

/// Which samples arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Every sample, as long as the remote's log holds it.
    #[default]
    Every,
    /// The latest sample of each datapoint.
    Latest,
}

/// Whether the link is to be up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Dial, and dial again.
    #[default]
    Connected,
    /// Stay configured, without a connection.
    Disconnected,
}

/// The properties of a remote as the file has them. The names without an underscore are HSYCO's.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSection {
    /// What answers there: another node, or a HSYCO server.
    #[serde(default)]
    pub kind: RemoteKind,
    /// Where the remote is, or a list of routes to it, tried in turn.
    #[serde(deserialize_with = "route::one_or_many")]
    #[schemars(with = "String", extend(
        "type" = ["string", "array"], "format" = "route",
        "items" = {"type": "string", "format": "route"}, "minItems" = 1, "maxItems" = 8
    ))]
    pub address: Vec<Route>,
    /// The token that the remote gave to this node.
    #[schemars(with = "String", length(min = 1))]
    pub token: Secret,
    /// The fingerprint of the remote's key. This or `ca`.
    #[serde(default)]
    #[schemars(extend("format" = "fingerprint"))]
    pub pin: Option<String>,
    /// A PEM file of the authority that signed the remote's certificate. This or `pin`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// What stands before the remote's names here; the resource id if left out.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "name"))]
    pub prefix: Option<Name>,
    /// One endless answer, or one request per interval.
    #[serde(default)]
    pub mode: Mode,
    /// The interval in mode `poll`.
    #[serde(
        default = "default_poll_interval",
        deserialize_with = "quantity::duration"
    )]
    #[schemars(with = "String", extend("duration" = {"min": "200ms", "max": "24h"}))]
    pub poll_interval: Duration,
    /// The times after which silence becomes uncertain and bad; by default `lan`, in mode `poll`
    /// `poll`.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// Time between two beats, in place of the profile's.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "50ms", "max": "30s"}))]
    pub beat: Option<Duration>,
    /// Silence after which the remote's values are uncertain, in place of the profile's.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "200ms", "max": "1h"}))]
    pub uncertain_after: Option<Duration>,
    /// Time from uncertain to bad, in place of the profile's.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "200ms", "max": "24h"}))]
    pub bad_after: Option<Duration>,
    /// Which of the remote's datapoints are read, in the remote's names.
    #[serde(default = "GlobSet::everything")]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub read: GlobSet,
    /// Which of them this node lets writes pass to, in the remote's names; none by default.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub write: GlobSet,
    /// Which kinds of the remote's events are carried up, waiting for an answer.
    #[serde(default = "GlobSet::everything")]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub events: GlobSet,
    /// For a HSYCO server, whose values are all texts: types by pattern over its names.
    #[serde(default, deserialize_with = "types_of::in_order")]
    #[schemars(with = "std::collections::BTreeMap<String, String>", extend(
        "propertyNames" = {"format": "glob"},
        "additionalProperties" = {"type": "string", "enum": ["bool", "i64", "f64", "text"]}
    ))]
    pub types: Vec<(Glob, ValueType)>,
    /// Every sample, or the latest.
    #[serde(default)]
    pub delivery: Delivery,
    /// Whether the remote's datapoints enter this node's catalogue by themselves.
    #[serde(default = "yes")]
    pub discovery: bool,
    /// Whether values that are fetched again after a cut count as changes.
    #[serde(default)]
    pub startupevents: bool,
    /// Whether datapoints are replicated.
    #[serde(default = "yes")]
    pub io: bool,
    /// Whether GUI variables are replicated.
    #[serde(default = "yes")]
    pub ui: bool,
    /// The clock difference that raises an alarm, in seconds; 0 is off.
    #[serde(default = "default_drift", deserialize_with = "quantity::seconds")]
    #[schemars(with = "String", extend(
        "type" = ["number", "string"],
        "duration" = {"min": "0s", "max": "9999s", "number": "seconds"}
    ))]
    pub drift: Duration,
    /// Whether this node sets the remote's clock, where the remote allows it.
    #[serde(default)]
    pub clocksync: bool,
    /// The data loggers to replicate: a list, or one text with `;` between the names.
    #[serde(default, deserialize_with = "route::names")]
    #[schemars(with = "String", extend(
        "type" = ["string", "array"], "items" = {"type": "string"}, "maxItems" = 10000
    ))]
    pub dataloggers: Vec<String>,
    /// Whether their names get the prefix here.
    #[serde(default = "yes")]
    pub dataloggersnameprefix: bool,
    /// How often their rows are fetched at most, in seconds.
    #[serde(default = "default_loggers", deserialize_with = "quantity::seconds")]
    #[schemars(with = "String", extend(
        "type" = ["number", "string"],
        "duration" = {"min": "1s", "max": "24h", "number": "seconds"}
    ))]
    pub dataloggerspollinterval: Duration,
    /// Whether the link is to be up.
    #[serde(default, rename = "targetState")]
    pub target_state: TargetState,
}

fn yes() -> bool {
    true
}

fn default_poll_interval() -> Duration {
    Duration::from_secs(10)
}

fn default_drift() -> Duration {
    Duration::from_secs(4)
}

fn default_loggers() -> Duration {
    Duration::from_secs(60)
}

/// By what the remote proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Its key has this fingerprint: `sha256:` and hexadecimal digits, in lower case.
    Pin(String),
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
    /// Where it is; one route is active at a time.
    pub routes: Vec<Route>,
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
    /// Whether its datapoints enter the catalogue by themselves.
    pub discovery: bool,
    /// Whether values fetched again after a cut count as changes.
    pub startup_events: bool,
    /// Whether datapoints are replicated.
    pub datapoints: bool,
    /// Whether GUI variables are replicated.
    pub variables: bool,
    /// The clock difference that raises an alarm; `None` is off.
    pub drift: Option<Duration>,
    /// Whether this node sets its clock.
    pub clock_sync: bool,
    /// The data loggers to replicate.
    pub data_loggers: Vec<String>,
    /// Whether their names get the prefix.
    pub data_loggers_prefixed: bool,
    /// How often their rows are fetched at most.
    pub data_loggers_interval: Duration,
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
        let times = match profile {
            _ if self.kind == RemoteKind::Hsyco => Timing::held(self.poll_interval),
            Profile::Lan => Timing::LAN,
            Profile::Wan => Timing::WAN,
            Profile::Poll => Timing::poll(self.poll_interval),
        };
        RemoteConfig {
            prefix: self.prefix.unwrap_or_else(|| name.clone()),
            name,
            kind: self.kind,
            routes: self.address,
            token: self.token,
            trust,
            mode: self.mode,
            poll_interval: self.poll_interval,
            profile,
            timing: Timing {
                beat: self.beat.unwrap_or(times.beat),
                uncertain_after: self.uncertain_after.unwrap_or(times.uncertain_after),
                bad_after: self.bad_after.unwrap_or(times.bad_after),
                ..times
            },
            read: self.read,
            write: self.write,
            events: self.events,
            types: self.types,
            delivery: self.delivery,
            discovery: self.discovery,
            startup_events: self.startupevents,
            datapoints: self.io,
            variables: self.ui,
            drift: (!self.drift.is_zero()).then_some(self.drift),
            clock_sync: self.clocksync,
            data_loggers: self.dataloggers,
            data_loggers_prefixed: self.dataloggersnameprefix,
            data_loggers_interval: self.dataloggerspollinterval,
            paused: self.target_state == TargetState::Disconnected,
        }
    }
}

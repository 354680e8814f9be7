//! The `properties:` of a resource of type `Remote`, as written.

use std::path::PathBuf;
use std::time::Duration;

use mainstem_model::{Deadband, Glob, GlobSet, Name, Secret, ValueType, quantity};

use super::{
    Delivery, DialFrom, DriftAction, Mode, Profile, ProxyAddress, RemoteKind, Route, TargetState,
    route, types_of,
};

/// The properties of a remote as the file has them. The names without an underscore are HSYCO's.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSection {
    /// What answers there: another node, or a HSYCO server.
    #[serde(default)]
    pub kind: RemoteKind,
    /// Who opens the connection: this node (`down`), or the remote by its uplink (`up`).
    #[serde(default)]
    pub dial: DialFrom,
    /// Where the remote is, or a list of routes to it, tried in turn. None with `dial: up`.
    #[serde(default, deserialize_with = "route::one_or_many")]
    #[schemars(with = "String", extend(
        "type" = ["string", "array"], "format" = "route",
        "items" = {"type": "string", "format": "route"}, "minItems" = 1, "maxItems" = 8
    ))]
    pub address: Vec<Route>,
    /// The token that the remote gave to this node.
    #[schemars(with = "String", length(min = 1))]
    pub token: Secret,
    /// The fingerprint of the remote's key, or a list of them for a pair: two copies of the remote
    /// of which either may answer. This or `ca`.
    #[serde(default, deserialize_with = "route::texts")]
    #[schemars(with = "String", extend(
        "type" = ["string", "array"], "format" = "fingerprint",
        "items" = {"type": "string", "format": "fingerprint"}, "minItems" = 1, "maxItems" = 2
    ))]
    pub pin: Vec<String>,
    /// A PEM file of the authority that signed the remote's certificate. This or `pin`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// The HTTP proxy on the way to the remote.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "proxy"))]
    pub proxy: Option<ProxyAddress>,
    /// Whether no write can be carried over the link at all.
    #[serde(default)]
    pub one_way: bool,
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
    /// For thin lines: the remote holds back numbers that changed by no more than this since they
    /// were told, `0.5` or `1%` of the told value. A change of quality passes.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend(
        "type" = ["number", "string"], "format" = "deadband"
    ))]
    pub deadband: Option<Deadband>,
    /// For thin lines: each datapoint is told at most so often; the newest sample wins.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "10ms", "max": "24h"}))]
    pub min_interval: Option<Duration>,
    /// Each datapoint is told again at least so often, whatever is held back.
    #[serde(default, deserialize_with = "quantity::optional_duration")]
    #[schemars(with = "Option<String>", extend("duration" = {"min": "10ms", "max": "24h"}))]
    pub max_interval: Option<Duration>,
    /// Whether what is below the remote is shown in this node's topology.
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
    /// Which of the remote's GUI variables are read, in the remote's names.
    #[serde(default = "GlobSet::everything")]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub ui_read: GlobSet,
    /// Which of them this node lets writes pass to, in the remote's names; none by default.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "glob"}))]
    pub ui_write: GlobSet,
    /// The clock difference that raises an alarm, in seconds; 0 is off.
    #[serde(default = "default_drift", deserialize_with = "quantity::seconds")]
    #[schemars(with = "String", extend(
        "type" = ["number", "string"],
        "duration" = {"min": "0s", "max": "9999s", "number": "seconds"}
    ))]
    pub drift: Duration,
    /// Whether values from beyond `drift` are uncertain too.
    #[serde(default)]
    pub drift_action: DriftAction,
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
    /// Percent of the time that rows of the past may take of the line.
    #[serde(default = "default_share")]
    #[schemars(range(min = 1, max = 100))]
    pub dataloggersshare: u8,
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

fn default_share() -> u8 {
    75
}

fn default_loggers() -> Duration {
    Duration::from_secs(60)
}

//! Properties of a remote that are one word out of a few.

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

/// Who opens the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DialFrom {
    /// This node dials down to the remote.
    #[default]
    Down,
    /// The remote dials up; this node only waits.
    Up,
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
    /// Uncertain after 2.5 intervals, bad 3.5 later.
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

/// What a clock beyond `drift` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftAction {
    /// An alarm, and the values stay as good as they are.
    #[default]
    Alarm,
    /// An alarm, and the values are uncertain.
    Uncertain,
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

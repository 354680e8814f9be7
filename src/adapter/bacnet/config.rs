//! The options of a connection and of an endpoint, named as Connectware names them.

use std::time::Duration;

use mainstem_adapter::ConnectionStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::data_type::DataType;

/// The content of `connection:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// The instance of the device's device object; 4194303 is whichever answers at `deviceAddress`.
    #[schemars(range(min = 0, max = 4_194_303))]
    pub(crate) device_instance: u32,
    /// Address and port of the device, or of the router before it; without it the device is
    /// searched by broadcast.
    #[schemars(length(min = 1, max = 260))]
    pub(crate) device_address: Option<String>,
    /// The interface to send by: its name, or its address.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) local_interface: Option<String>,
    /// UDP port to send from; 0 is one of its own for this connection.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub(crate) local_port: u16,
    /// The network of the device, where it is behind a router.
    #[schemars(range(min = 1, max = 65534))]
    pub(crate) network: Option<u16>,
    /// The address of the device on that network, in hexadecimal digits; asked for if it is absent.
    #[schemars(length(min = 2, max = 36))]
    pub(crate) mac: Option<String>,
    /// Where devices are searched that have no `deviceAddress`.
    #[serde(default = "broadcast_default")]
    #[schemars(length(min = 1, max = 260))]
    pub(crate) broadcast_address: String,
    /// Address and port of a BBMD to register with as a foreign device.
    #[schemars(length(min = 1, max = 260))]
    pub(crate) bbmd: Option<String>,
    /// Seconds that a registration with the BBMD lasts; it is renewed in time.
    #[serde(default = "bbmd_lifetime_default")]
    #[schemars(range(min = 10, max = 3600))]
    pub(crate) bbmd_lifetime_seconds: u16,
    /// Milliseconds that an answer may take.
    #[serde(default = "timeout_default")]
    #[schemars(range(min = 50, max = 60000))]
    pub(crate) timeout: u64,
    /// How often a request that reads is sent again without an answer; writes are sent once.
    #[serde(default = "retries_default")]
    #[schemars(range(min = 0, max = 10))]
    pub(crate) retries: u8,
    /// Bytes of the longest message to take: 50, 128, 206, 480, 1024 or 1476.
    #[serde(default = "apdu_default")]
    #[schemars(range(min = 50, max = 1476))]
    pub(crate) max_apdu: u16,
    /// Whether long answers are taken in pieces: both, receive, transmit or none.
    #[serde(default)]
    pub(crate) segmentation: Segmentation,
    /// Properties that one request asks for at most; 1 asks for each by itself.
    #[serde(default = "batch_default")]
    #[schemars(range(min = 1, max = 200))]
    pub(crate) max_batch: usize,
    /// Whether the status flags of an object decide on the quality of its present-value.
    #[serde(default = "yes")]
    pub(crate) status_flags: bool,
    /// Whether a written datapoint that can be read is read back at once.
    #[serde(default = "yes")]
    pub(crate) read_back: bool,
    /// Subscriptions to changes of values.
    #[serde(default)]
    pub(crate) cov: CovConfig,
    /// Back-off between attempts; the runner obeys it, it is only checked here.
    pub(crate) connection_strategy: Option<ConnectionStrategy>,
}

/// What answers may be sent in pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) enum Segmentation {
    /// Answers may come in pieces.
    #[default]
    #[serde(rename = "both", alias = "segmented-both")]
    Both,
    /// The same: requests from here are never long.
    #[serde(rename = "receive", alias = "segmented-receive")]
    Receive,
    /// Answers may not come in pieces.
    #[serde(rename = "transmit", alias = "segmented-transmit")]
    Transmit,
    /// The same.
    #[serde(rename = "none", alias = "no-segmentation")]
    None,
}

/// The content of `cov:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schemars(inline)]
pub(crate) struct CovConfig {
    /// Whether present-values are subscribed to; an endpoint's own `cov` wins.
    pub(crate) enabled: bool,
    /// Seconds that a subscription lasts; it is renewed in time.
    #[schemars(range(min = 10, max = 86400))]
    pub(crate) cov_lifetime_seconds: u32,
    /// Whether the device asks for a receipt of each change.
    pub(crate) confirmed: bool,
    /// Milliseconds between polls of what is subscribed to, in case a change was lost.
    #[schemars(range(min = 100, max = 86_400_000))]
    pub(crate) poll_interval: u64,
}

impl Default for CovConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            cov_lifetime_seconds: 300,
            confirmed: true,
            poll_interval: 60_000,
        }
    }
}

/// A name, or the number itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum Word {
    /// Of a vendor's own, or without a name here.
    Number(u32),
    /// As `analog-input`.
    Name(String),
}

impl Word {
    /// As it was written.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// The content of `subscribe:`, `read:` or `write:`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointConfig {
    /// The type of the object: `analog-input`, …, or a number.
    pub(crate) object_type: Word,
    /// The number of the object among those of its type.
    #[schemars(range(min = 0, max = 4_194_303))]
    pub(crate) object_instance: u32,
    /// The property: `present-value`, `object-name`, …, or a number.
    pub(crate) property: Option<Word>,
    /// One element of a property that is an array; 0 is their number.
    #[schemars(range(min = 0, max = 4_194_303))]
    pub(crate) index: Option<u32>,
    /// The priority to write with, 1 the highest; without it the device decides, which means 16.
    #[schemars(range(min = 1, max = 16))]
    pub(crate) priority: Option<u8>,
    /// Whether writing `true` gives the priority up again instead of writing a value.
    #[serde(default)]
    pub(crate) relinquish: bool,
    /// The type of the value, where object and property do not tell it.
    pub(crate) data_type: Option<DataType>,
    /// Whether it is subscribed to instead of polled, whatever the connection's `cov` says.
    pub(crate) cov: Option<bool>,
    /// Milliseconds between two polls.
    #[schemars(range(min = 10, max = 86_400_000))]
    pub(crate) interval: Option<u64>,
}

impl ConnectionConfig {
    /// How long an answer may take.
    pub(crate) fn answering(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    /// Whether answers may come in pieces.
    pub(crate) fn takes_segments(&self) -> bool {
        matches!(
            self.segmentation,
            Segmentation::Both | Segmentation::Receive
        )
    }
}

fn broadcast_default() -> String {
    "255.255.255.255:47808".to_owned()
}

fn bbmd_lifetime_default() -> u16 {
    300
}

fn timeout_default() -> u64 {
    3000
}

fn retries_default() -> u8 {
    2
}

fn apdu_default() -> u16 {
    1476
}

fn batch_default() -> usize {
    32
}

fn yes() -> bool {
    true
}

//! The sections `listen:` and `limits:` of the node file.

use std::net::SocketAddr;
use std::time::Duration;

use mainstem_model::quantity;

/// One address at which the node serves its API over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// IP address and port; `0.0.0.0` and `[::]` are all addresses, port 0 is any free one.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub address: SocketAddr,
    /// Host names and IP addresses that go into the node's certificate, beside the address.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "host"}))]
    pub names: Vec<String>,
    /// How the system spreads what it sends over this address; the system's choice unless given.
    #[serde(default)]
    pub congestion: Option<Congestion>,
}

/// A way of the system to find out how fast it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Congestion {
    /// By the measured rate: a line that loses packets without being full stays fast.
    Bbr,
    /// By the packets lost.
    Cubic,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8443)),
            names: Vec::new(),
            congestion: None,
        }
    }
}

/// What one client, or all of them, can cost the node at most.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Connections open at the same time, over all addresses.
    #[schemars(range(min = 8, max = 65536))]
    pub connections: usize,
    /// Readers of changes (streams and long polls) at the same time.
    #[schemars(range(min = 1, max = 65536))]
    pub readers: usize,
    /// Size of one request body.
    #[serde(deserialize_with = "quantity::size")]
    #[schemars(with = "String", extend(
        "type" = ["string", "integer"], "size" = {"min": "64 KiB", "max": "256 MiB"}
    ))]
    pub body_bytes: u64,
    /// From the TCP connect to the end of the TLS handshake.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "500ms", "max": "1 min"}))]
    pub handshake_timeout: Duration,
    /// From the first byte of a request to the end of its headers.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1s", "max": "5 min"}))]
    pub header_timeout: Duration,
    /// The longest `wait` of a long poll or a write; what asks for more gets this.
    #[serde(deserialize_with = "quantity::duration")]
    #[schemars(with = "String", extend("duration" = {"min": "1s", "max": "10 min"}))]
    pub wait_max: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            readers: 256,
            body_bytes: 16 << 20,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(15),
            wait_max: Duration::from_secs(60),
        }
    }
}

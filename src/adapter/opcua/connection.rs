//! The options of `connection:`.

use std::time::Duration;

use mainstem_adapter::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::section::in_range;

/// The port that IANA gave to OPC UA.
const PORT: u16 = 4840;

/// `connection:` of an adapter of the kind `opcua`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or address of the server. Either this or `endpointUrl`.
    pub(crate) host: Option<String>,
    /// TCP port of the server; 4840 if absent.
    pub(crate) port: Option<u16>,
    /// The whole URL, for servers whose endpoint has a path.
    pub(crate) endpoint_url: Option<String>,
    /// How messages are protected.
    pub(crate) security_policy: Policy,
    /// Whether messages are signed only, or encrypted too (the default where there is a policy).
    pub(crate) security_mode: Option<Mode>,
    /// User name; anonymous if absent.
    pub(crate) username: Option<String>,
    /// The user's password.
    pub(crate) password: Option<String>,
    /// After how long without us the server may forget the session, in milliseconds.
    pub(crate) session_timeout: u64,
    /// How often the server is asked whether it lives, in milliseconds.
    pub(crate) keep_alive: u64,
    /// How long an answer may take, in milliseconds.
    pub(crate) request_timeout: u64,
    /// How many reads and writes may wait for their answers at a time.
    pub(crate) max_in_flight: u64,
    /// Whether a written node is read back at once.
    pub(crate) read_back: bool,
}

/// Security policies that are spoken. Deprecated ones are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Policy {
    /// No protection at all.
    #[default]
    None,
    /// RSA, AES-256 and SHA-256.
    Basic256Sha256,
}

/// What the policy is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Mode {
    /// No protection at all.
    None,
    /// Messages cannot be changed on the way, but read.
    Sign,
    /// Messages can neither be changed nor read on the way.
    SignAndEncrypt,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            endpoint_url: None,
            security_policy: Policy::None,
            security_mode: None,
            username: None,
            password: None,
            session_timeout: 60_000,
            keep_alive: 5_000,
            request_timeout: 5_000,
            max_in_flight: 2,
            read_back: true,
        }
    }
}

/// The connection as the session needs it.
#[derive(Clone)]
pub(crate) struct ConnectionPlan {
    /// The adapter's name, part of our application URI.
    pub(crate) adapter: String,
    /// Where the server is.
    pub(crate) url: String,
    /// The policy.
    pub(crate) policy: Policy,
    /// Its use; `None` goes with `Policy::None` only.
    pub(crate) mode: Mode,
    /// Name and password.
    pub(crate) user: Option<(String, String)>,
    /// See [`ConnectionConfig::session_timeout`].
    pub(crate) session_timeout: Duration,
    /// See [`ConnectionConfig::keep_alive`].
    pub(crate) keep_alive: Duration,
    /// See [`ConnectionConfig::request_timeout`].
    pub(crate) request_timeout: Duration,
    /// See [`ConnectionConfig::max_in_flight`].
    pub(crate) max_in_flight: usize,
    /// See [`ConnectionConfig::read_back`].
    pub(crate) read_back: bool,
}

impl ConnectionConfig {
    /// Checks what serde cannot, and gives the plan if nothing is wrong.
    pub(crate) fn plan(self, adapter: &str, problems: &mut Vec<Problem>) -> Option<ConnectionPlan> {
        let before = problems.len();
        self.check_numbers(problems);
        let url = self.url(problems);
        let mode = self.mode(problems);
        if self.password.is_some() && self.username.is_none() {
            problems.push(Problem::new(
                "/connection/password",
                "there is a password but no user",
                "username beside the password, or neither for an anonymous session",
            ));
        }
        if problems.len() > before {
            return None;
        }
        let password = self.password.unwrap_or_default();
        Some(ConnectionPlan {
            adapter: adapter.to_owned(),
            url: url?,
            policy: self.security_policy,
            mode: mode?,
            user: self.username.map(|name| (name, password)),
            session_timeout: Duration::from_millis(self.session_timeout),
            keep_alive: Duration::from_millis(self.keep_alive),
            request_timeout: Duration::from_millis(self.request_timeout),
            max_in_flight: usize::try_from(self.max_in_flight).unwrap_or(1),
            read_back: self.read_back,
        })
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let ms = " (milliseconds)";
        let session = "/connection/sessionTimeout";
        in_range(
            self.session_timeout,
            5_000..=3_600_000,
            session,
            ms,
            problems,
        );
        in_range(
            self.keep_alive,
            100..=600_000,
            "/connection/keepAlive",
            ms,
            problems,
        );
        in_range(
            self.request_timeout,
            100..=600_000,
            "/connection/requestTimeout",
            ms,
            problems,
        );
        in_range(
            self.max_in_flight,
            1..=64,
            "/connection/maxInFlight",
            "",
            problems,
        );
        if self.port == Some(0) {
            in_range(0, 1..=65_535, "/connection/port", "", problems);
        }
        if self.keep_alive.saturating_mul(2) > self.session_timeout {
            problems.push(Problem::new(
                "/connection/keepAlive",
                "the server would forget the session before it is asked again",
                format!("at most half of sessionTimeout ({})", self.session_timeout),
            ));
        }
    }

    fn url(&self, problems: &mut Vec<Problem>) -> Option<String> {
        let mut wrong = |pointer: &str, message: &str, expected: &str| {
            problems.push(Problem::new(pointer, message, expected));
            None
        };
        match (&self.endpoint_url, &self.host) {
            (Some(_), Some(_)) => wrong(
                "/connection/endpointUrl",
                "endpointUrl and host exclude each other",
                "one of the two",
            ),
            (Some(_), None) if self.port.is_some() => wrong(
                "/connection/port",
                "the port belongs into endpointUrl",
                "no port here",
            ),
            (Some(url), None) => match url.strip_prefix("opc.tcp://") {
                Some(rest) if !rest.is_empty() && !rest.starts_with(['/', ':']) => {
                    Some(url.clone())
                }
                _ => wrong(
                    "/connection/endpointUrl",
                    "this is no URL of an OPC UA server",
                    "opc.tcp://host:4840/path",
                ),
            },
            (None, Some(host)) if is_host(host) => {
                Some(format!("opc.tcp://{host}:{}/", self.port.unwrap_or(PORT)))
            }
            (None, Some(_)) => wrong(
                "/connection/host",
                "this is no host",
                "a name or an IP address, no URL",
            ),
            (None, None) => wrong(
                "/connection/host",
                "the server is missing",
                "host or endpointUrl",
            ),
        }
    }

    fn mode(&self, problems: &mut Vec<Problem>) -> Option<Mode> {
        match (self.security_policy, self.security_mode) {
            (Policy::None, None | Some(Mode::None)) => Some(Mode::None),
            (Policy::None, Some(_)) => {
                problems.push(Problem::new(
                    "/connection/securityMode",
                    "without a securityPolicy nothing can be signed or encrypted",
                    "securityPolicy: Basic256Sha256 beside it, or no securityMode",
                ));
                None
            }
            (Policy::Basic256Sha256, Some(Mode::None)) => {
                problems.push(Problem::new(
                    "/connection/securityMode",
                    "a policy that is used for nothing",
                    "Sign or SignAndEncrypt",
                ));
                None
            }
            (Policy::Basic256Sha256, mode) => Some(mode.unwrap_or(Mode::SignAndEncrypt)),
        }
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c))
}

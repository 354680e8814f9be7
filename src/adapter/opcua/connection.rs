//! The options of `connection:`.

mod address;
mod security;

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::security::{Mode, Pem, Policy, User};
use crate::section::in_range;

/// `connection:` of an adapter of the kind `opcua`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConnectionConfig {
    /// Name or address of the server. Either this, `endpointUrl` or `endpoints`.
    pub(crate) host: Option<String>,
    /// TCP port of the server; 4840 if absent.
    pub(crate) port: Option<u16>,
    /// The whole URL, for servers whose endpoint has a path.
    pub(crate) endpoint_url: Option<String>,
    /// The URLs of a redundant set of servers. One of them is used at a time.
    pub(crate) endpoints: Option<Vec<String>>,
    /// How often the servers of a redundant set are asked for their ServiceLevel, in milliseconds.
    pub(crate) service_level_interval: u64,
    /// How messages are protected; the strongest way that the server offers if absent, never none.
    pub(crate) security_policy: Option<Policy>,
    /// Whether messages are signed only, or encrypted too (the default where there is a policy).
    pub(crate) security_mode: Option<Mode>,
    /// User name; anonymous if there is neither a name nor a certificate.
    pub(crate) username: Option<String>,
    /// The user's password.
    pub(crate) password: Option<String>,
    /// The user's certificate: a file (PEM or DER), or the PEM text itself.
    pub(crate) user_certificate: Option<String>,
    /// The private key of the user's certificate: a PEM file, or the PEM text itself.
    pub(crate) user_private_key: Option<String>,
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

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            endpoint_url: None,
            endpoints: None,
            service_level_interval: 5_000,
            security_policy: None,
            security_mode: None,
            username: None,
            password: None,
            user_certificate: None,
            user_private_key: None,
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
    /// Where the other servers of a redundant set are.
    pub(crate) others: Vec<String>,
    /// See [`ConnectionConfig::service_level_interval`].
    pub(crate) service_level_interval: Duration,
    /// The policies that will do, the best first. Never empty; `None` stands alone in it.
    pub(crate) policies: Vec<Policy>,
    /// Their use; `None` goes with `Policy::None` only.
    pub(crate) mode: Mode,
    /// Who we say we are.
    pub(crate) user: User,
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

impl ConnectionPlan {
    /// Whether there is no protection, and so no certificate to look at.
    pub(crate) fn is_open(&self) -> bool {
        self.mode == Mode::None
    }

    /// One plan for each server of the set, in the order of the file.
    pub(crate) fn servers(&self) -> Vec<Self> {
        let urls = std::iter::once(&self.url).chain(&self.others);
        let plan = |url: &String| Self {
            url: url.clone(),
            others: Vec::new(),
            ..self.clone()
        };
        urls.map(plan).collect()
    }
}

impl ConnectionConfig {
    /// Checks what serde cannot, and gives the plan if nothing is wrong. Files with relative paths
    /// lie below `home`.
    pub(crate) fn plan(
        self,
        adapter: &str,
        home: &Path,
        problems: &mut Vec<Problem>,
    ) -> Option<ConnectionPlan> {
        let before = problems.len();
        self.check_numbers(problems);
        let urls = self.urls(problems);
        let security = self.security(problems);
        let user = self.user(home, problems);
        if problems.len() > before {
            return None;
        }
        let mut urls = urls?.into_iter();
        let (policies, mode) = security?;
        Some(ConnectionPlan {
            adapter: adapter.to_owned(),
            url: urls.next()?,
            others: urls.collect(),
            service_level_interval: Duration::from_millis(self.service_level_interval),
            policies,
            mode,
            user: user?,
            session_timeout: Duration::from_millis(self.session_timeout),
            keep_alive: Duration::from_millis(self.keep_alive),
            request_timeout: Duration::from_millis(self.request_timeout),
            max_in_flight: usize::try_from(self.max_in_flight).unwrap_or(1),
            read_back: self.read_back,
        })
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let ms = " (milliseconds)";
        for (value, range, option, unit) in [
            (
                self.session_timeout,
                5_000..=3_600_000,
                "sessionTimeout",
                ms,
            ),
            (self.keep_alive, 100..=600_000, "keepAlive", ms),
            (self.request_timeout, 100..=600_000, "requestTimeout", ms),
            (
                self.service_level_interval,
                100..=600_000,
                "serviceLevelInterval",
                ms,
            ),
            (self.max_in_flight, 1..=64, "maxInFlight", ""),
            (self.port.unwrap_or(1).into(), 1..=65_535, "port", ""),
        ] {
            let pointer = format!("/connection/{option}");
            in_range(value, range, &pointer, unit, problems);
        }
        if self.keep_alive.saturating_mul(2) > self.session_timeout {
            problems.push(Problem::new(
                "/connection/keepAlive",
                "the server would forget the session before it is asked again",
                format!("at most half of sessionTimeout ({})", self.session_timeout),
            ));
        }
    }
}

//! TLS to devices and services, as every kind offers it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_security::{Credentials, Pin, Trust, device_config};
use rustls::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

/// Whom to believe at the other end, and who this node is. Verification cannot be switched off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TlsSection {
    /// A PEM file with the authorities that may vouch for the other end's name; relative to the
    /// folder of the node file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The one key that the other end may have, `sha256:` and 64 hex digits of its public key: for
    /// devices that sign their own certificate.
    #[serde(default)]
    pub pin: Option<String>,
    /// A PEM file with the certificate that this node shows, and those that vouch for it.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// A PEM file with its private key.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

impl TlsSection {
    /// What is wrong with it that can be known without a look at the files: the key and what was
    /// expected there.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        match (&self.ca, &self.pin, &self.certificate, &self.key) {
            (None, None, ..) => Some(("", "`ca` or `pin`: whom to believe")),
            (Some(_), Some(_), ..) => Some(("pin", "either `ca` or `pin`")),
            (_, Some(pin), ..) if pin.parse::<Pin>().is_err() => {
                Some(("pin", "sha256: and 64 hex digits"))
            }
            (.., Some(_), None) => Some(("key", "the private key of `certificate`")),
            (.., None, Some(_)) => Some(("certificate", "the certificate of `key`")),
            _ => None,
        }
    }

    /// Reads the files. `protocols` are offered in the handshake, such as `h2`.
    pub fn load(&self, home: &Path, protocols: &[&str]) -> Result<Arc<ClientConfig>, String> {
        let trust = match (&self.ca, &self.pin) {
            (Some(ca), _) => Trust::CaFile(home.join(ca)),
            (None, Some(pin)) => Trust::Pin(pin.parse().map_err(|error| format!("{error}"))?),
            (None, None) => return Err("neither `ca` nor `pin` is given".into()),
        };
        let credentials = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(Credentials::Files {
                certificate: home.join(certificate),
                key: home.join(key),
            }),
            _ => None,
        };
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        device_config(&trust, credentials.as_ref(), protocols.collect())
            .map_err(|error| error.to_string())
    }
}

//! The certificates of clients, and the health problem that somebody waits outside.

use std::path::Path;

use mainstem_opcua_trust::{CertificateError, CertificateState, CertificateView};
use mainstem_telemetry::{Health, Problem, Severity};

const PROBLEM: &str = "opcua_server.certificates";

/// The certificates of one server's clients. Every call may wait for the disk.
#[derive(Debug)]
pub struct Certificates {
    list: mainstem_opcua_trust::Certificates,
    health: Health,
}

impl Certificates {
    /// Those in a folder.
    #[must_use]
    pub fn new(folder: &Path, health: Health) -> Self {
        let list = mainstem_opcua_trust::Certificates::new(folder);
        Self { list, health }
    }

    /// All of them: those that wait first, then those trusted and refused.
    pub fn list(&self) -> Result<Vec<CertificateView>, CertificateError> {
        self.list.list()
    }

    /// Trusts or refuses the certificate with a thumbprint; it counts at the client's next try.
    pub fn decide(&self, name: &str, state: CertificateState) -> Result<(), CertificateError> {
        self.list.decide(name, state)?;
        self.tell();
        Ok(())
    }

    /// Whether exactly this certificate is trusted. If nothing was decided, it waits from now on.
    pub(crate) fn admits(&self, bytes: &[u8]) -> Result<bool, CertificateError> {
        let state = self.list.meet(bytes)?;
        if state == CertificateState::Waiting {
            self.tell();
        }
        Ok(state == CertificateState::Trusted)
    }

    /// Raises or clears the problem that somebody waits.
    pub(crate) fn tell(&self) {
        let waiting = self.list.waiting().unwrap_or_default();
        if waiting == 0 {
            self.health.clear(PROBLEM);
            return;
        }
        self.health.raise(Problem {
            id: PROBLEM.to_owned(),
            severity: Severity::Warning,
            source: "opcua-server".to_owned(),
            text: format!(
                "{waiting} OPC UA clients wait outside: nobody has trusted their certificates."
            ),
            action: "`mainstem opcua-server certificates list` shows them; compare a thumbprint \
                     with what the client shows, then `trust` or `reject` it."
                .to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;

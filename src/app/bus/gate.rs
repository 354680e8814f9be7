//! Who may come to the broker: the holders of the node's tokens, with the rights of their roles.

use std::sync::Arc;

use mainstem_bus::TopicRights;
use mainstem_bus::embedded::{Breach, Gate, Guest, Login, NotAdmitted, Refused};
use mainstem_model::Clock;
use mainstem_security::{Address, Audit, AuditRecord, Refusal, Tokens};

/// Bytes of a password that are looked at.
const TOKEN_BYTES_MAX: usize = 512;

/// The door of the broker.
pub(in crate::app) struct TokenGate {
    pub(in crate::app) tokens: Arc<Tokens>,
    pub(in crate::app) audit: Arc<Audit>,
    pub(in crate::app) clock: Arc<dyn Clock>,
}

impl Gate for TokenGate {
    fn admit(&self, login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        let ip = login.address.ip();
        let password = login.password.filter(|text| text.len() <= TOKEN_BYTES_MAX);
        let text = password.and_then(|text| std::str::from_utf8(text).ok());
        let text = text.unwrap_or_default().trim();
        let verified = self.tokens.verify(text, Some(Address::from(ip)));
        let principal = match verified {
            Ok(verified) => verified.principal,
            Err(Refusal::Throttled(_)) => return Err(NotAdmitted::Throttled),
            Err(_) => return Err(NotAdmitted::Unknown),
        };
        if !principal.may_come_from(ip) {
            return Err(NotAdmitted::Unknown);
        }
        Ok(Guest {
            name: principal.name.as_str().into(),
            rights: Arc::clone(&principal.rights.topics),
        })
    }

    fn rights(&self, principal: &str) -> Option<Arc<TopicRights>> {
        let principal = self.tokens.holder(principal)?;
        Some(Arc::clone(&principal.rights.topics))
    }

    fn refused(&self, refused: &Refused, more: u64) {
        let Refused {
            principal,
            address,
            client,
            breach,
        } = refused;
        let unsaid = match more {
            0 => String::new(),
            more => format!("; {more} more before it"),
        };
        let target = match breach {
            Breach::Publish(topic) | Breach::Subscribe(topic) => topic.clone(),
            _ => client.clone(),
        };
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: principal.as_deref().unwrap_or("unknown").to_owned(),
            address: address.map(|address| address.to_string()),
            action: format!("bus.{}", breach.word()),
            target,
            outcome: "refused".to_owned(),
            detail: format!("{breach} (client {client:?}){unsaid}"),
        });
    }
}

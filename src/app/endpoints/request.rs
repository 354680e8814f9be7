//! Requests on `<topic>/req` and `<topic>/set`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{AskError, to_json_value};
use mainstem_bus::Message;
use mainstem_model::{GlobSet, Space, Status, WriteState};
use mainstem_security::{AuditRecord, Principal, Role};
use mainstem_service::EndpointAddress;
use mainstem_write::{BUDGET_DEFAULT, Entry, Request};
use serde_json::Value;

use super::Clerk;
use super::reply::Failed;

/// How long a question may take.
const ASK_TIME: Duration = Duration::from_secs(10);
/// The largest payload of a request.
const REQUEST_BYTES_MAX: usize = 256 << 10;
/// The name under which what this node itself publishes on `/set` is carried out.
const OWN: &str = "mappings";

impl Clerk {
    /// Reads on request: asks the device, or tells the last value where its protocol is not asked.
    pub(super) async fn read(&self, endpoint: &EndpointAddress, message: &Message) {
        let Some(request) = self.heard(endpoint, message).await else {
            return;
        };
        let id = request.get("id").cloned();
        let result = self.asked(endpoint, request).await;
        self.answer(endpoint, id, result).await;
    }

    async fn asked(&self, endpoint: &EndpointAddress, request: Value) -> Result<Value, Failed> {
        let arguments = match request {
            Value::Object(_) => request,
            _ => Value::Object(serde_json::Map::new()),
        };
        let ask = self
            .parts
            .upgrade()
            .and_then(|parts| parts.ask_adapter(&endpoint.datapoint, arguments, ASK_TIME));
        let answer = match ask {
            Some(ask) => ask.await,
            None => Err(AskError::Away("its connection does not run".into())),
        };
        match answer {
            Ok(value) => Ok(value),
            Err(AskError::NotAsked) => self.last(endpoint),
            Err(AskError::Refused { code, message }) => Err(Failed::new(code, message)),
            Err(AskError::Away(message)) => Err(Failed::new("not_connected", message)),
            Err(AskError::Failed(message)) => Err(Failed::new("no_answer", message)),
        }
    }

    fn last(&self, endpoint: &EndpointAddress) -> Result<Value, Failed> {
        let found = self.ground.store.point(endpoint.datapoint.as_str());
        let found = found.ok_or_else(|| Failed::new("no_value", "there is no such datapoint"))?;
        match found.value {
            Some(value) if found.quality.status != Status::Bad => Ok(to_json_value(&value)),
            _ => {
                let why = found.quality.reason.as_str();
                Err(Failed::new(
                    why,
                    "the value is bad, and the device is not asked on request",
                ))
            }
        }
    }

    /// Writes with the rights of who published, by the ordinary way.
    pub(super) async fn write(&self, endpoint: &EndpointAddress, message: &Message) {
        let Some(request) = self.heard(endpoint, message).await else {
            return;
        };
        let (id, value) = match &request {
            Value::Object(members) if members.contains_key("value") => {
                (members.get("id").cloned(), members["value"].clone())
            }
            other => (None, other.clone()),
        };
        let result = match self.principal(message) {
            Ok(principal) => self.written(endpoint, principal, &value, message).await,
            Err(why) => {
                self.refused(endpoint, message, &why);
                Err(Failed::new("denied", why))
            }
        };
        self.answer(endpoint, id, result).await;
    }

    async fn written(
        &self,
        endpoint: &EndpointAddress,
        principal: Principal,
        value: &Value,
        message: &Message,
    ) -> Result<Value, Failed> {
        let wrong = |error: serde_json::Error| Failed::new("bad_value", error.to_string());
        let raw = serde_json::value::to_raw_value(value).map_err(wrong)?;
        let waited = Instant::now().saturating_duration_since(message.arrived);
        let request = Request {
            space: Space::Datapoint,
            name: endpoint.datapoint.to_string(),
            value: raw,
            pulse: None,
            key: None,
            budget: BUDGET_DEFAULT.saturating_sub(waited),
            entry: Entry::Client {
                principal: principal.clone(),
                address: Some("bus".to_owned()),
            },
        };
        let desk = &self.ground.writes;
        let begun = desk.submit(request).await;
        let begun = begun.map_err(|refusal| Failed::new("refused", refusal.to_string()))?;
        let ended = desk.wait(begun.id, &principal, BUDGET_DEFAULT).await;
        let record = ended.unwrap_or(begun);
        if record.state() == WriteState::Applied {
            return Ok(value.clone());
        }
        let outcome = &record.outcome;
        let code = outcome.reason.as_deref().unwrap_or(outcome.state.as_str());
        let text = outcome
            .message
            .as_deref()
            .unwrap_or("it was not carried out");
        Err(Failed::new(code, text))
    }

    /// A request, unless it must not have an effect: kept from before, late or unreadable.
    async fn heard(&self, endpoint: &EndpointAddress, message: &Message) -> Option<Value> {
        let waited = Instant::now().saturating_duration_since(message.arrived);
        let why = if message.retained {
            "it was kept by the broker: nobody just asked for it"
        } else if waited >= BUDGET_DEFAULT {
            "it waited too long"
        } else if message.payload.len() > REQUEST_BYTES_MAX {
            "it is too large"
        } else {
            match serde_json::from_slice(&message.payload) {
                Ok(request) => return Some(request),
                // Anything at all asks for a read.
                Err(_) if message.topic.as_str().ends_with("/req") => return Some(Value::Null),
                Err(_) => {
                    let failed = Failed::new("bad_value", "the payload is no JSON");
                    self.answer(endpoint, None, Err(failed)).await;
                    return None;
                }
            }
        };
        self.refused(endpoint, message, why);
        None
    }

    /// Whose rights decide: the publisher's, or for what this node published itself those of its
    /// mappings, which its own file declares.
    fn principal(&self, message: &Message) -> Result<Principal, String> {
        if let Some(name) = &message.publisher {
            let holder = self.ground.tokens.holder(name);
            return holder.ok_or_else(|| format!("the token {name} is not good any more"));
        }
        if self.is_foreign {
            return Err("a foreign broker does not say who published".into());
        }
        match message.origin == Some(self.ground.node.0) {
            true => Ok(Principal {
                name: OWN.to_owned(),
                role: OWN.to_owned(),
                rights: Arc::new(Role {
                    read: GlobSet::everything(),
                    write: GlobSet::everything(),
                    ..Role::default()
                }),
                provide: None,
                from: Default::default(),
            }),
            false => Err("nobody knows who published".into()),
        }
    }

    fn refused(&self, endpoint: &EndpointAddress, message: &Message, why: &str) {
        self.ground.audit.record(AuditRecord {
            at: self.ground.store.clock().now(),
            principal: message.publisher.as_deref().unwrap_or("unknown").to_owned(),
            address: None,
            action: "bus.request".to_owned(),
            target: endpoint.datapoint.to_string(),
            outcome: "refused".to_owned(),
            detail: format!("{}: {why}", message.topic),
        });
    }
}

//! Writes go through the one write path of the node, with the writer's own rights.

use mainstem_model::Space as NameSpace;
use mainstem_security::Principal;
use mainstem_wire::write_value;
use mainstem_write::{Entry, Request};
use opcua::server::node_manager::ParsedWriteValue;
use opcua::types::{AttributeId, StatusCode};
use serde_json::value::RawValue;

use super::Space;
use super::place::Place;
use crate::limits::WRITE_BUDGET;
use crate::{from_client, outcome};

impl Space {
    /// Carries out one write.
    pub(super) async fn write_one(&self, user: &Principal, asked: &ParsedWriteValue) -> StatusCode {
        let (name, value) = match self.admit(user, asked) {
            Ok(admitted) => admitted,
            Err(status) => return status,
        };
        let request = Request {
            space: NameSpace::Datapoint,
            name,
            value,
            pulse: None,
            key: None,
            budget: WRITE_BUDGET,
            entry: Entry::Client {
                principal: user.clone(),
                address: self.users.peers.only_address().map(|ip| ip.to_string()),
            },
        };
        let record = match self.writes.submit(request).await {
            Ok(record) => record,
            Err(refusal) => return outcome::refusal(&refusal),
        };
        let record = match record.is_final() {
            true => Some(record),
            false => self.writes.wait(record.id, user, WRITE_BUDGET).await,
        };
        record.map_or(StatusCode::GoodCompletesAsynchronously, |record| {
            outcome::status(&record.outcome)
        })
    }

    /// What of a write the library does not check well enough by itself.
    fn admit(
        &self,
        user: &Principal,
        asked: &ParsedWriteValue,
    ) -> Result<(String, Box<RawValue>), StatusCode> {
        let point = match self.place(user, &asked.node_id) {
            Some(Place::Point(point)) => point,
            Some(_) => return Err(StatusCode::BadNotWritable),
            None => return Err(StatusCode::BadNodeIdUnknown),
        };
        if asked.attribute_id != AttributeId::Value || !point.definition.access.is_writable() {
            return Err(StatusCode::BadNotWritable);
        }
        // Neither a part of an array nor a quality can be written to a device. A time that comes
        // along is not looked at: when it was so is for the device to say.
        let value = &asked.value;
        let has_status = value
            .status
            .is_some_and(|status| status != StatusCode::Good);
        if asked.index_range.has_range() || has_status {
            return Err(StatusCode::BadWriteNotSupported);
        }
        let found = value.value.as_ref().ok_or(StatusCode::BadTypeMismatch)?;
        let value = from_client::value(found, point.definition.value_type)?;
        let limits = point.definition.limits.unwrap_or_default();
        if !limits.allow(&value) {
            return Err(StatusCode::BadOutOfRange);
        }
        let mut json = Vec::new();
        write_value(&value, &mut json);
        let json = String::from_utf8(json).map_err(|_| StatusCode::BadTypeMismatch)?;
        let json = RawValue::from_string(json).map_err(|_| StatusCode::BadTypeMismatch)?;
        Ok((point.name.to_string(), json))
    }
}

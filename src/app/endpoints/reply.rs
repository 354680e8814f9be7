//! What is told on `<topic>/res`.

use mainstem_bus::{Publication, Qos, Topic};
use mainstem_service::EndpointAddress;
use serde_json::{Map, Value, json};

use super::Clerk;

/// Why a request was not carried out: a code and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) code: Value,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn new(code: impl Into<Value>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl Clerk {
    /// Answers a request with its own id.
    pub(super) async fn answer(
        &self,
        endpoint: &EndpointAddress,
        id: Option<Value>,
        result: Result<Value, Failed>,
    ) {
        let mut document = Map::new();
        document.extend(id.map(|id| ("id".to_owned(), id)));
        let now = self.ground.store.clock().now().micros() / 1000;
        document.insert("timestamp".into(), now.into());
        match result {
            Ok(value) => document.insert("result".into(), json!({ "value": value })),
            Err(Failed { code, message }) => {
                document.insert("error".into(), json!({ "code": code, "message": message }))
            }
        };
        let Ok(topic) = Topic::new(&endpoint.result_topic()) else {
            return;
        };
        let publication = Publication {
            topic,
            payload: Value::Object(document).to_string().into(),
            qos: qos(endpoint),
            retain: false,
        };
        if let Err(error) = self.bus.publish(publication).await {
            tracing::warn!(endpoint = endpoint.id, %error, "an answer was not published");
        }
    }
}

pub(super) fn qos(endpoint: &EndpointAddress) -> Qos {
    match endpoint.qos.level() {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    }
}

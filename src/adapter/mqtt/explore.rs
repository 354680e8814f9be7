//! The first hour with a broker: what comes on a topic, and which topics there are.

mod listening;

use mainstem_adapter::explore::{
    Answer, BrowseAsk, DocumentPart, ExploreError, Finds, Guide, Target, Tried, View, Wish,
    document_parts, host_and_port, pointed,
};
use mainstem_adapter::{BoxFuture, Explore};
use mainstem_model::{Scalar, Topic, Value, ValueType};
use serde_json::{Map, Value as Json, json};

/// What the kind does for somebody who does not know the broker's topics yet.
pub(crate) struct MqttExplore;

impl Explore for MqttExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "mqtt://HOST[:1883], mqtts://HOST[:8883]",
            addresses: &[
                "plant/line1/temperature (the next message on it, or the one that the broker keeps)",
                "plant/line1/state#/motor/speed (a member of a JSON payload)",
            ],
            words: &[("user", "username"), ("password", "password")],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Json, String> {
        let place = host_and_port(url, &["mqtt", "mqtts", "tcp", "tls"])?;
        if !matches!(place.path.as_str(), "" | "/") {
            return Err(format!(
                "`{}` behind the broker has no meaning here",
                place.path
            ));
        }
        let mut connection = Map::new();
        if matches!(place.scheme.as_str(), "mqtts" | "tls") {
            connection.insert("scheme".into(), json!("mqtts"));
        }
        connection.insert("host".into(), json!(place.host));
        if let Some(port) = place.port {
            connection.insert("port".into(), json!(port));
        }
        Ok(Json::Object(connection))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let (topic, pointer) = pointed(wish.address);
        if wish.count > 1 {
            return Err("topics have no neighbours; name each of them".into());
        }
        Topic::new(topic).map_err(|error| {
            format!("`{topic}` is no single topic ({error}); `browse` shows what fits a filter")
        })?;
        let mut operation = json!({ "topic": topic });
        let value_type = match (pointer, wish.data_type) {
            (None, None) => {
                // As it comes, whatever it is.
                operation["format"] = json!("raw");
                Scalar::Bytes.into()
            }
            (pointer, word) => {
                if let Some(pointer) = pointer {
                    operation["pointer"] = json!(pointer);
                }
                let word = word.unwrap_or("json");
                let value_type: ValueType = word.parse().map_err(|error| format!("{error}"))?;
                if pointer.is_none() && matches!(value_type.scalar, Scalar::Text | Scalar::Bytes) {
                    operation["format"] = json!("raw");
                }
                value_type
            }
        };
        Ok(vec![Target {
            address: wish.address.to_owned(),
            operation,
            value_type: Some(value_type),
        }])
    }

    fn interpret(&self, wish: &Wish<'_>, answers: &[Answer]) -> Vec<Tried> {
        let is_open = wish.data_type.is_none() && pointed(wish.address).1.is_none();
        answers
            .iter()
            .flat_map(|answer| match &answer.value {
                Some(Value::Bytes(payload)) if is_open => parts_of(answer, payload),
                _ => vec![Tried::plain(answer)],
            })
            .collect()
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(listening::listen(ask, finds))
    }
}

/// A payload, or the members of a document.
fn parts_of(answer: &Answer, payload: &[u8]) -> Vec<Tried> {
    let topic = &answer.target.address;
    let mut rows = Vec::new();
    for found in meanings(topic, payload) {
        let view = View {
            label: found.value_type.to_string(),
            value: found.value,
            plausible: true,
            operation: found.operation,
            value_type: Some(found.value_type),
        };
        let mut row = Tried::part(answer, found.address, vec![view]);
        row.bytes = rows.is_empty().then(|| payload.to_vec());
        rows.push(row);
    }
    rows
}

/// One datapoint that a message can be.
struct Meaning {
    address: String,
    /// Members on the way to it.
    path: Vec<String>,
    operation: Json,
    value: Value,
    value_type: ValueType,
}

/// Every datapoint that a message can be: one, or one for each member of an object.
fn meanings(topic: &str, payload: &[u8]) -> Vec<Meaning> {
    let one = |operation: Json, value: Value, scalar: Scalar| Meaning {
        address: topic.to_owned(),
        path: Vec::new(),
        operation,
        value,
        value_type: scalar.into(),
    };
    let Ok(document) = serde_json::from_slice::<Json>(payload) else {
        let operation = json!({ "topic": topic, "format": "raw" });
        return vec![match std::str::from_utf8(payload) {
            Ok(text) => one(operation, Value::text(text), Scalar::Text),
            Err(_) => one(operation, Value::Bytes(payload.into()), Scalar::Bytes),
        }];
    };
    // `{timestamp, value, quality}` is read without being told where the value is.
    if let Some(inner) = document.get("value")
        && !inner.is_object()
    {
        let (parts, _) = document_parts(inner);
        return parts
            .into_iter()
            .map(|part| meaning(topic, None, part))
            .collect();
    }
    let (parts, left_out) = document_parts(&document);
    let mut all: Vec<Meaning> = parts
        .into_iter()
        .map(|part| {
            let pointer = Some(part.pointer.clone()).filter(|pointer| !pointer.is_empty());
            meaning(topic, pointer, part)
        })
        .collect();
    if left_out > 0 {
        let whole = Value::Json(document.to_string().into());
        all.push(one(json!({ "topic": topic }), whole, Scalar::Json));
    }
    all
}

fn meaning(topic: &str, pointer: Option<String>, part: DocumentPart) -> Meaning {
    let mut operation = json!({ "topic": topic });
    let mut address = topic.to_owned();
    if let Some(pointer) = pointer {
        address.push('#');
        address.push_str(&pointer);
        operation["pointer"] = json!(pointer);
    }
    Meaning {
        address,
        path: part.path,
        operation,
        value: part.value,
        value_type: part.value_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_they_hold() {
        let shown = |payload: &[u8]| -> Vec<(String, String, Json)> {
            meanings("a/b", payload)
                .into_iter()
                .map(|found| (found.address, found.value_type.to_string(), found.operation))
                .collect()
        };
        let one = |address: &str, word: &str, operation: Json| {
            vec![(address.to_owned(), word.to_owned(), operation)]
        };
        let plain = json!({"topic": "a/b"});
        let raw = json!({"topic": "a/b", "format": "raw"});
        assert_eq!(shown(b"21.5"), one("a/b", "f64", plain.clone()));
        assert_eq!(shown(b"on"), one("a/b", "text", raw.clone()));
        assert_eq!(shown(&[0xFF, 0]), one("a/b", "bytes", raw));
        assert_eq!(shown(b"true"), one("a/b", "bool", plain.clone()));
        assert_eq!(
            shown(br#"{"timestamp":1,"value":2.5}"#),
            one("a/b", "f64", plain)
        );
        assert_eq!(
            shown(br#"{"motor":{"speed":3}}"#),
            one(
                "a/b#/motor/speed",
                "f64",
                json!({"topic": "a/b", "pointer": "/motor/speed"})
            )
        );
    }

    #[test]
    fn addresses_are_topics() {
        let targets = |address, count, data_type| {
            MqttExplore.targets(&Wish {
                address,
                count,
                data_type,
            })
        };
        let typed = targets("a#/x", 1, Some("i32")).unwrap();
        assert_eq!(typed[0].operation, json!({"topic": "a", "pointer": "/x"}));
        assert_eq!(typed[0].value_type, Some(Scalar::I32.into()));
        assert!(targets("a/+", 1, None).unwrap_err().contains("browse"));
        assert!(targets("a", 2, None).is_err() && targets("a", 1, Some("quark")).is_err());
        let connection = MqttExplore.connection("mqtts://broker:8884").unwrap();
        assert_eq!(
            connection,
            json!({"scheme": "mqtts", "host": "broker", "port": 8884})
        );
    }
}

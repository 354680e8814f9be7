//! `/api/v1/bus`: how the bus is, and messages on it for whoever puts something into operation.

mod messages;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use mainstem_bus::{Bus, Publication, PublishError, Qos, Topic};
use mainstem_wire::api::{BusDocument, PublishDocument};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params};
pub(crate) use messages::{__path_messages, messages};

/// Bytes of a body with a message.
const PUBLISH_BYTES_MAX: usize = 2 << 20;

/// `GET /api/v1/bus`.
#[utoipa::path(
    get,
    path = "/api/v1/bus",
    tag = "bus",
    responses((status = 200, description = "How the bus is", body = BusDocument))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    _caller: Caller,
) -> Json<BusDocument> {
    let document = api.parts.bus_document().await;
    Json(document.unwrap_or_else(|| BusDocument {
        kind: "none".to_owned(),
        state: "none".to_owned(),
        since: api.facts.started,
        cause: None,
        broker: None,
        listeners: Vec::new(),
        now: Default::default(),
        counts: Default::default(),
        refused: Default::default(),
    }))
}

/// `POST /api/v1/bus/publish`.
#[utoipa::path(
    post,
    path = "/api/v1/bus/publish",
    tag = "bus",
    request_body = PublishDocument,
    responses((status = 204, description = "Published, and above QoS 0 acknowledged"))
)]
pub(crate) async fn publish(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<PublishDocument, PUBLISH_BYTES_MAX>,
) -> Result<StatusCode, Problem> {
    let publication = publication(asked)?;
    let rights = &caller.principal.rights;
    if !rights.control || !rights.topics.publish.allows(&publication.topic) {
        let (role, topic) = (&caller.principal.role, &publication.topic);
        let detail = format!("the role {role} does not publish on {topic}");
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let bus = bus(&api)?;
    match bus.publish(publication).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error @ PublishError::TooLarge { .. }) => {
            Err(Problem::new(Code::TooLarge, error.to_string()))
        }
        Err(error @ PublishError::Refused(_)) => {
            Err(Problem::new(Code::Conflict, error.to_string()))
        }
        Err(error) => Err(Problem::new(Code::NoBus, error.to_string())),
    }
}

fn publication(asked: PublishDocument) -> Result<Publication, Problem> {
    let wrong = |detail: String| Problem::new(Code::Member, detail);
    let topic = Topic::new(&asked.topic).map_err(|error| wrong(format!("topic: {error}")))?;
    let payload = match (asked.payload, asked.bytes) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(digits)) => {
            unhex(&digits).ok_or_else(|| wrong("bytes: expected hexadecimal digits".into()))?
        }
        (None, None) => Vec::new(),
        (Some(_), Some(_)) => return Err(wrong("either `payload` or `bytes`".into())),
    };
    let qos = match asked.qos {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        2 => Qos::ExactlyOnce,
        other => return Err(wrong(format!("qos: {other} is not 0, 1 or 2"))),
    };
    Ok(Publication {
        topic,
        payload: payload.into(),
        qos,
        retain: asked.retain,
    })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

fn bus(api: &Api) -> Result<Arc<dyn Bus>, Problem> {
    let missing = || {
        Problem::new(
            Code::NoBus,
            "this node has no bus: give it a section `bus:`",
        )
    };
    api.parts.bus().ok_or_else(missing)
}

//! How the stream of changes is asked for, and the answers that are about how it was asked for.

use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use mainstem_model::Pacing;
use mainstem_store::Delivery;
use mainstem_wire::{Cursor, Digests, FEATURE_DIGEST};

use super::{ANSWER_BYTES_MAX, RequestError};

/// How the stream of changes is asked for.
pub(crate) struct Ask {
    pub(crate) cursor: Option<Cursor>,
    /// What is here already.
    pub(crate) digests: Option<Digests>,
    pub(crate) delivery: Delivery,
    pub(crate) follow: bool,
    pub(crate) compressed: bool,
    pub(crate) pacing: Pacing,
}

impl Ask {
    pub(super) fn path(&self) -> String {
        let delivery = match self.delivery {
            Delivery::Latest => "latest",
            Delivery::Every => "every",
        };
        let mut path = format!("/api/v1/changes?delivery={delivery}");
        if let Some(cursor) = self.cursor {
            path.push_str(&format!("&since={cursor}"));
        }
        if !self.follow {
            path.push_str("&follow=false");
        }
        if let Some(deadband) = self.pacing.deadband {
            // The only character of it that an address does not take is the percent sign.
            let deadband = deadband.to_string().replace('%', "%25");
            path.push_str(&format!("&deadband={deadband}"));
        }
        let intervals = [
            ("min_interval", self.pacing.min_interval),
            ("max_interval", self.pacing.max_interval),
        ];
        for (name, interval) in intervals {
            if let Some(interval) = interval {
                path.push_str(&format!("&{name}={}", written(interval)));
            }
        }
        path
    }
}

/// A duration in the form of the API: up to six digits and a unit.
fn written(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ ..=999_999 => format!("{millis}ms"),
        millis => format!("{}.{:03}s", millis / 1000, millis % 1000),
    }
}

/// How a node answers that does not know what to do with digests.
pub(super) const DIGESTS_REFUSED: [StatusCode; 5] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNPROCESSABLE_ENTITY,
];

/// The cursor is of no use; the answer says whether digests are.
pub(super) async fn cursor_gone(response: Response<Incoming>) -> RequestError {
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let problem = body
        .ok()
        .and_then(|body| serde_json::from_slice::<serde_json::Value>(&body.to_bytes()).ok());
    let features = problem.as_ref().and_then(|problem| problem.get("features"));
    let features = features.and_then(serde_json::Value::as_array);
    RequestError::CursorGone {
        compares_digests: features
            .is_some_and(|features| features.iter().any(|feature| feature == FEATURE_DIGEST)),
    }
}

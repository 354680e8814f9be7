//! Request bodies: bounded in size, depth and time, and JSON only.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use mainstem_wire::json_depth;
use serde::de::DeserializeOwned;

use crate::Api;
use crate::problem::{Code, Problem};

/// A document nests at most so deep; values nest half of it.
pub(crate) const JSON_DEPTH_MAX: usize = 64;
/// From the headers to the end of the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes beyond the limit that are read and forgotten: an HTTP/2 client that is cut off while it
/// still sends never sees the answer that says why.
const FORGOTTEN_MAX: usize = 64 << 20;

/// A JSON body of at most so many bytes.
pub(crate) struct Document<T, const BYTES_MAX: usize>(pub(crate) T);

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<Arc<Api>> for Document<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        need_media_type(request.headers(), "application/json")?;
        let configured = usize::try_from(api.limits.body_bytes).unwrap_or(usize::MAX);
        let bytes = read(request, BYTES_MAX.min(configured)).await?;
        parse(&bytes).map(Self)
    }
}

/// Refuses bodies that say that they are something else.
pub(crate) fn need_media_type(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(
        Code::MediaType,
        format!("send `Content-Type: {wanted}`"),
    ))
}

/// The whole body, of at most so many bytes.
pub(crate) async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let gathered = tokio::time::timeout(BODY_TIMEOUT, gather(request.into_body(), bytes_max));
    let slow = |_| Problem::new(Code::Timeout, format!("a body may take {BODY_TIMEOUT:?}"));
    gathered.await.map_err(slow)?
}

async fn gather(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let (mut bytes, mut size) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::Json, "the body ended before its end"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size <= bytes_max {
            bytes.extend_from_slice(&data);
        } else if size - bytes_max <= FORGOTTEN_MAX {
            bytes = BytesMut::new();
        } else {
            break;
        }
    }
    if size > bytes_max {
        let detail = format!("a body has at most {bytes_max} bytes here");
        return Err(Problem::new(Code::TooLarge, detail));
    }
    Ok(bytes.freeze())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if json_depth(bytes) > JSON_DEPTH_MAX {
        let detail = format!("the body nests deeper than {JSON_DEPTH_MAX}");
        return Err(Problem::new(Code::Json, detail));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::new(Code::Json, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_limited_at_n_and_n_plus_one() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let read = |text: &str| parse::<serde_json::Value>(text.as_bytes());
        assert!(read(&nested(JSON_DEPTH_MAX)).is_ok());
        assert!(read(&nested(JSON_DEPTH_MAX + 1)).is_err());
        assert!(read(&format!("\"\\\"{}\"", "[".repeat(1000))).is_ok());
        assert!(read(&"{\"a\":".repeat(100_000)).is_err());
    }
}

//! An answer that is none: the connection is closed instead, without a byte.

use axum::body::Body;
use axum::response::Response;

/// Stands on a response that must not be sent, and is the error with which its connection ends.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is dropped without an answer")]
pub(crate) struct Dropped;

/// A response that closes its connection instead of being sent.
pub(crate) fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Dropped);
    response
}

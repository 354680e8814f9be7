//! The admin UI's files.

use axum::response::{IntoResponse, Response};
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};

use crate::problem::{Code, Problem};
use crate::query::Segment;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(crate) async fn index() -> Result<Response, Problem> {
    page("index.html")
}

/// `GET /ui/…`.
pub(crate) async fn file(Segment(path): Segment) -> Result<Response, Problem> {
    page(&path)
}

fn page(path: &str) -> Result<Response, Problem> {
    let asset = mainstem_ui::asset(path);
    let (media, bytes) = asset.ok_or_else(|| Problem::new(Code::NotFound, "no such file"))?;
    let headers = [
        (CONTENT_TYPE, media),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, bytes).into_response())
}

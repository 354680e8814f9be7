//! The admin UI's files.

use axum::response::{IntoResponse, Response};
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};

use crate::problem::{Code, Problem};
use crate::query::Segment;

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
        (
            CONTENT_SECURITY_POLICY,
            mainstem_ui::CONTENT_SECURITY_POLICY,
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, bytes).into_response())
}

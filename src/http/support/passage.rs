//! What of a request and its answer passes a link: headers that are meant for the other end, bodies
//! with a bound, and the names of who asks.

use axum::body::Body;
use axum::routing::MethodFilter;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::problem::{Code, Problem};

/// Who asks, from the first node on: `<principal>@<node>`, with commas between them.
pub(super) const ORIGINATORS: HeaderName = HeaderName::from_static("mainstem-originators");
/// Methods that pass: those that the resources of a node have.
pub(crate) const METHODS: MethodFilter = MethodFilter::GET
    .or(MethodFilter::PUT)
    .or(MethodFilter::POST)
    .or(MethodFilter::DELETE);
/// Nodes that a request may pass.
pub(crate) const ORIGINATORS_MAX: usize = 8;
/// Bytes of the name of one of them.
const ORIGINATOR_BYTES_MAX: usize = 256;
/// Bytes of an answer; who follows changes for days asks again.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// What of a request is for the node below. All else stays here, the caller's token before all.
const PASSED: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
];
/// What of an answer is for this connection only.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SET_COOKIE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The headers of a request that pass.
pub(super) fn request_headers(given: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    for name in PASSED {
        for value in given.get_all(&name) {
            passed.append(&name, value.clone());
        }
    }
    passed
}

/// Takes out what is for this connection only.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named = headers.get_all(header::CONNECTION).iter();
    let named: Vec<HeaderName> = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Who asks, as a header.
pub(super) fn told(originators: &[String]) -> Result<HeaderValue, Problem> {
    if originators.len() > ORIGINATORS_MAX {
        let detail = format!("a request passes at most {ORIGINATORS_MAX} nodes");
        return Err(Problem::new(Code::Member, detail));
    }
    let text = originators.join(",");
    HeaderValue::from_bytes(text.as_bytes()).map_err(|error| Problem::internal(&error))
}

/// Who asks, from the header of a neighbour: a claim, for the audit.
pub(super) fn heard(headers: &HeaderMap) -> Result<Vec<String>, Problem> {
    let wrong = || {
        let detail = format!(
            "{ORIGINATORS}: 1 to {ORIGINATORS_MAX} names of at most {ORIGINATOR_BYTES_MAX} bytes"
        );
        Problem::new(Code::Member, detail)
    };
    let value = headers.get(&ORIGINATORS).ok_or_else(wrong)?;
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| wrong())?;
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    let fits = |name: &String| (1..=ORIGINATOR_BYTES_MAX).contains(&name.len());
    let is_right = names.len() <= ORIGINATORS_MAX && names.iter().all(fits);
    is_right.then_some(names).ok_or_else(wrong)
}

/// An answer's body with its bound, which holds a place and ends when its time is over.
pub(super) fn bounded<H: Send + 'static>(body: Body, held: H, over: CancellationToken) -> Body {
    let stream = (body.into_data_stream(), ANSWER_BYTES_MAX, held, over, false);
    Body::from_stream(unfold(stream, |mut state| async move {
        let (body, left, _, over, ended) = &mut state;
        if *ended {
            return None;
        }
        let part = tokio::select! {
            () = over.cancelled() => Some(Err(cut("the time for remote support is over"))),
            part = body.next() => part.map(|part| part.map_err(|_| cut("the answer broke off"))),
        };
        let part = match part? {
            Ok(bytes) => count(bytes, left),
            Err(error) => Err(error),
        };
        *ended = part.is_err();
        Some((part, state))
    }))
}

fn count(bytes: Bytes, left: &mut u64) -> Result<Bytes, std::io::Error> {
    *left = left
        .checked_sub(bytes.len() as u64)
        .ok_or_else(|| cut("the answer is too long"))?;
    Ok(bytes)
}

fn cut(why: &str) -> std::io::Error {
    std::io::Error::other(why.to_owned())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn the_callers_token_stays_here() {
        let mut given = HeaderMap::new();
        given.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        given.insert(header::COOKIE, HeaderValue::from_static("x"));
        given.insert(ORIGINATORS, HeaderValue::from_static("admin@top"));
        given.insert(header::ACCEPT, HeaderValue::from_static("a/b"));
        let passed = request_headers(&given);
        assert_eq!(passed.len(), 1);
        assert_eq!(passed[header::ACCEPT], "a/b");
    }

    #[test]
    fn what_is_for_one_connection_is_stripped() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Own"),
            ("x-own", "1"),
            ("keep-alive", "5"),
            ("set-cookie", "a"),
            ("content-type", "a/b"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        strip(&mut headers);
        assert_eq!(headers.len(), 1, "{headers:?}");
    }

    #[test]
    fn originators_are_bounded() {
        let names = |count: usize| vec!["alice@enterprise".to_owned(); count];
        let mut headers = HeaderMap::new();
        assert!(heard(&headers).is_err());
        headers.insert(ORIGINATORS, told(&names(ORIGINATORS_MAX)).unwrap());
        assert_eq!(heard(&headers).unwrap(), names(ORIGINATORS_MAX));
        assert!(told(&names(ORIGINATORS_MAX + 1)).is_err());
        let long = vec!["x".repeat(ORIGINATOR_BYTES_MAX + 1)];
        headers.insert(ORIGINATORS, told(&long).unwrap());
        assert!(heard(&headers).is_err());
    }

    #[tokio::test]
    async fn an_answer_ends_with_its_time() {
        let over = CancellationToken::new();
        let body =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let bounded = bounded(body, (), over.clone());
        over.cancel();
        assert!(bounded.collect().await.is_err());
        let mut left = 3;
        assert!(count(Bytes::from_static(b"abc"), &mut left).is_ok());
        assert!(count(Bytes::from_static(b"d"), &mut left).is_err());
    }
}

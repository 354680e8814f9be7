//! What a request brings: the body of POST and PUT, query and parameters of GET.

use std::collections::HashMap;

use axum::extract::{Query, Request};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use mainstem_wire::json_depth;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::{DataNode, wrong};
use crate::body::{JSON_DEPTH_MAX, read};
use crate::problem::{Code, Problem};

/// Bytes of a path.
const PATH_BYTES_MAX: usize = 2048;
/// Parameters of a query.
const QUERY_MAX: usize = 256;

/// The path of a request: decoded, without `/` at its ends, each level once.
pub(super) fn path(uri: &Uri) -> Result<String, Problem> {
    let raw = uri.path();
    if raw.len() > PATH_BYTES_MAX {
        let detail = format!("a path has at most {PATH_BYTES_MAX} bytes");
        return Err(wrong(Code::Path, detail));
    }
    let levels = raw.split('/').filter(|level| !level.is_empty());
    let levels: Option<Vec<String>> = levels.map(decoded).collect();
    let levels = levels.ok_or_else(|| wrong(Code::Path, "the path is not valid UTF-8"))?;
    Ok(levels.join("/"))
}

/// A level without `%XX`. One that decodes to a separator stays apart from the others.
fn decoded(level: &str) -> Option<String> {
    if !level.contains('%') {
        return Some(level.to_owned());
    }
    let mut bytes = Vec::with_capacity(level.len());
    let mut rest = level.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(['/', '\0'])).then_some(text)
}

/// A path that is there, for other methods.
pub(super) fn other_method(method: &Method, methods: &[&Method]) -> Problem {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let method: String = method.as_str().chars().take(20).collect();
    let problem = wrong(Code::Method, format!("{method} is not possible here"));
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(names) => problem.header(ALLOW, names),
        Err(_) => problem,
    }
}

/// What the request is about, as it is told on the bus.
pub(super) async fn value(
    request: Request,
    node: &DataNode,
    params: Vec<(String, String)>,
) -> Result<Box<RawValue>, Problem> {
    if node.method == Method::GET {
        return asked(request.uri(), params);
    }
    let media_type = is_json(request.headers());
    let bytes = read(request, node.body_bytes_max).await?;
    if bytes.is_empty() {
        return to_raw_value(&Value::Null).map_err(|error| Problem::internal(&error));
    }
    if !media_type {
        let detail = "send `Content-Type: application/json`";
        return Err(wrong(Code::MediaType, detail));
    }
    if json_depth(&bytes) > JSON_DEPTH_MAX {
        let detail = format!("the body nests deeper than {JSON_DEPTH_MAX}");
        return Err(wrong(Code::Json, detail));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(Code::Json, error.to_string()))
}

/// Whether the body says that it is JSON: `application/json`, or a type that ends with `+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn asked(uri: &Uri, params: Vec<(String, String)>) -> Result<Box<RawValue>, Problem> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(given) = query.map_err(|error| wrong(Code::Query, error.body_text()))?;
    if given.len() > QUERY_MAX {
        let detail = format!("a query has at most {QUERY_MAX} parameters");
        return Err(wrong(Code::Query, detail));
    }
    let mut query = Map::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, text) in given {
        let seen = places.entry(name.clone()).or_default();
        *seen += 1;
        match query.get_mut(&name) {
            // One that comes more than once is a list.
            Some(Value::Array(list)) if *seen > 2 => list.push(text.into()),
            Some(first) => *first = json!([first.take(), text]),
            None => drop(query.insert(name, text.into())),
        }
    }
    let params: Map<String, Value> = params
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect();
    let value = json!({ "query": query, "params": params });
    to_raw_value(&value).map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_an_object() {
        let uri: Uri = "/data/a?x=1&y=a%20b&x=2&x=3&z".parse().unwrap();
        let value = asked(&uri, vec![("order".into(), "7".into())]).unwrap();
        let expected = json!({"query": {"x": ["1", "2", "3"], "y": "a b", "z": ""},
            "params": {"order": "7"}});
        assert_eq!(
            serde_json::from_str::<Value>(value.get()).unwrap(),
            expected
        );
    }

    #[test]
    fn paths_are_decoded_level_by_level() {
        let path = |text: &str| path(&text.parse().unwrap()).ok();
        assert_eq!(path("//data//a%20b/%C3%A4/").as_deref(), Some("data/a b/ä"));
        for wrong in [
            "/data/%2F",
            "/data/%zz",
            "/data/%f",
            "/data/%ff",
            "/data/%00",
        ] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }
}

//! Addresses of requests: the connection's, an endpoint's path, and the query of both.

use std::collections::BTreeMap;

use mainstem_adapter::Problem;
use reqwest::Url;
use serde_json::Value;

/// The address of a path behind a base: it never leads to another host or above the base.
pub(crate) fn of(base: &Url, path: &str) -> Result<Url, String> {
    if path.split('/').any(|level| matches!(level, "." | "..")) {
        return Err(format!("`{path}` leads elsewhere"));
    }
    let mut url = base.clone();
    let own = path.trim_start_matches('/');
    let whole = format!("{}/{own}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    Ok(url)
}

/// Query parameters as texts.
pub(crate) fn pairs(
    query: &BTreeMap<String, Value>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in query {
        match text(value) {
            Some(text) => pairs.push((name.clone(), text)),
            None => {
                let expected = "a text, a number or a boolean";
                problems.push(Problem::new(
                    format!("{at}/{name}"),
                    "no single value",
                    expected,
                ));
            }
        }
    }
    pairs
}

/// A single value as a text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use reqwest::Url;

    #[test]
    fn paths_stay_behind_the_base() {
        let base = Url::parse("https://mes.example:8443/api/v2").unwrap();
        let whole = |path| of(&base, path).unwrap().to_string();
        assert_eq!(
            whole("/orders/1"),
            "https://mes.example:8443/api/v2/orders/1"
        );
        assert_eq!(
            whole("//evil.example/x"),
            "https://mes.example:8443/api/v2/evil.example/x"
        );
        assert_eq!(whole("a?b#c"), "https://mes.example:8443/api/v2/a%3Fb%23c");
        assert!(of(&base, "/../admin").is_err());
    }
}

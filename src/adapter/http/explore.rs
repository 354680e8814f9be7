//! The first hour with a service: what a path answers, and the members of the document.

use std::ops::ControlFlow;

use mainstem_adapter::explore::{
    Answer, BrowseAsk, ExploreError, Finds, Found, Guide, Target, Tried, View, Wish, attempt,
    document_parts, host_and_port, pointed,
};
use mainstem_adapter::{BoxFuture, Explore, Problem, to_json_value};
use mainstem_model::{Access, Value, ValueType};
use serde_json::{Map, Value as Json, json};

use crate::KIND;

/// What the kind does for somebody who does not know the service yet.
pub(crate) struct HttpExplore;

impl Explore for HttpExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "http://HOST[:80][/PREFIX], https://HOST[:443][/PREFIX]",
            addresses: &[
                "/api/status (the whole answer, taken apart where it is JSON)",
                "/api/status?unit=1#/temperature (a member of it)",
            ],
            words: &[("user", "auth.username"), ("password", "auth.password")],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Json, String> {
        let place = host_and_port(url, &["http", "https"])?;
        if place.path.contains(['?', '#']) {
            return Err("a query belongs to the address behind the URL".into());
        }
        let mut connection = Map::new();
        connection.insert("scheme".into(), json!(place.scheme));
        connection.insert("host".into(), json!(place.host));
        if let Some(port) = place.port {
            connection.insert("port".into(), json!(port));
        }
        if !matches!(place.path.as_str(), "" | "/") {
            connection.insert("prefix".into(), json!(place.path));
        }
        Ok(Json::Object(connection))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        if wish.count > 1 {
            return Err("paths have no neighbours; name each of them".into());
        }
        let (path, pointer) = pointed(wish.address);
        let value_type = wish.data_type.map(str::parse::<ValueType>).transpose();
        Ok(vec![Target {
            address: wish.address.to_owned(),
            operation: operation(path, pointer),
            value_type: value_type.map_err(|error| error.to_string())?,
        }])
    }

    fn interpret(&self, wish: &Wish<'_>, answers: &[Answer]) -> Vec<Tried> {
        let (path, pointer) = pointed(wish.address);
        let row = |answer: &Answer| match &answer.value {
            Some(Value::Json(text)) if wish.data_type.is_none() => {
                members(path, pointer, answer, text)
            }
            _ => vec![Tried::plain(answer)],
        };
        answers.iter().flat_map(row).collect()
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(look(ask, finds))
    }
}

/// The content of `subscribe:` for a path with a query, and a pointer into its answer.
fn operation(path: &str, pointer: Option<&str>) -> Json {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut operation = json!({ "path": if path.is_empty() { "/" } else { path } });
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        operation["query"][name] = json!(value);
    }
    if let Some(pointer) = pointer {
        operation["pointer"] = json!(pointer);
    }
    operation
}

struct Member {
    address: String,
    path: Vec<String>,
    operation: Json,
    value: Value,
    value_type: ValueType,
}

/// The single values in an answer below a pointer; also how many there was no room for.
fn taken_apart(path: &str, pointer: Option<&str>, text: &str) -> (Vec<Member>, usize) {
    let document = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    let (parts, left_out) = document_parts(&document);
    let member = |part: mainstem_adapter::explore::DocumentPart| {
        let whole = format!("{}{}", pointer.unwrap_or_default(), part.pointer);
        let pointer = Some(whole.as_str()).filter(|pointer| !pointer.is_empty());
        let address = match pointer {
            Some(pointer) => format!("{path}#{pointer}"),
            None => path.to_owned(),
        };
        Member {
            operation: operation(path, pointer),
            address,
            path: part.path,
            value: part.value,
            value_type: part.value_type,
        }
    };
    (parts.into_iter().map(member).collect(), left_out)
}

fn members(path: &str, pointer: Option<&str>, answer: &Answer, text: &str) -> Vec<Tried> {
    let (members, left_out) = taken_apart(path, pointer, text);
    let row = |member: Member| {
        let view = View {
            label: member.value_type.to_string(),
            value: member.value,
            plausible: true,
            operation: member.operation,
            value_type: Some(member.value_type),
        };
        Tried::part(answer, member.address, vec![view])
    };
    let mut rows: Vec<Tried> = members.into_iter().map(row).collect();
    if left_out > 0 {
        // What there is no room for stands in the whole.
        rows.push(Tried::plain(answer));
    }
    rows
}

/// One request, and each single value of its answer.
async fn look(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let start = ask.start.as_deref().unwrap_or("/");
    let wish = Wish {
        address: start,
        count: 1,
        data_type: None,
    };
    let wrong = |message: String| ExploreError::Wrong(vec![Problem::new("", message, "a path")]);
    let targets = HttpExplore.targets(&wish).map_err(wrong)?;
    let (spec, clock) = (ask.spec.clone(), ask.clock.clone());
    let read = attempt(&KIND, spec, targets, ask.patience, ask.trace.clone(), clock).await?;
    let (path, pointer) = pointed(start);
    for answer in &read.answers {
        let Some(Value::Json(text)) = &answer.value else {
            let message = format!("{start} gives no value: {}", answer.quality.reason.as_str());
            return Err(ExploreError::Silent(message));
        };
        let (members, left_out) = taken_apart(path, pointer, text);
        for member in members {
            if add(path, member, finds).is_break() {
                return Ok(());
            }
        }
        if left_out > 0 {
            finds.cut(mainstem_adapter::explore::Cut::Found);
        }
    }
    Ok(())
}

fn add(path: &str, member: Member, finds: &mut Finds) -> ControlFlow<()> {
    finds.visit(&member.address)?;
    let levels = path
        .split(['/', '?', '&', '='])
        .filter(|level| !level.is_empty());
    let levels: Vec<String> = levels.map(str::to_owned).chain(member.path).collect();
    if !finds.descend(levels.len()) {
        return ControlFlow::Continue(());
    }
    finds.add(Found {
        path: levels,
        address: member.address,
        operation: member.operation,
        value_type: Some(member.value_type),
        access: Access::Read,
        unit: None,
        description: None,
        sample: Some(to_json_value(&member.value).to_string()),
        obstacle: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_operations() {
        let wish = |address| Wish {
            address,
            count: 1,
            data_type: None,
        };
        let of = |address| {
            HttpExplore
                .targets(&wish(address))
                .unwrap()
                .remove(0)
                .operation
        };
        assert_eq!(of("/a"), json!({"path": "/a"}));
        assert_eq!(
            of("/a?x=1&y#/b/0"),
            json!({"path": "/a", "query": {"x": "1", "y": ""}, "pointer": "/b/0"})
        );
        let connection = HttpExplore.connection("https://mes:8443/api").unwrap();
        assert_eq!(
            connection,
            json!({"scheme": "https", "host": "mes", "port": 8443, "prefix": "/api"})
        );
    }

    #[test]
    fn answers_come_apart_below_a_pointer() {
        let (members, _) = taken_apart("/s", Some("/m"), r#"{"on": true, "t": 1}"#);
        let shown: Vec<_> = members.iter().map(|m| m.address.as_str()).collect();
        assert_eq!(shown, ["/s#/m/on", "/s#/m/t"]);
        let (plain, _) = taken_apart("/s", None, "no JSON");
        assert_eq!(
            (&*plain[0].address, &plain[0].value),
            ("/s", &Value::text("no JSON"))
        );
    }
}

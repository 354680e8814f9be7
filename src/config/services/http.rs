//! HTTP servers and their routes.

use std::collections::HashMap;

use mainstem_service::{
    HttpMethod, HttpNodeSection, HttpServerSection, NodeHeadSection, Operation, Services,
};

use super::each;
use super::family::Family;
use super::topics::Topics;
use crate::load::Draft;
use crate::tree::join;

/// The status codes with which an answer may end.
const STATUSES: std::ops::RangeInclusive<u32> = 200..=599;

pub(super) fn servers(draft: &mut Draft<'_>, services: &mut Services) {
    for (section, id, _) in each::<HttpServerSection>(draft, "Server::Http") {
        services.http_servers.push(section.resolve(&id));
    }
}

pub(super) fn nodes(
    draft: &mut Draft<'_>,
    family: &Family,
    topics: &mut Topics,
    services: &mut Services,
) {
    let mut routes: HashMap<(HttpMethod, String), String> = HashMap::new();
    for (section, id, pointer) in each::<HttpNodeSection>(draft, "Node::Http") {
        check_operation(draft, &section, &pointer);
        check_transaction(draft, &section.head, section.head.operation, &pointer);
        check_status(draft, &section.head, &pointer);
        check_rules(draft, &section.head, &pointer);
        let topic = topics.take(draft, &id, section.head.topic.as_deref(), &pointer);
        let server = family.server(&id);
        let server = services.http_servers.iter().find(|s| server == Some(&s.id));
        let (Some(topic), Some(server)) = (topic, server) else {
            continue;
        };
        let node = section.resolve(&id, server, topic);
        let route = (node.method, node.path.to_lowercase());
        if let Some(other) = routes.insert(route, id) {
            let message = format!(
                "{} {} is that of `{other}` already",
                node.method.as_str(),
                node.path
            );
            let expected = "a route of its own for each method; case does not count";
            draft.problem(&join(&pointer, "route"), message, expected);
        }
        services.http_nodes.push(node);
    }
}

/// A GET brings nothing, and only a GET asks without bringing anything.
fn check_operation(draft: &mut Draft<'_>, section: &HttpNodeSection, pointer: &str) {
    let at = join(pointer, "operation");
    let Some(operation) = section.head.operation else {
        return;
    };
    let is_get = section.method == HttpMethod::Get;
    if is_get && operation.receives() {
        let message = format!(
            "`{}` with `method: GET`, which brings nothing",
            operation.as_str()
        );
        let expected = "`serverProvides` or `transaction`, or the method `POST` or `PUT`";
        draft.problem(&at, message, expected);
    }
    if !is_get && operation == Operation::ServerProvides {
        let method = section.method.as_str();
        let message = format!("`serverProvides` with `method: {method}`, which asks for nothing");
        let expected = "`serverReceives`, `serverProvidesReceives` or `transaction`, or the \
                        method `GET`";
        draft.problem(&at, message, expected);
    }
}

/// `transaction` says something only where requests are held.
pub(super) fn check_transaction(
    draft: &mut Draft<'_>,
    head: &NodeHeadSection,
    operation: Option<Operation>,
    pointer: &str,
) {
    if head.transaction.is_some() && operation != Some(Operation::Transaction) {
        let message = "`transaction` without `operation: transaction`: nothing is held";
        let expected = "`operation: transaction` beside it, or `transaction` left out";
        draft.problem(&join(pointer, "transaction"), message, expected);
    }
}

fn check_status(draft: &mut Draft<'_>, head: &NodeHeadSection, pointer: &str) {
    let code = head.transaction.as_ref().map(|t| t.timeout_error_code);
    if let Some(code) = code.filter(|code| !STATUSES.contains(code)) {
        let at = join(&join(pointer, "transaction"), "timeoutErrorCode");
        let message = format!("{code} is no status of HTTP");
        let expected = "a status from 200 to 599, such as 408, 500 or 504";
        draft.problem(&at, message, expected);
    }
}

/// What the rules of a node say can be read.
pub(super) fn check_rules(draft: &mut Draft<'_>, head: &NodeHeadSection, pointer: &str) {
    super::rules::read(draft, head.rules.clone(), pointer);
}

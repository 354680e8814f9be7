//! The problems that each operation can answer with, from the one table of problems.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::Code;

const PROBLEM: &str = "application/problem+json";
const DOCUMENT: &str = "application/json";
/// Every guarded operation can answer so: a query that is none, no token, an address that the token
/// is not for, too many bad tokens.
const ALWAYS: [u16; 4] = [400, 401, 403, 429];
/// What a body can be beside wrong: slow, large, of another type.
const OF_A_BODY: [u16; 3] = [408, 413, 415];
/// Answers to a GET that needs a right of its own.
const GUARDED_LISTS: [&str; 1] = ["/api/v1/tokens"];
/// What a pause or a resume meets while another one is under way.
const SWITCHES: [&str; 2] = ["/pause", "/resume"];

/// The answers that operations share: one for each status, and one for all of them.
pub(super) fn shared() -> BTreeMap<String, RefOr<Response>> {
    let statuses: BTreeSet<u16> = Code::ALL.iter().map(|code| status(*code)).collect();
    let each = statuses.into_iter().map(|wanted| {
        let text = table(|code| status(code) == wanted);
        (name(wanted), RefOr::T(problem(text)))
    });
    let all = ("Problem".to_owned(), RefOr::T(problem(table(|_| true))));
    each.chain([all]).collect()
}

/// Adds what an operation can answer beside what its own file says of it. The method is one that
/// the resource has, so 405 is no answer of an operation.
pub(super) fn complete(path: &str, method: &Method, operation: &mut Operation) {
    let mut statuses = BTreeSet::from(ALWAYS);
    if has_segment(operation) {
        statuses.insert(404);
    }
    if operation.request_body.is_some() {
        statuses.extend(OF_A_BODY);
    }
    if *method != Method::GET || GUARDED_LISTS.contains(&path) {
        statuses.insert(403);
    }
    if SWITCHES.iter().any(|switch| path.ends_with(switch)) {
        statuses.insert(409);
    }
    let responses = &mut operation.responses.responses;
    for response in responses.values_mut() {
        as_problem(response);
    }
    for status in statuses {
        let shared = RefOr::Ref(Ref::from_response_name(name(status)));
        responses.entry(status.to_string()).or_insert(shared);
    }
    let rest = RefOr::Ref(Ref::from_response_name("Problem"));
    responses.insert("default".to_owned(), rest);
}

/// Problems have a media type of their own; routes need not repeat it.
fn as_problem(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else {
        return;
    };
    let is_problem = |content: &RefOr<Content>| {
        let wanted = Ref::from_schema_name("ProblemDocument").ref_location;
        let RefOr::T(content) = content else {
            return false;
        };
        matches!(&content.schema, Some(RefOr::Ref(found)) if found.ref_location == wanted)
    };
    if response.content.get(DOCUMENT).is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove(DOCUMENT)
    {
        response.content.insert(PROBLEM.to_owned(), content);
    }
}

fn has_segment(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
    })
}

fn problem(description: String) -> Response {
    let schema = Ref::from_schema_name("ProblemDocument");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new().description(description);
    problem.content(PROBLEM, content).build()
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn status(code: Code) -> u16 {
    code.status().as_u16()
}

/// The rows of the table of problems that are wanted, as text.
fn table(wanted: impl Fn(Code) -> bool) -> String {
    let rows = Code::ALL.iter().filter(|code| wanted(**code)).map(|code| {
        let (status, word) = (status(*code), code.as_str());
        format!("{status} `{word}`: {}. {}", code.title(), code.action())
    });
    let rows: Vec<String> = rows.collect();
    format!("A problem, one of:\n{}", rows.join("\n"))
}

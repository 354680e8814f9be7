//! The description of the API, generated from the routes and the documents of `wire`.

mod yaml;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use mainstem_wire::api::ProblemDocument;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Description, Ref, ResponseBuilder};
use utoipa::openapi::{RefOr, SecurityRequirement};
use utoipa::{Modify, OpenApi};

use crate::problem::{Code, Problem};
use crate::{
    adapters, alarms, changes, datapoints, explain, link, node, probes, remotes, samples, tokens,
    topology, writes,
};

const SCHEME: &str = "token";
const PROBLEM: &str = "application/problem+json";
/// Routes that everybody may use.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mainstem remote I/O API",
        description = "One API for operators, programs and other nodes. Lists are \
            `{items, next}`; errors are RFC 9457 documents with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        node::show, datapoints::list, datapoints::show, datapoints::put, writes::list,
        writes::batch, writes::show, explain::ask, explain::pass_on, topology::show, changes::read, samples::provide, adapters::list,
        adapters::show, adapters::pause, adapters::resume, remotes::list, remotes::show,
        remotes::pause, remotes::resume, remotes::resync, alarms::list, alarms::acknowledge, tokens::list,
        tokens::create, tokens::revoke, link::beat, link::write, probes::alive, probes::ready,
        probes::metrics,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Shared)
)]
struct Routes;

/// What all routes have: the token, and problems.
struct Shared;

impl Modify for Shared {
    fn modify(&self, description: &mut Description) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme(SCHEME, SecurityScheme::Http(bearer));
        let schema = Ref::from_schema_name("ProblemDocument");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let problem = ResponseBuilder::new()
            .description(problems())
            .content(PROBLEM, content);
        let problem = RefOr::T(problem.build());
        components.responses.insert("Problem".to_owned(), problem);
        for (path, item) in &mut description.paths.paths {
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
            ];
            for operation in operations.into_iter().flatten() {
                operation.operation_id = Some(id(path, operation));
                if !OPEN.contains(&path.as_str()) {
                    guard(operation);
                }
            }
        }
    }
}

/// One word for each operation: the file and the function.
fn id(path: &str, operation: &Operation) -> String {
    let function = operation.operation_id.clone().unwrap_or_default();
    let resource = path.trim_start_matches("/api/v1/").trim_start_matches('/');
    let resource = resource.split('/').next().unwrap_or_default();
    format!("{resource}_{function}")
}

fn guard(operation: &mut Operation) {
    let scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, scopes)]);
    let problem = RefOr::Ref(Ref::from_response_name("Problem"));
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), problem);
}

/// The table of problems, as text.
fn problems() -> String {
    let rows = Code::ALL.iter().map(|code| {
        let (status, word) = (code.status().as_u16(), code.as_str());
        format!("{status} `{word}`: {}. {}", code.title(), code.action())
    });
    let rows: Vec<String> = rows.collect();
    format!("A problem, one of:\n{}", rows.join("\n"))
}

fn description() -> Description {
    Routes::openapi()
}

/// The description as YAML, as it stands in `api-spec/openapi.yaml`.
pub fn openapi_yaml() -> String {
    let document = serde_json::to_value(description()).unwrap_or_default();
    let mut text = String::from(
        "# Generated from the routes and documents of the program; a test compares them.\n",
    );
    yaml::write(&document, &mut text);
    text
}

/// `GET /api/v1/openapi.json`: open to everybody, since the program is.
pub(crate) async fn show() -> Result<Response, Problem> {
    let text = description()
        .to_json()
        .map_err(|error| Problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

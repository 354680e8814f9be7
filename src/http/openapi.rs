//! The description of the API, generated from the routes and the documents of `wire`.

mod answers;
mod forms;
mod yaml;

use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::CONTENT_TYPE;
use mainstem_wire::api::ProblemDocument;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Description, RefOr, Schema, SecurityRequirement};
use utoipa::{Modify, OpenApi};

use crate::problem::Problem;
use crate::{
    adapter_log, adapters, alarms, aliases, bus, changes, connector, datapoints, dial_up, doctor,
    events, explain, flowsync, link, link_hold, loggers, mappings, modbus_servers, node,
    opcua_server, probes, readers, remote_loggers, remotes, samples, support, tokens, topology,
    uplinks, variables, writes,
};

const SCHEME: &str = "token";
/// Bodies whose unknown members are skipped: a newer client or neighbour may say more. The others
/// deny them.
const TOLERANT: [&str; 11] = [
    "BatchItemDocument",
    "BatchWriteDocument",
    "Beat",
    "EventReplyDocument",
    "LinkDoctor",
    "LinkHold",
    "LinkWrite",
    "LogWants",
    "LogWatch",
    "SetVariableDocument",
    "WriteRequestDocument",
];
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
    writes::batch, writes::show, events::list, events::raise, events::reply, explain::ask, explain::pass_on, doctor::show, doctor::examine, topology::show, changes::read, samples::provide, adapters::list, readers::list, changes::compare,
        adapter_log::show, adapter_log::follow, connector::open, connector::say,
        adapters::show, adapters::pause, adapters::resume, adapters::trace, remotes::list, remotes::show,
    remotes::pause, remotes::resume, remotes::resync, aliases::list, alarms::list, alarms::acknowledge, tokens::list, tokens::create, tokens::revoke, link::beat, link::write, probes::alive, probes::ready, probes::metrics, variables::list, variables::show, variables::put, variables::remove, dial_up::open, support::show, support::open, support::close, support::outward, support::described, uplinks::list, mappings::list, flowsync::transactions, link_hold::hold, flowsync::nodes, loggers::list, loggers::show, loggers::samples, loggers::rollups, bus::show, bus::publish, bus::messages, modbus_servers::list, opcua_server::show, opcua_server::certificates, opcua_server::trust, opcua_server::reject, remote_loggers::list, loggers::link::watch, loggers::link::rows, loggers::gaps::list, loggers::verify::post, loggers::verify::sums, loggers::import::post, loggers::edits::list, loggers::edits::post, loggers::grid,
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
        components.responses.extend(answers::shared());
        for name in TOLERANT {
            if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
            }
        }
        forms::announce_members(components);
        for (path, item) in &mut description.paths.paths {
            let operations = [
                (Method::GET, &mut item.get),
                (Method::PUT, &mut item.put),
                (Method::POST, &mut item.post),
                (Method::DELETE, &mut item.delete),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                operation.operation_id = Some(id(path, &method, operation));
                forms::announce(path, operation);
                if !OPEN.contains(&path.as_str()) {
                    guard(operation);
                    answers::complete(path, &method, operation);
                }
            }
        }
    }
}

/// One word for each operation: the file and the function.
fn id(path: &str, method: &Method, operation: &Operation) -> String {
    let function = operation.operation_id.clone().unwrap_or_default();
    let resource = path.trim_start_matches("/api/v1/").trim_start_matches('/');
    let resource = resource.split('/').next().unwrap_or_default();
    if path.ends_with("{path}") {
        // One function for all methods.
        return format!("{resource}_{function}_{}", method.as_str().to_lowercase());
    }
    format!("{resource}_{function}")
}

fn guard(operation: &mut Operation) {
    let scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, scopes)]);
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

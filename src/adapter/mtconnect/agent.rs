//! The kind `mtconnect`: an agent, which serves what machine tools say as XML over HTTP.

mod client;
mod config;
mod document;
mod explore;
mod multipart;
mod place;
mod session;
mod stream;

use mainstem_adapter::{
    Adapter, AdapterIo, AdapterSpec, BoxFuture, Built, ConnectionStrategy, EndpointSpec, Kind,
    Problem, SessionEnd, fields,
};
use serde_json::json;

use crate::binding::{self, Binding, Bindings};
use config::{ConnectionConfig, EndpointConfig};
use session::Reached;

/// The adapter kind `mtconnect`.
pub const KIND: Kind = Kind {
    name: "mtconnect",
    summary: "MTConnect agents over HTTP: every observation in its order, gaps told. Read only.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&explore::AgentExplore),
};

/// One configured connection.
struct AgentAdapter {
    config: ConnectionConfig,
    home: std::path::PathBuf,
    bindings: Bindings,
    /// How far the agent's observations were read; kept over sessions, so that what it has kept
    /// meanwhile is read afterwards.
    reached: Option<Reached>,
}

impl Adapter for AgentAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        let Self {
            config,
            home,
            bindings,
            reached,
        } = self;
        Box::pin(session::serve(config, home, bindings, reached, io))
    }
}

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let config = connection(&spec.connection);
    let config = config.map_err(|found| problems.extend(found)).ok();
    let mut bindings = Vec::with_capacity(spec.endpoints.len());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match bind(&format!("/endpoints/{index}"), endpoint) {
            Ok(binding) => bindings.push(binding),
            Err(found) => problems.extend(found),
        }
    }
    let (Some(config), true) = (config, problems.is_empty()) else {
        return Err(problems);
    };
    let points = binding::points(&spec.endpoints, &bindings);
    Ok(Built {
        adapter: Box::new(AgentAdapter {
            config,
            home: spec.home.clone(),
            bindings: Bindings::new(bindings),
            reached: None,
        }),
        points,
        devices: Vec::new(),
    })
}

fn connection(given: &serde_json::Value) -> Result<ConnectionConfig, Vec<Problem>> {
    let smallest = json!({ "host": "localhost" });
    let config: ConnectionConfig = fields::read(given, "/connection", &smallest, "MTConnect")?;
    let strategy = config.connection_strategy.as_ref();
    let mut problems = strategy.map_or_else(Vec::new, ConnectionStrategy::problems);
    if let Some((key, expected)) = config.tls.as_ref().and_then(|tls| tls.problem()) {
        let pointer = format!("/connection/tls/{key}");
        problems.push(Problem::new(
            pointer,
            "this is not enough for TLS",
            expected,
        ));
    }
    if let Err(message) = place::Place::new(&config) {
        problems.push(Problem::new(
            "/connection/host",
            message,
            "a name or an IP address",
        ));
    }
    match problems.is_empty() {
        true => Ok(config),
        false => Err(problems),
    }
}

fn bind(pointer: &str, spec: &EndpointSpec) -> Result<Binding, Vec<Problem>> {
    let place = format!("{pointer}/operation");
    let smallest = json!({ "key": "x" });
    let config: EndpointConfig = fields::read(&spec.operation, &place, &smallest, "MTConnect")?;
    let problem = binding::is_read_only(pointer, spec);
    let data_type = config.data_type.unwrap_or_else(|| binding::usual(spec));
    match problem {
        Some(problem) => Err(vec![problem]),
        None => Ok(Binding {
            key: config.key,
            data_type,
        }),
    }
}

#[cfg(test)]
mod tests;

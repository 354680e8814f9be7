//! The kind `shdr`: an adapter of a machine tool, which speaks lines of text.

mod config;
mod explore;
mod lines;
mod said;
mod session;
mod taking;

use mainstem_adapter::{
    Adapter, AdapterIo, AdapterSpec, BoxFuture, Built, ConnectionStrategy, EndpointSpec, Kind,
    Problem, SessionEnd, fields,
};
use serde_json::json;

use crate::binding::{self, Binding, Bindings};
use crate::shape::DataType;
use config::{ConnectionConfig, EndpointConfig};

/// The key of an endpoint that is told every line as it came. No data item has it.
const EVERY_LINE: &str = "|";

/// The adapter kind `shdr`.
pub const KIND: Kind = Kind {
    name: "shdr",
    summary: "MTConnect adapters of machine tools by their line protocol, SHDR: read only.",
    sample: include_str!("shdr/sample.yaml"),
    connection_schema: || schemars::schema_for!(ConnectionConfig).to_value(),
    endpoint_schema: || schemars::schema_for!(EndpointConfig).to_value(),
    build,
    explore: Some(&explore::ShdrExplore),
};

/// One configured connection.
struct ShdrAdapter {
    config: ConnectionConfig,
    bindings: Bindings,
}

impl Adapter for ShdrAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(session::serve(&self.config, &mut self.bindings, io))
    }
}

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let smallest = json!({ "host": "localhost" });
    let config: Result<ConnectionConfig, _> =
        fields::read(&spec.connection, "/connection", &smallest, "Shdr");
    let config = config.map_err(|found| problems.extend(found)).ok();
    let strategy = config
        .as_ref()
        .and_then(|config| config.connection_strategy.as_ref());
    problems.extend(strategy.map_or_else(Vec::new, ConnectionStrategy::problems));
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
    let bindings = Bindings::new(bindings);
    Ok(Built {
        adapter: Box::new(ShdrAdapter { config, bindings }),
        points,
        devices: Vec::new(),
    })
}

fn bind(pointer: &str, spec: &EndpointSpec) -> Result<Binding, Vec<Problem>> {
    let place = format!("{pointer}/operation");
    let config: EndpointConfig = fields::read(&spec.operation, &place, &json!({}), "Shdr")?;
    let mut problems: Vec<Problem> = binding::is_read_only(pointer, spec).into_iter().collect();
    let key = match (config.key, config.raw) {
        (Some(key), false) => key,
        (None, true) => EVERY_LINE.to_owned(),
        _ => {
            let expected = "`key`, the data item's, or `raw: true` for every line as it comes";
            problems.push(Problem::new(place, "it is not said what to read", expected));
            return Err(problems);
        }
    };
    let usual = || match config.raw {
        true => DataType::Event,
        false => binding::usual(spec),
    };
    let data_type = config.data_type.unwrap_or_else(usual);
    match problems.is_empty() {
        true => Ok(Binding { key, data_type }),
        false => Err(problems),
    }
}

#[cfg(test)]
mod tests;

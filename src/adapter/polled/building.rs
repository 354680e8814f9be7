//! Configuration to adapter, where an endpoint is one datapoint: every problem is collected, so
//! that a person sees all of them at once.

use mainstem_model::ValueType;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Adapter, AdapterSpec, Built, ConnectionStrategy, EndpointSpec, Point, Problem, fields,
};

/// The checked options of a connection. `smallest` and `protocol` are those of [`fields::read`];
/// `strategy` finds the back-off among the options.
pub fn connection<C: DeserializeOwned + JsonSchema>(
    spec: &AdapterSpec,
    smallest: &Value,
    protocol: &str,
    strategy: impl FnOnce(&C) -> Option<&ConnectionStrategy>,
) -> Result<C, Vec<Problem>> {
    let config: C = fields::read(&spec.connection, "/connection", smallest, protocol)?;
    let problems = strategy(&config).map_or_else(Vec::new, ConnectionStrategy::problems);
    match problems.is_empty() {
        true => Ok(config),
        false => Err(problems),
    }
}

/// Builds an adapter from its connection and what `bind` makes of each endpoint, which is told the
/// endpoint's place. `value_type` is what a binding yields where the endpoint does not say it.
pub fn build<C, B, A: Adapter + 'static>(
    spec: &AdapterSpec,
    connection: Result<C, Vec<Problem>>,
    bind: impl Fn(&str, &EndpointSpec) -> Result<B, Vec<Problem>>,
    value_type: impl Fn(&B) -> ValueType,
    adapter: impl FnOnce(C, Vec<B>) -> A,
) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = connection.map_err(|found| problems.extend(found)).ok();
    let mut bindings = Vec::with_capacity(spec.endpoints.len());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match bind(&format!("/endpoints/{index}"), endpoint) {
            Ok(binding) => bindings.push(binding),
            Err(found) => problems.extend(found),
        }
    }
    let (Some(connection), true) = (connection, problems.is_empty()) else {
        return Err(problems);
    };
    let points = spec.endpoints.iter().zip(&bindings).enumerate();
    let points = points.map(|(index, (endpoint, binding))| Point {
        name: endpoint.name.clone(),
        definition: endpoint.definition(value_type(binding)),
        endpoint: Some(index),
        device: None,
    });
    let points = points.collect();
    Ok(Built {
        adapter: Box::new(adapter(connection, bindings)),
        points,
        devices: Vec::new(),
    })
}

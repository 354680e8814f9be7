//! From the configuration to the adapter, with every problem on the way.

use mainstem_adapter::{AdapterSpec, Built, EndpointSpec, Point, Problem};
use mainstem_model::{Access, Scalar};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::session::SystemState;

/// The longest id of a resource, in bytes.
const ID_BYTES_MAX: usize = 512;

/// The content of `connection:`: there is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {}

/// The operation of an endpoint.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OperationConfig {
    /// `<service id>-<resource id>`, the resource id alone, or the service id for the whole.
    #[schemars(length(min = 1, max = 512))]
    pub resource_id: String,
}

/// Checks everything that can be known without the node, and makes the adapter.
pub(crate) fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let given = match &spec.connection {
        Value::Null => Value::Object(serde_json::Map::new()),
        given => given.clone(),
    };
    if let Err(error) = ConnectionConfig::deserialize(given) {
        let expected = "connection: {}";
        problems.push(Problem::new("/connection", error.to_string(), expected));
    }
    let (mut points, mut ids) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        ids.extend(resource_id(endpoint, index, &mut problems));
        points.push(Point {
            name: endpoint.name.clone(),
            definition: endpoint.definition(Scalar::Text),
            endpoint: Some(index),
            device: None,
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Built {
        adapter: Box::new(SystemState::new(ids)),
        points,
        devices: Vec::new(),
    })
}

fn resource_id(
    endpoint: &EndpointSpec,
    index: usize,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let pointer = format!("/endpoints/{index}/operation");
    let expected = "resourceId: <service id>-<resource id>";
    if endpoint.access != Access::Read {
        let message = "the state of a resource cannot be written";
        problems.push(Problem::new(&pointer, message, "subscribe or read"));
    }
    let mut given = endpoint.operation.clone();
    if let Some(fields) = given.as_object_mut() {
        // Nothing is polled: an interval changes nothing, and files of Connectware may have one.
        fields.remove("interval");
    }
    match OperationConfig::deserialize(given) {
        Ok(OperationConfig { resource_id }) if (1..=ID_BYTES_MAX).contains(&resource_id.len()) => {
            Some(resource_id)
        }
        Ok(_) => {
            let message = format!("an id has 1 to {ID_BYTES_MAX} bytes");
            let pointer = format!("{pointer}/resourceId");
            problems.push(Problem::new(pointer, message, expected));
            None
        }
        Err(error) => {
            problems.push(Problem::new(pointer, error.to_string(), expected));
            None
        }
    }
}

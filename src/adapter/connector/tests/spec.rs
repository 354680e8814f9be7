//! A connector that is a tank.

use std::path::Path;

use mainstem_adapter::{AdapterSpec, EndpointSpec};
use mainstem_model::Access;
use serde_json::{Value, json};

/// An endpoint whose address is a signal of the tank.
pub(crate) fn endpoint(name: &str, signal: &str, access: Access) -> EndpointSpec {
    EndpointSpec {
        name: name.into(),
        operation: json!({ "address": { "signal": signal } }),
        interval: None,
        access,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// A connector with the tank's two datapoints.
pub(crate) fn spec(connection: Value, home: &Path) -> AdapterSpec {
    AdapterSpec {
        name: "tank".into(),
        connection,
        endpoints: vec![
            endpoint("level", "level", Access::Read),
            endpoint("inflow", "inflow", Access::ReadWrite),
        ],
        folder: home.join("unused"),
        home: home.to_owned(),
    }
}

//! The kind's row in the registry, and how it turns configuration into an adapter.

use mainstem_adapter::{AdapterSpec, Built, Kind, Point, Problem, fields};
use schemars::schema_for;
use serde_json::json;

use crate::config::{Connection, Operation};
use crate::explore::KafkaExplore;
use crate::plan::{self, ClusterPlan, Plan};
use crate::session::Kafka;

/// The adapter kind `Kafka`.
pub const KIND: Kind = Kind {
    name: "Kafka",
    summary: "Apache Kafka and what speaks like it: topics to datapoints, writes to topics.",
    sample: include_str!("sample.yaml"),
    connection_schema: || schema_for!(Connection).to_value(),
    endpoint_schema: || schema_for!(Operation).to_value(),
    build,
    explore: Some(&KafkaExplore),
};

fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let smallest = json!({ "brokers": ["localhost:9092"] });
    let connection = fields::read(&spec.connection, "/connection", &smallest, "Kafka");
    let cluster = match connection {
        Ok(connection) => ClusterPlan::new(connection, spec, &mut problems),
        Err(wrong) => {
            problems.extend(wrong);
            None
        }
    };
    let (mut points, mut plans) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("/endpoints/{index}/operation");
        let mut given = endpoint.operation.clone();
        if let Some(fields) = given.as_object_mut() {
            // Nothing is polled here.
            fields.remove("interval");
        }
        let smallest = json!({ "topic": "t" });
        let plan = match fields::read::<Operation>(&given, &at, &smallest, "Kafka") {
            Ok(operation) => plan::point(operation, endpoint, &at, &mut problems),
            Err(wrong) => {
                problems.extend(wrong);
                continue;
            }
        };
        points.push(Point {
            name: endpoint.name.clone(),
            definition: endpoint.definition(plan.raw),
            endpoint: Some(index),
            device: None,
        });
        plans.push(plan);
    }
    plan::agree(&plans, &mut problems);
    match cluster {
        Some(cluster) if problems.is_empty() => Ok(Built {
            adapter: Box::new(Kafka::new(Plan::new(cluster, plans))),
            points,
            devices: Vec::new(),
        }),
        _ => Err(problems),
    }
}

//! The configuration against the schemas that the program brought.

use serde_json::Value;

use crate::order::PointSetup;
use crate::word::Schemas;

/// Problems that are told; who has more sees these first.
const PROBLEMS_MAX: usize = 10;

/// Everything that is wrong, as one text; none if all is well.
pub(crate) fn check(schemas: &Schemas, config: &Value, points: &[PointSetup]) -> Option<String> {
    let mut problems = Vec::new();
    if let Some(schema) = &schemas.config {
        one(schema, config, "config", &mut problems);
    }
    if let Some(schema) = &schemas.address {
        for point in points {
            one(
                schema,
                &point.address,
                &format!("{}: address", point.name),
                &mut problems,
            );
        }
    }
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn one(schema: &Value, instance: &Value, place: &str, problems: &mut Vec<String>) {
    match jsonschema::validator_for(schema) {
        // Masked: what stands there may be a secret.
        Ok(validator) => problems.extend(
            validator
                .iter_errors(instance)
                .map(|error| format!("{place}{}: {}", error.instance_path(), error.masked())),
        ),
        Err(error) => problems.push(format!("the program's own schema is wrong: {error}")),
    }
}

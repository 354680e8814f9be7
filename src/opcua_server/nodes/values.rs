//! Values of server nodes as the library hands them on.

use std::time::Duration;

use opcua::types::{DataValue, DateTime, StatusCode, Variant, VariantScalarTypeId};
use serde_json::value::RawValue;

/// JSON as it is handed over.
pub(super) fn raw(value: &serde_json::Value) -> Option<Box<RawValue>> {
    RawValue::from_string(value.to_string()).ok()
}

/// The built-in type of a value, or of its items.
pub(super) fn type_of(value: &Variant) -> Option<VariantScalarTypeId> {
    match value {
        Variant::Array(array) => Some(array.value_type),
        value => value.scalar_type_id(),
    }
}

/// A value that was told some time ago.
pub(super) fn aged(value: Variant, age: Duration) -> DataValue {
    let ticks = i64::try_from(age.as_nanos() / 100).unwrap_or_default();
    let now = DateTime::now();
    DataValue {
        source_timestamp: Some(DateTime::from(now.ticks() - ticks)),
        ..DataValue::new_now(value)
    }
}

/// No value, and why.
pub(super) fn failed(status: StatusCode) -> DataValue {
    DataValue {
        status: Some(status),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

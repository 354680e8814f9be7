//! The store's views as documents.

use mainstem_model::{Definition, Value};
use mainstem_store::PointView;
use mainstem_telemetry::ProblemState;
use mainstem_wire::api::{
    AlarmDocument, LimitsDocument, MetaDocument, PointDocument, QualityDocument,
};
use mainstem_wire::write_value;
use serde_json::value::RawValue;

/// A datapoint, with its definition where that was asked for.
pub(crate) fn point(view: PointView, meta: bool) -> PointDocument {
    let seen = view.value.is_some();
    PointDocument {
        asked_as: None,
        value: view.value.as_ref().and_then(raw),
        quality: QualityDocument {
            status: view.quality.status.as_str().to_owned(),
            reason: view.quality.reason.as_str().to_owned(),
            hop: view.hop,
            hop_id: view.hop_id.map(|id| id.to_string()),
            since: view.since,
        },
        source_time: seen.then_some(view.source_time),
        received_time: seen.then_some(view.received),
        age: view.age.as_secs_f64(),
        meta: meta.then(|| definition(&view.definition, view.owner)),
        name: view.name.as_str().to_owned(),
    }
}

pub(crate) fn definition(definition: &Definition, owner: String) -> MetaDocument {
    MetaDocument {
        value_type: definition.value_type.to_string(),
        unit: definition.unit.as_deref().map(str::to_owned),
        description: definition.description.as_deref().map(str::to_owned),
        access: definition.access.as_str().to_owned(),
        limits: definition.limits.map(|limits| LimitsDocument {
            min: limits.min,
            max: limits.max,
        }),
        owner,
    }
}

/// A value as its JSON text.
pub(crate) fn raw(value: &Value) -> Option<Box<RawValue>> {
    let mut bytes = Vec::new();
    write_value(value, &mut bytes);
    RawValue::from_string(String::from_utf8(bytes).ok()?).ok()
}

/// Appends a document. Those of this API always serialize, and a `Vec` takes every byte.
pub(crate) fn write<T: serde::Serialize + ?Sized>(document: &T, out: &mut Vec<u8>) {
    drop(serde_json::to_writer(out, document));
}

/// An alarm.
pub(crate) fn alarm(state: ProblemState) -> AlarmDocument {
    AlarmDocument {
        severity: state.problem.severity.as_str().to_owned(),
        id: state.problem.id,
        source: state.problem.source,
        text: state.problem.text,
        action: state.problem.action,
        active: state.active,
        acknowledged: state.acknowledged,
        since: state.since,
        cleared: state.cleared,
    }
}

//! Values as they are recorded.

use mainstem_model::Value;
use mainstem_wire::write_value;

use crate::Logged;

/// A value as it is recorded: numbers, truth values and texts as they are, the rest as its JSON.
pub(crate) fn logged(value: &Value) -> Logged {
    match value {
        Value::Bool(truth) => Logged::Bool(*truth),
        Value::Int(number) => Logged::Integer(*number),
        #[expect(
            clippy::cast_precision_loss,
            reason = "the store has no larger integers"
        )]
        Value::UInt(number) => {
            i64::try_from(*number).map_or(Logged::Number(*number as f64), Logged::Integer)
        }
        Value::F32(number) => Logged::Number(f64::from(*number)),
        Value::F64(number) => Logged::Number(*number),
        Value::Text(text) | Value::Json(text) => Logged::Text(text.clone()),
        Value::Time(time) => Logged::Text(time.to_string().into()),
        Value::Bytes(_) | Value::Array(_) => {
            let mut json = Vec::new();
            write_value(value, &mut json);
            Logged::Text(String::from_utf8_lossy(&json).into())
        }
    }
}

/// Whether values of a type are rolled up.
pub(crate) fn is_counted(value_type: mainstem_model::ValueType) -> bool {
    let scalar = value_type.scalar;
    !value_type.array && (scalar.is_numeric() || scalar == mainstem_model::Scalar::Bool)
}

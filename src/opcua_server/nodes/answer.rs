//! Arguments in the value of a message, and the value of an answer in output arguments.

use opcua::types::{StatusCode, Variant};
use serde_json::{Map, Value};

use super::{ArgumentSpec, Held, json, scalar};

/// Codes of OPC UA that say that something failed begin here.
const BAD: i64 = 0x8000_0000;

/// The value of the message: an object by the names of the arguments. The statuses say which
/// arguments are wrong, if any.
pub(super) fn message(
    specs: &[ArgumentSpec],
    given: &[Variant],
) -> Result<Value, (StatusCode, Vec<StatusCode>)> {
    if given.len() < specs.len() {
        return Err((StatusCode::BadArgumentsMissing, Vec::new()));
    }
    if given.len() > specs.len() {
        return Err((StatusCode::BadTooManyArguments, Vec::new()));
    }
    let (mut object, mut statuses) = (Map::new(), Vec::new());
    for (spec, value) in specs.iter().zip(given) {
        let told = fits(spec, value).then(|| json::told(value)).flatten();
        statuses.push(match told {
            Some(told) => {
                object.insert(spec.name.clone(), told);
                StatusCode::Good
            }
            None => StatusCode::BadTypeMismatch,
        });
    }
    if statuses.iter().any(|status| status.is_bad()) {
        return Err((StatusCode::BadInvalidArgument, statuses));
    }
    Ok(Value::Object(object))
}

fn fits(spec: &ArgumentSpec, value: &Variant) -> bool {
    let Some(wanted) = scalar(&spec.data_type) else {
        return false;
    };
    match value {
        Variant::Array(array) => spec.is_array && array.value_type == wanted,
        value => !spec.is_array && value.scalar_type_id() == Some(wanted),
    }
}

/// Output arguments from an answer: by name, by position, or the one that there is.
pub(super) fn outputs(specs: &[ArgumentSpec], answer: &Value) -> Result<Vec<Variant>, StatusCode> {
    let find = |(index, spec): (usize, &ArgumentSpec)| {
        let found = match answer {
            Value::Object(object) if object.contains_key(&spec.name) => object.get(&spec.name),
            // An array for one array is that argument itself.
            Value::Array(items) if !(specs.len() == 1 && spec.is_array) => items.get(index),
            Value::Object(_) if specs.len() > 1 => None,
            whole if specs.len() == 1 => Some(whole),
            _ => None,
        };
        let wanted = scalar(&spec.data_type);
        let value = wanted.and_then(|wanted| json::read(found?, wanted, spec.is_array));
        // The responder's fault, not the caller's.
        value.ok_or(StatusCode::BadDecodingError)
    };
    specs.iter().enumerate().map(find).collect()
}

/// The status of a held request that did not end with a value.
pub(super) fn status(held: &Held) -> StatusCode {
    match held {
        Held::Value(_) => StatusCode::Good,
        Held::Failed(code) => own(*code, StatusCode::BadInternalError),
        Held::TimedOut(code) => own(Some(*code), StatusCode::BadTimeout),
        Held::Busy => StatusCode::BadTooManyOperations,
        Held::Away => StatusCode::BadCommunicationError,
        Held::Stopping => StatusCode::BadShutdown,
    }
}

/// A code that is one of OPC UA is used as it is.
fn own(code: Option<i64>, otherwise: StatusCode) -> StatusCode {
    let code = code.filter(|code| *code >= BAD);
    let code = code.and_then(|code| u32::try_from(code).ok());
    code.map_or(otherwise, StatusCode::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(name: &str, data_type: &str) -> ArgumentSpec {
        ArgumentSpec {
            name: name.to_owned(),
            description: String::new(),
            data_type: data_type.to_owned(),
            is_array: false,
        }
    }

    #[test]
    fn arguments_stand_by_name_and_typed() {
        let specs = [spec("number", "Int32"), spec("total", "UInt64")];
        let given = [Variant::Int32(7), Variant::UInt64(u64::MAX)];
        let told = message(&specs, &given).unwrap();
        assert_eq!(told, json!({"number": 7, "total": "18446744073709551615"}));
        let wrong = message(&specs, &[Variant::from("7"), Variant::UInt64(1)]);
        let statuses = vec![StatusCode::BadTypeMismatch, StatusCode::Good];
        assert_eq!(wrong, Err((StatusCode::BadInvalidArgument, statuses)));
        let few = message(&specs, &given[..1]).unwrap_err().0;
        assert_eq!(few, StatusCode::BadArgumentsMissing);
    }

    #[test]
    fn an_answer_stands_by_name_by_position_or_alone() {
        let specs = [spec("ok", "Boolean"), spec("text", "String")];
        let wanted = Ok(vec![Variant::Boolean(true), Variant::from("a")]);
        assert_eq!(outputs(&specs, &json!({"text": "a", "ok": true})), wanted);
        assert_eq!(outputs(&specs, &json!([true, "a"])), wanted);
        let missing = outputs(&specs, &json!({"ok": true}));
        assert_eq!(missing, Err(StatusCode::BadDecodingError));
        let alone = outputs(&specs[..1], &json!(false));
        assert_eq!(alone, Ok(vec![Variant::Boolean(false)]));
        assert_eq!(outputs(&[], &json!({"anything": 1})), Ok(Vec::new()));
    }

    #[test]
    fn codes_of_opc_ua_are_used_as_they_are() {
        let refused = i64::from(StatusCode::BadUserAccessDenied.bits());
        let denied = status(&Held::Failed(Some(refused)));
        assert_eq!(denied, StatusCode::BadUserAccessDenied);
        assert_eq!(
            status(&Held::Failed(Some(500))),
            StatusCode::BadInternalError
        );
        assert_eq!(status(&Held::Failed(None)), StatusCode::BadInternalError);
        assert_eq!(status(&Held::TimedOut(500)), StatusCode::BadTimeout);
        assert_eq!(status(&Held::TimedOut(i64::MAX)), StatusCode::BadTimeout);
    }
}

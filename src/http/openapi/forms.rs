//! The forms that texts in addresses keep. A parameter of one name has one form in all routes.

use mainstem_model::limits::{NAME_BYTES_MAX, SEGMENTS_MAX, VARIABLE_SEGMENTS_MIN};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Components, Object, RefOr, Schema};

use crate::support::ORIGINATORS_MAX;

const DURATION: &str = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?(ms|s|min|h)$";
const DEADBAND: &str = r"^[0-9]{1,9}(\.[0-9]{1,9})?%?$";
const STATE: &str = "^(accepted|forwarded|applied|rejected|expired|unknown)$";
/// Ends are no blanks: those of a header do not belong to it.
const KEY: &str = "^[!-~]([ -~]{0,126}[!-~])?$";
/// A character of a name.
const LETTER: &str = r#"[^.*?\[\]{}!,;"\\\s\x00-\x1f\x7f-\x9f]"#;
/// Who asks through a link, 256 characters each; ends are no blanks here either. A node reads UTF-8
/// beyond ASCII, too, which a header's schema cannot tell apart from other bytes.
const ORIGINATOR: &str = r"[!-+\--~]([ -+\--~]{0,254}[!-+\--~])?";
/// Datapoints are named in the addresses that begin so.
const DATAPOINTS: &str = "/api/v1/datapoints/";
/// Variables likewise; their names have an object and an attribute at least.
const VARIABLES: &str = "/api/v1/variables/";
/// Members of bodies that are names.
const NAMES: [(&str, &str); 1] = [("EventRequestDocument", "kind")];

/// Says of each text of an operation what form it has.
pub(super) fn announce(path: &str, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        let form = form(path, parameter);
        if let Some(text) = text(parameter)
            && let Some((pattern, longest)) = form
        {
            text.pattern = Some(pattern);
            text.max_length = longest;
        }
    }
}

/// Says the same of the members of bodies, whose other forms stand where they are declared.
pub(super) fn announce_members(components: &mut Components) {
    for (document, member) in NAMES {
        let Some(RefOr::T(Schema::Object(document))) = components.schemas.get_mut(document) else {
            continue;
        };
        if let Some(RefOr::T(Schema::Object(text))) = document.properties.get_mut(member) {
            text.pattern = Some(name(1));
            text.max_length = Some(NAME_BYTES_MAX);
        }
    }
}

/// A name of at least so many segments.
fn name(least: usize) -> String {
    let segment = format!("{LETTER}{{1,64}}");
    let (few, many) = (least - 1, SEGMENTS_MAX - 1);
    format!(r"^{segment}(\.{segment}){{{few},{many}}}$")
}

/// The pattern, and the length where the pattern does not tell it.
fn form(path: &str, parameter: &Parameter) -> Option<(String, Option<usize>)> {
    match parameter.name.as_str() {
        "wait" | "stale_after" | "min_interval" | "max_interval" => {
            Some((DURATION.to_owned(), None))
        }
        "deadband" => Some((DEADBAND.to_owned(), None)),
        "Idempotency-Key" => Some((KEY.to_owned(), None)),
        "mainstem-originators" => {
            let others = ORIGINATORS_MAX - 1;
            let pattern = format!("^{ORIGINATOR}(,{ORIGINATOR}){{0,{others}}}$");
            Some((pattern, None))
        }
        "after" => Some((name(1), Some(NAME_BYTES_MAX))),
        "name" if parameter.parameter_in == ParameterIn::Path && path.starts_with(DATAPOINTS) => {
            Some((name(1), Some(NAME_BYTES_MAX)))
        }
        "name" if parameter.parameter_in == ParameterIn::Path && path.starts_with(VARIABLES) => {
            Some((name(VARIABLE_SEGMENTS_MIN), Some(NAME_BYTES_MAX)))
        }
        "name" if parameter.parameter_in == ParameterIn::Query => {
            Some((name(1), Some(NAME_BYTES_MAX)))
        }
        "state" => Some((STATE.to_owned(), None)),
        // Something follows that makes it a name.
        "prefix" => {
            let pattern = format!(r"^({LETTER}{{1,64}}\.){{0,15}}{LETTER}{{0,63}}$");
            Some((pattern, Some(NAME_BYTES_MAX - 1)))
        }
        "glob" => {
            let one = r"!?[^.,!][^.,]*(\.[^.,]+){0,15}";
            Some((format!("^{one}(,{one}){{0,99}}$"), None))
        }
        _ => None,
    }
}

/// The schema of a parameter that is a text.
fn text(parameter: &mut Parameter) -> Option<&mut Object> {
    let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema else {
        return None;
    };
    let is_text = match &object.schema_type {
        SchemaType::Type(one) => *one == Type::String,
        SchemaType::Array(several) => several.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    is_text.then_some(object)
}

//! Single values of the built-in types, from bytes and from JSON (part 6, 5.2.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mainstem_model::{Timestamp, Value};
use opcua::types::{
    BinaryDecodable, ByteString, Context, DataValue, DateTime, DiagnosticInfo, EncodingResult,
    ExpandedNodeId, ExtensionObject, Guid, LocalizedText, NodeId, QualifiedName, StatusCode,
    UAString, Variant, VariantScalarTypeId as Type, XmlElement,
};
use serde_json::Value as Json;

use super::super::to_device::element;

/// Reads one.
pub(super) fn decode(
    wanted: Type,
    bytes: &mut &[u8],
    context: &Context<'_>,
) -> EncodingResult<Variant> {
    Ok(match wanted {
        Type::Boolean => Variant::Boolean(bool::decode(bytes, context)?),
        Type::SByte => Variant::SByte(i8::decode(bytes, context)?),
        Type::Byte => Variant::Byte(u8::decode(bytes, context)?),
        Type::Int16 => Variant::Int16(i16::decode(bytes, context)?),
        Type::UInt16 => Variant::UInt16(u16::decode(bytes, context)?),
        Type::Int32 => Variant::Int32(i32::decode(bytes, context)?),
        Type::UInt32 => Variant::UInt32(u32::decode(bytes, context)?),
        Type::Int64 => Variant::Int64(i64::decode(bytes, context)?),
        Type::UInt64 => Variant::UInt64(u64::decode(bytes, context)?),
        Type::Float => Variant::Float(f32::decode(bytes, context)?),
        Type::Double => Variant::Double(f64::decode(bytes, context)?),
        Type::String => Variant::String(UAString::decode(bytes, context)?),
        Type::DateTime => Variant::DateTime(Box::new(DateTime::decode(bytes, context)?)),
        Type::Guid => Variant::Guid(Box::new(Guid::decode(bytes, context)?)),
        Type::ByteString => Variant::ByteString(ByteString::decode(bytes, context)?),
        Type::XmlElement => Variant::XmlElement(XmlElement::decode(bytes, context)?),
        Type::NodeId => Variant::NodeId(Box::new(NodeId::decode(bytes, context)?)),
        Type::ExpandedNodeId => {
            Variant::ExpandedNodeId(Box::new(ExpandedNodeId::decode(bytes, context)?))
        }
        Type::StatusCode => Variant::StatusCode(StatusCode::decode(bytes, context)?),
        Type::QualifiedName => {
            Variant::QualifiedName(Box::new(QualifiedName::decode(bytes, context)?))
        }
        Type::LocalizedText => {
            Variant::LocalizedText(Box::new(LocalizedText::decode(bytes, context)?))
        }
        Type::ExtensionObject => Variant::ExtensionObject(ExtensionObject::decode(bytes, context)?),
        Type::DataValue => Variant::DataValue(Box::new(DataValue::decode(bytes, context)?)),
        Type::Variant => Variant::Variant(Box::new(Variant::decode(bytes, context)?)),
        Type::DiagnosticInfo => {
            Variant::DiagnosticInfo(Box::new(DiagnosticInfo::decode(bytes, context)?))
        }
    })
}

/// One from JSON, in the form in which it is read.
pub(super) fn from_json(json: &Json, wanted: Type) -> Result<Variant, String> {
    let mismatch = || format!("the node holds {wanted}, not {}", shown(json));
    let text = || json.as_str().ok_or_else(mismatch);
    Ok(match wanted {
        Type::String if json.is_null() => Variant::String(UAString::null()),
        Type::ByteString if json.is_null() => Variant::ByteString(ByteString::null()),
        // A text that holds JSON is no surprise, and neither is JSON in such a text.
        Type::String if !json.is_string() => Variant::String(json.to_string().into()),
        Type::ByteString => {
            let bytes = BASE64.decode(text()?).map_err(|_| mismatch())?;
            Variant::ByteString(bytes.into())
        }
        Type::DateTime => {
            let moment: Timestamp = text()?.parse().map_err(|_| mismatch())?;
            element(&Value::Time(moment), wanted)?
        }
        Type::NodeId => Variant::NodeId(Box::new(text()?.parse().map_err(|_| mismatch())?)),
        Type::ExpandedNodeId => {
            Variant::ExpandedNodeId(Box::new(text()?.parse().map_err(|_| mismatch())?))
        }
        Type::QualifiedName => Variant::QualifiedName(Box::new(qualified(text()?))),
        Type::XmlElement => Variant::XmlElement(XmlElement::from(text()?)),
        Type::StatusCode => {
            let code = json.as_u64().and_then(|code| u32::try_from(code).ok());
            Variant::StatusCode(StatusCode::from(code.ok_or_else(mismatch)?))
        }
        Type::LocalizedText => localized(json).ok_or_else(mismatch)?,
        Type::Float | Type::Double => {
            let number = float(json).ok_or_else(mismatch)?;
            element(&number, wanted)?
        }
        Type::Variant => Variant::Variant(Box::new(natural(json)?)),
        Type::ExtensionObject | Type::DataValue | Type::DiagnosticInfo => return Err(mismatch()),
        _ => element(&scalar(json).ok_or_else(mismatch)?, wanted)?,
    })
}

/// Numbers that JSON has no form for are words.
fn float(json: &Json) -> Option<Value> {
    match json.as_str() {
        Some("NaN") => Some(Value::F64(f64::NAN)),
        Some("Infinity") => Some(Value::F64(f64::INFINITY)),
        Some("-Infinity") => Some(Value::F64(f64::NEG_INFINITY)),
        Some(_) => None,
        None => scalar(json),
    }
}

fn scalar(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::text(text),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::F64(number.as_f64()?),
        },
        _ => return None,
    })
}

fn localized(json: &Json) -> Option<Variant> {
    let part = |name: &str| json.get(name).and_then(Json::as_str);
    let text = match json {
        Json::String(text) => LocalizedText::from(text.as_str()),
        Json::Object(_) => LocalizedText::new(part("locale").unwrap_or_default(), part("text")?),
        _ => return None,
    };
    Some(Variant::LocalizedText(Box::new(text)))
}

/// `2:Name`, or a name in namespace 0.
pub(crate) fn qualified(text: &str) -> QualifiedName {
    match text.split_once(':') {
        Some((index, name)) if !index.is_empty() => match index.parse() {
            Ok(index) => QualifiedName::new(index, name),
            Err(_) => QualifiedName::new(0, text),
        },
        _ => QualifiedName::new(0, text),
    }
}

// A place for any value takes JSON's own types.
fn natural(json: &Json) -> Result<Variant, String> {
    match scalar(json) {
        Some(value) => element(&value, Type::Variant),
        None if json.is_null() => Ok(Variant::Empty),
        None => Err(format!(
            "a place for any value takes single ones, not {}",
            shown(json)
        )),
    }
}

/// For messages.
pub(super) fn shown(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

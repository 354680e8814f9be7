//! The values of a statement's parameters.

use std::collections::BTreeMap;

use mainstem_adapter::to_json_value;
use mainstem_model::Value;
use serde_json::{Map, Value as Json};

use crate::statement::Statement;

/// The parameter that a value is which has no members.
const WHOLE: &str = "value";

/// A value for a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Param {
    pub(crate) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Int(number),
                (None, Some(number)) => Self::UInt(number),
                (None, None) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(_) | Json::Object(_) => Self::Text(json.to_string()),
        }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::F32(number) => Self::Float(f64::from(*number)),
            Value::F64(number) => Self::Float(*number),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            other => Self::of_json(&to_json_value(other)),
        }
    }

    /// As text, for servers that are given texts.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) => number.to_string(),
            Self::UInt(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                format!("\\x{}", digits.collect::<String>())
            }
        })
    }
}

/// What can be said by name: a written value, or what a question brings.
pub(crate) struct Said {
    members: Map<String, Json>,
    whole: Option<Param>,
}

impl Said {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            members: Map::new(),
            whole: None,
        }
    }

    /// By the members of an object.
    pub(crate) fn members(members: Map<String, Json>) -> Self {
        Self {
            members,
            whole: None,
        }
    }

    /// A written value: an object says its members, and everything is `@value` as a whole.
    pub(crate) fn written(value: &Value) -> Self {
        let members = match value {
            Value::Json(text) => match serde_json::from_str(text) {
                Ok(Json::Object(members)) => members,
                _ => Map::new(),
            },
            _ => Map::new(),
        };
        Self {
            members,
            whole: Some(Param::of_value(value)),
        }
    }

    fn get(&self, name: &str) -> Option<Param> {
        let member = self.members.get(name).map(Param::of_json);
        member.or_else(|| self.whole.clone().filter(|_| name == WHOLE))
    }
}

/// The values of a statement in the order in which its server wants them; the name of the first
/// that nobody said. What is fixed cannot be said otherwise.
pub(crate) fn fill(
    statement: &Statement,
    fixed: &BTreeMap<String, Param>,
    said: &Said,
) -> Result<Vec<Param>, String> {
    let value = |name: &String| {
        let found = fixed.get(name).cloned().or_else(|| said.get(name));
        found.ok_or_else(|| name.clone())
    };
    let values = statement.names.iter().map(value);
    let values = values.collect::<Result<Vec<_>, _>>()?;
    Ok(statement
        .order
        .iter()
        .map(|&at| values[at].clone())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Driver;

    #[test]
    fn members_are_taken_by_name_and_fixed_ones_stay() {
        let statement = Statement::new("f(@a, @line, @a, @value)", Driver::Mariadb).unwrap();
        let fixed = BTreeMap::from([("line".to_owned(), Param::Int(4))]);
        let value = Value::Json(r#"{"a":"x'; DROP TABLE t; --","line":9}"#.into());
        let Value::Json(text) = &value else {
            unreachable!()
        };
        let evil = Param::Text("x'; DROP TABLE t; --".into());
        let filled = fill(&statement, &fixed, &Said::written(&value)).unwrap();
        let whole = Param::Text(serde_json::from_str::<Json>(text).unwrap().to_string());
        assert_eq!(filled, [evil.clone(), Param::Int(4), evil, whole]);
        let missing = fill(&statement, &fixed, &Said::written(&Value::F64(0.5)));
        assert_eq!(missing, Err("a".into()));
    }

    #[test]
    fn bytes_and_numbers_have_a_text() {
        assert_eq!(Param::Bytes(vec![0, 255]).text().unwrap(), "\\x00ff");
        assert_eq!(Param::Float(5.0).text().unwrap(), "5");
        assert_eq!(Param::Null.text(), None);
    }
}

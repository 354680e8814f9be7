//! From a written value to a line. Pure.

use std::collections::BTreeMap;

use mainstem_model::{Timestamp, Value};
use serde_json::{Map, Value as Json};

use crate::config::{Precision, Version};
use crate::line::{self, Field, NoLine};

/// Tags of one written value.
const TAGS_MAX: usize = 64;
/// Fields of one written value.
const FIELDS_MAX: usize = 1024;

/// What an endpoint writes.
#[derive(Clone, Debug)]
pub(crate) struct WritePlan {
    pub(crate) measurement: String,
    pub(crate) field: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Why a written value is no point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error(transparent)]
    Line(#[from] NoLine),
    #[error("`{0}` is no {1}")]
    Member(String, &'static str),
    #[error("there are more than {TAGS_MAX} tags or {FIELDS_MAX} fields")]
    TooMany,
}

impl WritePlan {
    /// The line of a value. An object says its fields, or `fields`, `tags` and `timestamp`; any
    /// other value is the one field.
    pub(crate) fn line(
        &self,
        value: &Value,
        now: Timestamp,
        version: Version,
        precision: Precision,
    ) -> Result<String, Unwritable> {
        let object = match value {
            Value::Json(text) => match serde_json::from_str(text) {
                Ok(Json::Object(members)) => Some(members),
                _ => None,
            },
            _ => None,
        };
        let tags = |more: &BTreeMap<String, String>| {
            let mut all = more.clone();
            // What is fixed in the node file stays, whoever writes.
            all.extend(self.tags.clone());
            all
        };
        let Some(members) = object else {
            let field = Field::of(value, version)?;
            let fields = [(self.field.as_str(), field)];
            return self.made(&tags(&BTreeMap::new()), &fields, now, precision);
        };
        let (said, given, time) = split(&members)?;
        let members = said.unwrap_or(&members);
        if members.len() > FIELDS_MAX || given.len() > TAGS_MAX {
            return Err(Unwritable::TooMany);
        }
        let mut fields = Vec::with_capacity(members.len());
        for (key, member) in members.iter().filter(|(_, member)| !member.is_null()) {
            fields.push((key.as_str(), field(key, member)?));
        }
        self.made(&tags(&given), &fields, time.unwrap_or(now), precision)
    }

    fn made(
        &self,
        tags: &BTreeMap<String, String>,
        fields: &[(&str, Field)],
        time: Timestamp,
        precision: Precision,
    ) -> Result<String, Unwritable> {
        let tags = tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(line::line(
            &self.measurement,
            tags,
            fields,
            time,
            precision,
        )?)
    }
}

type Split<'m> = (
    Option<&'m Map<String, Json>>,
    BTreeMap<String, String>,
    Option<Timestamp>,
);

/// `fields`, `tags` and `timestamp`, where there are `fields`.
fn split(members: &Map<String, Json>) -> Result<Split<'_>, Unwritable> {
    let Some(Json::Object(fields)) = members.get("fields") else {
        return Ok((None, BTreeMap::new(), None));
    };
    let mut tags = BTreeMap::new();
    match members.get("tags") {
        None | Some(Json::Null) => {}
        Some(Json::Object(given)) => {
            for (key, value) in given {
                let text = match value {
                    Json::String(text) => text.clone(),
                    Json::Number(number) => number.to_string(),
                    Json::Bool(flag) => flag.to_string(),
                    _ => return Err(Unwritable::Member(key.clone(), "tag")),
                };
                tags.insert(key.clone(), text);
            }
        }
        Some(_) => return Err(Unwritable::Member("tags".into(), "object")),
    }
    let time = match members.get("timestamp") {
        None | Some(Json::Null) => None,
        Some(said) => Some(moment(said).ok_or_else(|| {
            Unwritable::Member("timestamp".into(), "time: milliseconds, or RFC 3339")
        })?),
    };
    Ok((Some(fields), tags, time))
}

fn moment(said: &Json) -> Option<Timestamp> {
    match said {
        Json::Number(millis) => Some(Timestamp::from_micros(millis.as_i64()?.checked_mul(1000)?)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// All numbers of JSON are floats, whole ones too: 5 and 5.0 would be of two types there.
fn field(key: &str, member: &Json) -> Result<Field, Unwritable> {
    Ok(match member {
        Json::Bool(flag) => Field::boolean(*flag),
        Json::Number(number) => Field::number(number.as_f64().unwrap_or(f64::NAN))?,
        Json::String(text) => Field::text(text),
        _ => return Err(Unwritable::Member(key.into(), "single value")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: &Value) -> Result<String, Unwritable> {
        let plan = WritePlan {
            measurement: "m".into(),
            field: "value".into(),
            tags: BTreeMap::from([("line".to_owned(), "4".to_owned())]),
        };
        let now = Timestamp::from_micros(7);
        plan.line(value, now, Version::Two, Precision::Us)
    }

    fn json(value: &Json) -> Result<String, Unwritable> {
        written(&Value::Json(value.to_string().into()))
    }

    #[test]
    fn single_values_and_objects_become_points() {
        assert_eq!(written(&Value::Int(5)).unwrap(), "m,line=4 value=5i 7");
        let fields = json!({"a": 5, "b": "x", "c": null});
        assert_eq!(json(&fields).unwrap(), "m,line=4 a=5.0,b=\"x\" 7");
        let whole = json!({
            "fields": {"a": true}, "tags": {"line": "9", "part": 3}, "timestamp": 2,
        });
        assert_eq!(json(&whole).unwrap(), "m,line=4,part=3 a=true 2000");
    }

    #[test]
    fn what_is_no_point_is_refused() {
        for wrong in [
            json!({}),
            json!({"a": [1]}),
            json!({"a": {"b": 1}}),
            json!({"fields": {"a": 1}, "tags": {"x": []}}),
            json!({"fields": {"a": 1}, "tags": {"x": "a\nb"}}),
            json!({"fields": {"a": 1}, "timestamp": "soon"}),
        ] {
            assert!(json(&wrong).is_err(), "{wrong}");
        }
        assert!(written(&Value::F64(f64::INFINITY)).is_err());
    }
}

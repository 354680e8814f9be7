//! Conditions: which faults and warnings of a data item are active. Pure.

use mainstem_model::Value;
use serde_json::{Value as Json, json};

use crate::shape::DataType;

/// Faults and warnings of one data item that may be active at the same time; what comes beyond
/// pushes the oldest out.
const ACTIVE_MAX: usize = 64;
/// Characters kept of each text.
const TEXT_CHARS_MAX: usize = 512;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Normal,
    Warning,
    Fault,
    /// Nobody can tell.
    Unavailable,
}

impl Level {
    /// The level of a word.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rows = [
            ("normal", Self::Normal),
            ("warning", Self::Warning),
            ("fault", Self::Fault),
            ("unavailable", Self::Unavailable),
        ];
        let text = text.trim();
        let found = rows
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, level)| *level)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Fault => "fault",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What is told about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    pub(crate) level: Level,
    pub(crate) code: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) qualifier: &'a str,
    pub(crate) text: &'a str,
}

/// What is active of one data item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    active: Vec<Active>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Active {
    level: Level,
    code: String,
    severity: String,
    qualifier: String,
    text: String,
}

impl Conditions {
    /// Nothing is active any more.
    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// Takes what is told. `false` where nobody can tell.
    pub(crate) fn take(&mut self, told: &Told<'_>) -> bool {
        let is_same = |active: &Active| active.code == kept(told.code);
        match told.level {
            Level::Unavailable => self.active.clear(),
            // Without a code everything is well again.
            Level::Normal if told.code.is_empty() => self.active.clear(),
            Level::Normal => self.active.retain(|active| !is_same(active)),
            Level::Warning | Level::Fault => {
                self.active.retain(|active| !is_same(active));
                if self.active.len() == ACTIVE_MAX {
                    self.active.remove(0);
                }
                self.active.push(Active {
                    level: told.level,
                    code: kept(told.code),
                    severity: kept(told.severity),
                    qualifier: kept(told.qualifier),
                    text: kept(told.text),
                });
            }
        }
        told.level != Level::Unavailable
    }

    /// As a datapoint holds it.
    pub(crate) fn value(&self, data_type: DataType) -> Value {
        let worst = self.active.iter().map(|active| active.level).max();
        let worst = worst.unwrap_or(Level::Normal).word();
        if data_type == DataType::Level {
            return Value::text(worst);
        }
        let active: Vec<Json> = self.active.iter().map(Active::json).collect();
        Value::Json(
            json!({ "level": worst, "active": active })
                .to_string()
                .into(),
        )
    }
}

impl Active {
    fn json(&self) -> Json {
        let mut shown = json!({ "level": self.level.word(), "code": self.code });
        let more = [
            ("severity", &self.severity),
            ("qualifier", &self.qualifier),
            ("text", &self.text),
        ];
        for (key, text) in more {
            if !text.is_empty() {
                shown[key] = json!(text);
            }
        }
        shown
    }
}

fn kept(text: &str) -> String {
    text.trim().chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'a>(level: Level, code: &'a str) -> Told<'a> {
        Told {
            level,
            code,
            severity: "1",
            qualifier: "",
            text: "hot",
        }
    }

    #[test]
    fn faults_come_and_go_by_their_codes() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.value(DataType::Level), Value::text("normal"));
        assert!(conditions.take(&told(Level::Warning, "a")));
        assert!(conditions.take(&told(Level::Fault, "b")));
        assert_eq!(conditions.value(DataType::Level), Value::text("fault"));
        conditions.take(&told(Level::Normal, "b"));
        let wanted = json!({ "level": "warning", "active": [
            { "level": "warning", "code": "a", "severity": "1", "text": "hot" },
        ] });
        assert_eq!(
            conditions.value(DataType::Condition),
            Value::Json(wanted.to_string().into())
        );
        conditions.take(&told(Level::Normal, ""));
        assert_eq!(conditions, Conditions::default());
        conditions.take(&told(Level::Fault, "a"));
        assert!(!conditions.take(&told(Level::Unavailable, "")));
        assert_eq!(conditions, Conditions::default());
    }

    #[test]
    fn a_machine_with_a_thousand_faults_shows_the_newest() {
        let mut conditions = Conditions::default();
        for code in 0..1000 {
            conditions.take(&told(Level::Fault, &code.to_string()));
        }
        assert_eq!(conditions.active.len(), ACTIVE_MAX);
        assert_eq!(conditions.active.last().unwrap().code, "999");
    }

    #[test]
    fn words_are_levels() {
        assert_eq!(Level::parse(" FAULT "), Some(Level::Fault));
        assert_eq!(Level::parse("Unavailable"), Some(Level::Unavailable));
        assert_eq!(Level::parse("3.5"), None);
    }
}

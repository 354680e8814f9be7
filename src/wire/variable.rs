//! A GUI variable as a line between nodes tells it: by name, since there are few of them.

use std::sync::Arc;

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The feature of a node that has variables and takes writes to them.
pub const FEATURE_VARIABLES: &str = "variables";

/// A variable as it is now, or that it is no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariableFrame {
    /// Its name at the speaker.
    pub name: Arc<str>,
    /// Its text; nothing where it was removed.
    #[serde(default)]
    pub value: Option<Arc<str>>,
    /// The number of its source at the speaker. Absent where it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u32>,
    /// When it was set or removed, by the clock of the node that it is from.
    #[serde(default)]
    pub time: Timestamp,
    /// The number of that in the feed of the node that it is from; 0 where that is not known.
    #[serde(default)]
    pub origin: u64,
    /// The counter of that node's epoch then.
    #[serde(default)]
    pub epoch: u32,
    /// Its effective quality as one number, with `expand=true` only; 0 is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u16>,
}

#[cfg(test)]
mod tests {
    use crate::{FrameWriter, VariableFrame, decode_line};

    #[test]
    fn variables_come_back() {
        let set = VariableFrame {
            name: "status.text".into(),
            value: Some("Grüße \u{1}\"\n".into()),
            source: Some(3),
            time: mainstem_model::Timestamp::from_micros(-7),
            origin: u64::MAX,
            epoch: 4,
            quality: None,
        };
        let removed = VariableFrame {
            name: "status.color".into(),
            value: None,
            source: None,
            ..set.clone()
        };
        let frames = [set, removed];
        let mut writer = FrameWriter::default();
        writer.variables(&frames, true);
        let line = decode_line(&writer.buffer[..writer.buffer.len() - 1]).unwrap();
        assert_eq!((line.c, line.r.0.len()), (1, 0));
        assert_eq!(line.variable, frames);
    }

    #[test]
    fn what_is_no_variable_is_an_error_and_what_is_new_is_skipped() {
        for bad in [
            r#"{"variable":[{"value":"x"}]}"#,
            r#"{"variable":[{"name":"a.b","value":7}]}"#,
            r#"{"variable":[{"name":"a.b","value":"x","origin":-1}]}"#,
            r#"{"variable":{"name":"a.b"}}"#,
        ] {
            assert!(decode_line(bad.as_bytes()).is_err(), "{bad}");
        }
        let newer = r#"{"variable":[{"name":"a.b","value":"x","scope":["s"]}]}"#;
        assert_eq!(decode_line(newer.as_bytes()).unwrap().variable.len(), 1);
    }
}

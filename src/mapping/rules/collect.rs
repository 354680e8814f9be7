//! `collect`: the last payload of each label, all at once.

use std::collections::BTreeMap;

use jsonata_core::value::JValue;

use super::Fault;
use super::message::{object_of, write_json};
use crate::limits::{COLLECT_BYTES_MAX, LABELS_MAX};

/// The last payloads, with their sizes as text.
#[derive(Debug, Default)]
pub(super) struct Collect {
    kept: BTreeMap<String, (usize, JValue)>,
    bytes: usize,
}

impl Collect {
    /// Takes a payload in, and gives all of them.
    pub(super) fn take(&mut self, label: &str, value: &JValue) -> Result<JValue, Fault> {
        let size = label.len() + write_json("collect", value)?.len();
        let before = self.kept.get(label).map_or(0, |(size, _)| *size);
        let full = self.kept.len() >= LABELS_MAX && before == 0;
        let bytes = self.bytes - before + size;
        if full || bytes > COLLECT_BYTES_MAX {
            return Err(Fault::Rule {
                rule: "collect",
                cause: format!(
                    "it keeps at most {LABELS_MAX} labels and {COLLECT_BYTES_MAX} bytes; a label \
                     that is the same for several topics keeps fewer"
                ),
            });
        }
        self.bytes = bytes;
        self.kept.insert(label.to_owned(), (size, value.clone()));
        let all = self.kept.iter();
        Ok(object_of(
            all.map(|(label, (_, value))| (label.clone(), value.clone())),
        ))
    }
}

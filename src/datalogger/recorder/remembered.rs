//! What was recorded, written beside the store: so a series whose logger left the node file is still
//! known, with the datapoint that says who may read it.

use std::path::Path;

use mainstem_journal::{CHECKED_BYTES_MAX, Checked, read_checked, write_checked};
use mainstem_model::Name;
use serde::{Deserialize, Serialize};

use super::LoggerView;
use crate::SeriesId;
use crate::config::{LoggerKind, SampleMode};

/// The file's name.
pub(crate) const FILE: &str = "series";
/// Series that are remembered; what is more is known as long as its logger is.
pub(crate) const SERIES_MAX: usize = 100_000;

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) name: String,
    pub(crate) logger: String,
    datapoint: String,
    kind: String,
    samples: String,
    minutes: bool,
    #[serde(default)]
    modulus: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl From<&LoggerView> for Remembered {
    fn from(view: &LoggerView) -> Self {
        Self {
            name: view.name.to_string(),
            logger: view.logger.to_string(),
            datapoint: view.datapoint.to_string(),
            kind: view.kind.as_str().to_owned(),
            samples: view.samples.as_str().to_owned(),
            minutes: view.minutes,
            modulus: view.modulus,
            unit: view.unit.as_deref().map(str::to_owned),
            description: view.description.as_deref().map(str::to_owned),
        }
    }
}

impl Remembered {
    /// The series as it is shown; nothing if what stands there is no series.
    pub(crate) fn view(&self, series: SeriesId) -> Option<LoggerView> {
        Some(LoggerView {
            name: Name::new(&self.name).ok()?,
            logger: self.logger.as_str().into(),
            datapoint: Name::new(&self.datapoint).ok()?,
            kind: match self.kind.as_str() {
                "counter" => LoggerKind::Counter,
                _ => LoggerKind::Range,
            },
            samples: match self.samples.as_str() {
                "interval" => SampleMode::Interval,
                "every" => SampleMode::Every,
                _ => SampleMode::OnChange,
            },
            minutes: self.minutes,
            modulus: self.modulus,
            unit: self.unit.as_deref().map(Into::into),
            description: self.description.as_deref().map(Into::into),
            value_type: None,
            series,
            recording: false,
        })
    }
}

/// What is remembered; nothing where the file is missing or damaged.
pub(crate) fn read(path: &Path) -> Vec<Remembered> {
    match read_checked(path) {
        Ok(Checked::Intact(bytes)) => serde_json::from_slice(&bytes).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Remembers series, if they differ from what was written last.
pub(crate) fn write(path: &Path, views: &[LoggerView], last: &mut u32) {
    let series: Vec<Remembered> = views.iter().map(Remembered::from).collect();
    let Ok(bytes) = serde_json::to_vec(&series) else {
        return;
    };
    let checksum = crc32fast::hash(&bytes);
    if checksum == *last || bytes.len() as u64 > CHECKED_BYTES_MAX {
        return;
    }
    match write_checked(path, &bytes, 0o600) {
        Ok(()) => *last = checksum,
        Err(error) => tracing::warn!(%error, "the series of the data loggers were not noted"),
    }
}

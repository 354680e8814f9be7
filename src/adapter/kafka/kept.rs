//! The places behind what was taken, kept over restarts: consumer groups are the brokers' way to do
//! that, and this is ours. A place is written after its messages were handed over, so that none is
//! missed; what was taken since the last writing comes again after a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mainstem_adapter::{Checked, read_checked, write_checked};

const MODE: u32 = 0o600;

/// Places by topic and partition.
pub(crate) type Places = BTreeMap<String, BTreeMap<i32, i64>>;

/// The places of one connection.
pub(crate) struct Kept {
    path: PathBuf,
    places: Places,
    is_changed: bool,
}

impl Kept {
    /// Those of earlier sessions. A file that is damaged is put aside by who reads it, and counts
    /// as none.
    pub(crate) async fn read(path: PathBuf) -> Self {
        let place = path.clone();
        let read = tokio::task::spawn_blocking(move || read_checked(&place)).await;
        let places = match read {
            Ok(Ok(Checked::Intact(bytes))) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Ok(Ok(Checked::Absent)) => Places::default(),
            Ok(Ok(Checked::Broken { moved_to, reason })) => {
                let moved_to = moved_to.display();
                tracing::warn!(%moved_to, reason, "kept offsets are damaged; reading begins anew");
                Places::default()
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "kept offsets cannot be read; reading begins anew");
                Places::default()
            }
            Err(error) => {
                tracing::warn!(%error, "kept offsets were not read");
                Places::default()
            }
        };
        Self {
            path,
            places,
            is_changed: false,
        }
    }

    pub(crate) fn place(&self, topic: &str, partition: i32) -> Option<i64> {
        self.places.get(topic)?.get(&partition).copied()
    }

    /// Everything before this place was handed over.
    pub(crate) fn note(&mut self, topic: &str, partition: i32, place: i64) {
        let of_topic = match self.places.get_mut(topic) {
            Some(of_topic) => of_topic,
            None => self.places.entry(topic.to_owned()).or_default(),
        };
        self.is_changed |= of_topic.insert(partition, place) != Some(place);
    }

    /// Writes them if anything changed, without keeping anybody waiting for the disk.
    pub(crate) async fn write(&mut self) -> Result<(), String> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(());
        }
        let path = self.path.clone();
        let bytes = serde_json::to_vec(&self.places).unwrap_or_default();
        let write = move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            write_checked(&path, &bytes, MODE)
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.is_changed = true;
                Err(format!("the offsets cannot be kept: {error}"))
            }
            Err(error) => Err(format!("the offsets were not kept: {error}")),
        }
    }
}

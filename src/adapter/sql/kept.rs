//! How far incremental endpoints have come, across restarts of the node.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mainstem_adapter::Keepsake;
use tokio::sync::Mutex;

use crate::incremental::Position;

/// The file below the adapter's folder.
const FILE: &str = "positions";

/// The positions of one adapter, by the names of its endpoints.
#[derive(Clone)]
pub(crate) struct Positions {
    keepsake: Arc<Keepsake>,
    all: Arc<Mutex<BTreeMap<String, Position>>>,
}

impl Positions {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            keepsake: Arc::new(Keepsake::new(folder, FILE)),
            all: Arc::default(),
        }
    }

    /// What was kept.
    pub(crate) async fn read(&self) -> io::Result<BTreeMap<String, Position>> {
        let keepsake = Arc::clone(&self.keepsake);
        let read = tokio::task::spawn_blocking(move || keepsake.read());
        let bytes = read.await.map_err(io::Error::other)??;
        let read = bytes.map(|bytes| serde_json::from_slice::<BTreeMap<_, _>>(&bytes));
        let read = read
            .transpose()
            .map_err(io::Error::other)?
            .unwrap_or_default();
        self.all.lock().await.clone_from(&read);
        Ok(read)
    }

    /// Keeps a position; it is on the disk when this returns.
    pub(crate) async fn keep(&self, name: String, position: Position) -> io::Result<()> {
        // Held over the write, so that the file never goes back.
        let mut all = self.all.lock().await;
        all.insert(name, position);
        let bytes = serde_json::to_vec(&*all).map_err(io::Error::other)?;
        let keepsake = Arc::clone(&self.keepsake);
        let written = tokio::task::spawn_blocking(move || keepsake.write(&bytes));
        written.await.map_err(io::Error::other)?
    }
}

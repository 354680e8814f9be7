//! The room on the disk of the data folder, asked where it cannot hold up anything else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_http::DiskSpace;

/// How long a disk may take to answer: a dead network disk answers never.
const ANSWER_MAX: Duration = Duration::from_secs(1);

pub(super) async fn space(folder: PathBuf) -> Option<DiskSpace> {
    let asked = tokio::task::spawn_blocking(move || measure(&folder));
    let answer = tokio::time::timeout(ANSWER_MAX, asked).await;
    answer.ok()?.ok().flatten()
}

fn measure(folder: &Path) -> Option<DiskSpace> {
    let space = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
    // What root keeps for itself is neither free to this process nor used.
    let used = space.f_blocks.saturating_sub(space.f_bfree);
    Some(DiskSpace {
        free: bytes(space.f_bavail),
        total: bytes(used.saturating_add(space.f_bavail)),
    })
}

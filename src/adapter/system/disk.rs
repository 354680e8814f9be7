//! Free space, read where it cannot hold up anything else: a dead network disk answers never.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

/// How long a disk may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long to wait for one that has let this time pass already.
const LATE_ANSWER_MAX: Duration = Duration::from_millis(10);

/// Space on one disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Space {
    pub(crate) free_bytes: u64,
    pub(crate) free_percent: f64,
}

/// One disk that is watched.
pub(crate) struct Disk {
    path: PathBuf,
    // A question that is not answered yet. No second one is asked meanwhile, so that a dead disk
    // holds one thread and not one per poll.
    asked: Option<JoinHandle<Option<Space>>>,
}

impl Disk {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, asked: None }
    }

    /// The space now; `None` if the path does not exist or the disk does not answer. Cancel safe:
    /// the question stays asked.
    pub(crate) async fn space(&mut self) -> Option<Space> {
        let patience = if self.asked.is_some() {
            LATE_ANSWER_MAX
        } else {
            ANSWER_MAX
        };
        let path = &self.path;
        let asked = self.asked.get_or_insert_with(|| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || measure(&path))
        });
        let answer = tokio::time::timeout(patience, asked).await.ok()?;
        self.asked = None;
        answer.ok().flatten()
    }
}

fn measure(path: &Path) -> Option<Space> {
    let space = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
    // What root keeps for itself is not free to this process, and not counted as used either.
    let used = space.f_blocks.saturating_sub(space.f_bfree);
    let usable = used.saturating_add(space.f_bavail);
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let free_percent = if usable == 0 {
        0.0
    } else {
        space.f_bavail as f64 / usable as f64 * 100.0
    };
    Some(Space {
        free_bytes: bytes(space.f_bavail),
        free_percent,
    })
}

/// The path itself or the nearest folder above it that exists: a data folder may not have been
/// made yet, and its disk is the same.
pub(crate) fn existing_part(path: &Path) -> PathBuf {
    let found = path
        .ancestors()
        .find(|part| !part.as_os_str().is_empty() && part.exists());
    found.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_has_space_and_a_missing_one_has_none() {
        let space = Disk::new("/".into()).space().await.unwrap();
        assert!(space.free_bytes > 0 && space.free_percent > 0.0 && space.free_percent <= 100.0);
        assert_eq!(Disk::new("/no/such/folder".into()).space().await, None);
        // Without space at all (a pseudo file system) there is nothing to divide by.
        let space = Disk::new("/proc".into()).space().await.unwrap();
        assert_eq!(
            space,
            Space {
                free_bytes: 0,
                free_percent: 0.0
            }
        );
    }

    #[tokio::test]
    async fn a_dead_disk_holds_one_question() {
        let mut disk = Disk::new("/".into());
        let (answer, waits) = tokio::sync::oneshot::channel::<Space>();
        let pending = tokio::task::spawn_blocking(move || waits.blocking_recv().ok());
        disk.asked = Some(pending);
        assert_eq!(disk.space().await, None);
        assert!(disk.asked.is_some(), "the question stays asked");
        let space = Space {
            free_bytes: 1,
            free_percent: 2.0,
        };
        answer.send(space).unwrap();
        let answered = async {
            loop {
                if let Some(space) = disk.space().await {
                    return space;
                }
            }
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answered).await;
        assert_eq!(answered, Ok(space));
    }

    #[test]
    fn a_folder_that_is_not_there_yet() {
        assert_eq!(
            existing_part(Path::new("/proc/none/such")),
            Path::new("/proc")
        );
        assert_eq!(existing_part(Path::new("")), Path::new("."));
    }
}

//! Opening a log: what is whole is kept, what is not is cut off or set aside.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{AppendLog, Broken, Opened, Torn, replace};
use crate::frame::{HEADER_BYTES, Salt};
use crate::quarantine::link_aside;
use crate::scan::{Damage, Extent, Found, Replay, survey};

/// Decides what to do with a file that is there.
pub(super) fn recover(file: File, path: &Path, limit: u64) -> io::Result<Opened> {
    let length = file.metadata()?.len();
    match survey(&file, length)? {
        Found::Unwritten if length == 0 => start(path, limit, None, None),
        Found::Unwritten => start(
            path,
            limit,
            Some(Torn {
                offset: 0,
                bytes: length,
            }),
            None,
        ),
        Found::BadHeader => {
            let moved_to = link_aside(path)?;
            start(
                path,
                limit,
                None,
                Some(Broken {
                    offset: 0,
                    bytes: length,
                    moved_to,
                }),
            )
        }
        Found::Records(extent) => resume(file, path, limit, length, &extent),
    }
}

fn resume(file: File, path: &Path, limit: u64, length: u64, extent: &Extent) -> io::Result<Opened> {
    let bytes = length - extent.end;
    let (file, torn, broken) = match extent.damage {
        None => (file, None, None),
        Some(Damage::Tail) => {
            file.set_len(extent.end)?;
            file.sync_all()?;
            (
                file,
                Some(Torn {
                    offset: extent.end,
                    bytes,
                }),
                None,
            )
        }
        Some(Damage::Middle) => {
            let moved_to = link_aside(path)?;
            let mut intact = vec![0; usize::try_from(extent.end).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut intact, 0)?;
            let fresh = replace(path, &intact, |_| Ok(()))?;
            (
                fresh,
                None,
                Some(Broken {
                    offset: extent.end,
                    bytes,
                    moved_to,
                }),
            )
        }
    };
    finish(file, path, limit, extent, torn, broken)
}

/// Makes an empty log, in place of whatever lies there.
pub(super) fn start(
    path: &Path,
    limit: u64,
    torn: Option<Torn>,
    broken: Option<Broken>,
) -> io::Result<Opened> {
    let salt = Salt::fresh();
    let file = replace(path, &salt.header(), |_| Ok(()))?;
    let extent = Extent {
        salt,
        end: HEADER_BYTES as u64,
        records: 0,
        damage: None,
    };
    finish(file, path, limit, &extent, torn, broken)
}

fn finish(
    file: File,
    path: &Path,
    limit: u64,
    extent: &Extent,
    torn: Option<Torn>,
    broken: Option<Broken>,
) -> io::Result<Opened> {
    // A descriptor of its own, so that replay and append do not share a position.
    let replay = Replay::new(File::open(path)?, extent, path.to_owned())?;
    let log = AppendLog {
        file,
        path: path.to_owned(),
        salt: extent.salt,
        end: extent.end,
        limit,
        failed: false,
        scratch: Vec::new(),
    };
    Ok(Opened {
        log,
        replay,
        torn,
        broken,
    })
}

//! A power cut: everything that was written to a file after its last sync is gone.
//!
//! A traced child logs; from its trace the disk is rebuilt as it would be after a cut at an
//! acknowledgement. With `FULL` nothing acknowledged may be missing. With `NORMAL` something must
//! be: a test that cannot fail would prove nothing.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use super::disk::left_out;
use super::kill::{ACKS, FOLDER, NORMAL, SERIES, busy, note};
use super::*;

const ACKNOWLEDGED: &str = "80";
/// The disk is rebuilt and checked at every so many acknowledgements.
const EVERY: usize = 8;

/// A file as the process sees it, and as the disk has it.
#[derive(Default, Clone)]
struct Seen {
    now: Vec<u8>,
    synced: Vec<u8>,
    place: usize,
}

#[derive(Default)]
struct Disk {
    files: HashMap<String, Seen>,
    /// Calls that had begun when another thread's line came between, by process.
    begun: HashMap<String, String>,
}

impl Disk {
    /// Follows one line; the text that was written to the standard output, if it was that.
    fn follow(&mut self, line: &str) -> Option<String> {
        let (process, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            self.begun.insert(process.to_owned(), begun.to_owned());
            return None;
        }
        let whole = match rest
            .strip_prefix("<... ")
            .and_then(|rest| rest.split_once(" resumed>"))
        {
            Some((_, end)) => self.begun.remove(process)? + end,
            None => rest.to_owned(),
        };
        let (call, arguments) = whole.split_once('(')?;
        let (arguments, result) = arguments.rsplit_once(" = ")?;
        if result.starts_with('-') {
            return None;
        }
        let result: i64 = result
            .split_once('<')
            .map_or(result, |(number, _)| number)
            .trim()
            .parse()
            .ok()?;
        if call == "openat" {
            let path = unhex(arguments.split('"').nth(1)?);
            let path = String::from_utf8(path).ok()?;
            self.files.entry(path).or_default().place = 0;
            return None;
        }
        if call == "unlink" {
            self.files
                .remove(&String::from_utf8(unhex(arguments.split('"').nth(1)?)).ok()?);
            return None;
        }
        let path = unhex(arguments.split_once('<')?.1.split_once('>')?.0);
        if call == "write" && arguments.starts_with("1<") {
            return String::from_utf8(unhex(arguments.split('"').nth(1)?)).ok();
        }
        self.apply(
            call,
            &String::from_utf8(path).ok()?,
            arguments,
            usize::try_from(result).ok()?,
        );
        None
    }

    fn apply(&mut self, call: &str, path: &str, arguments: &str, result: usize) {
        let Some(file) = self.files.get_mut(path) else {
            return;
        };
        let last = arguments
            .trim_end()
            .trim_end_matches(')')
            .rsplit(", ")
            .next();
        let last = last.and_then(|number| number.trim().parse::<usize>().ok());
        match call {
            "lseek" => file.place = result,
            "ftruncate" => file.now.resize(last.unwrap(), 0),
            "fsync" | "fdatasync" => file.synced.clone_from(&file.now),
            "write" | "pwrite64" => {
                let bytes = unhex(arguments.split('"').nth(1).unwrap());
                assert!(bytes.len() >= result, "the trace cut a write short");
                let at = if call == "write" {
                    file.place
                } else {
                    last.unwrap()
                };
                let end = at + result;
                if file.now.len() < end {
                    file.now.resize(end, 0);
                }
                file.now[at..end].copy_from_slice(&bytes[..result]);
                file.place = end;
            }
            _ => {}
        }
    }

    /// Writes the disk as it is after a cut.
    fn cut(&self, from: &Path, to: &Path) {
        for (path, file) in &self.files {
            let name = Path::new(path).strip_prefix(from).ok();
            let name = name.filter(|name| !name.to_string_lossy().ends_with("-shm"));
            if let Some(name) = name.filter(|name| name.components().count() == 1) {
                fs::write(to.join(name), &file.synced).unwrap();
            }
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let bytes = text.split("\\x").skip(1);
    bytes
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

/// Traces a child, cuts the power many times, and counts the cuts that lost what was acknowledged.
fn cuts_that_lose(normal: bool) -> Option<(usize, usize)> {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let trace = folder.path().join("trace");
    let calls = "trace=openat,write,pwrite64,lseek,ftruncate,fsync,fdatasync,unlink";
    let mut command = Command::new("strace");
    command
        .args([
            "-f",
            "-y",
            "-xx",
            "-s",
            "100000000",
            "-e",
            "signal=none",
            "-e",
            calls,
            "-o",
        ])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite::tests::kill::child",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, &store)
        .env(ACKS, ACKNOWLEDGED)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if normal {
        command.env(NORMAL, "1");
    }
    let output = command.output().ok()?;
    assert!(output.stdout.len() > 100, "the traced child did not log");
    let (mut disk, mut cuts, mut losing, mut seen) = (Disk::default(), 0, 0, 0);
    let mut acked = vec![0_u64; usize::try_from(SERIES).unwrap()];
    for line in fs::read_to_string(&trace).unwrap().lines() {
        let Some(said) = disk.follow(line).filter(|said| said.contains("acked [")) else {
            continue;
        };
        note(said.trim_end(), &mut acked);
        seen += 1;
        if seen % EVERY == 0 {
            cuts += 1;
            losing += usize::from(loses(&disk, &store, &acked));
        }
    }
    assert!(cuts >= 5, "{cuts} cuts");
    Some((cuts, losing))
}

fn loses(disk: &Disk, store: &Path, acked: &[u64]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    disk.cut(store, folder.path());
    let sink = open(busy(folder.path()));
    (0..).map(SeriesId).zip(acked).any(|(id, acked)| {
        let watermark = sink.watermark(id).unwrap();
        let rows = match all(&sink, id) {
            Ok(rows) => rows,
            Err(_) => return true,
        };
        for (found, number) in rows.iter().zip(1..) {
            assert_eq!(*found, row(id, number), "a wrong row after a power cut");
        }
        watermark < *acked || rows.len() as u64 != watermark
    })
}

#[test]
fn a_power_cut_takes_nothing_acknowledged_with_full_and_something_with_normal() {
    let Some((cuts, losing)) = cuts_that_lose(false) else {
        return left_out("the data logger after a power cut: it needs strace");
    };
    assert_eq!(losing, 0, "of {cuts} cuts");
    let (cuts, losing) = cuts_that_lose(true).unwrap();
    assert!(
        losing > cuts / 2,
        "only {losing} of {cuts} cuts lost anything: the test is blind"
    );
}

//! The document of the protocol tells what the code does: its examples are real, and its tables
//! are those of the code.

use std::fs;
use std::path::{Path, PathBuf};

use mainstem_model::{Quality, Reason};
use mainstem_remote::LinkState;
use mainstem_wire::api::write::{LinkWrite, WriteDocument};
use mainstem_wire::{
    Beat, BeatAnswer, Cursor, LINE_BYTES_MAX, LogLine, LogWants, PROTOCOL, decode_line,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(repository().join("api-spec/remote-protocol.md")).unwrap()
}

/// The lines of all blocks that are marked by a word behind `json`.
fn examples(kind: &str) -> Vec<String> {
    let (text, mark) = (document(), format!("```json {kind}"));
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == mark {
            let block = lines.by_ref().take_while(|line| *line != "```");
            found.extend(block.map(str::to_owned));
        }
    }
    assert!(!found.is_empty(), "no example of a {kind}");
    found
}

fn recorded() -> Vec<String> {
    let folder = |path: &Path| {
        let entries = fs::read_dir(path).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    let recordings = folder(&repository().join("tests/fixtures/compat"));
    let recordings = recordings.iter().filter(|path| path.is_dir());
    let paths = recordings.flat_map(|path| folder(path));
    let streams: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == "ndjson"))
        .collect();
    let texts = streams.iter().map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_frame_of_the_document_was_sent_by_a_node() {
    let (frames, recorded) = (examples("frame"), recorded());
    assert!(frames.len() >= 12, "{} frames", frames.len());
    for frame in frames {
        assert!(decode_line(frame.as_bytes()).is_ok(), "{frame}");
        assert!(recorded.contains(&frame), "nobody sent {frame}");
    }
}

/// What came after the streams were recorded.
#[test]
fn every_later_line_of_the_document_is_read() {
    for line in examples("line") {
        let read = decode_line(line.as_bytes());
        assert!(read.is_ok_and(|read| read.event.is_some()), "{line}");
    }
}

/// Reads an example and writes it again: the same comes out, so that no field of it is unknown.
fn same_again<T: DeserializeOwned + Serialize>(kind: &str) {
    for example in examples(kind) {
        let read: T = serde_json::from_str(&example).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), example);
    }
}

#[test]
fn beats_and_writes_of_the_document_are_what_the_code_takes() {
    same_again::<Beat>("beat");
    same_again::<BeatAnswer>("answer");
    same_again::<LinkWrite>("write");
    same_again::<WriteDocument>("outcome");
}

#[test]
fn data_loggers_of_the_document_are_what_the_code_takes() {
    same_again::<LogLine>("log");
    same_again::<LogWants>("wants");
}

#[test]
fn the_tables_of_the_document_are_those_of_the_code() {
    let text = document();
    assert!(text.starts_with(&format!("# The remote protocol, version {PROTOCOL}\n")));
    for reason in Reason::ALL {
        let quality = Quality::of(*reason);
        let (number, word) = (quality.code() & 0xff, reason.as_str());
        let row = format!("| {number} | `{word}` | {} |", quality.status.as_str());
        assert!(text.contains(&row), "{row} is not there");
    }
    let rows = text
        .lines()
        .filter(|line| line.ends_with("does not know |"));
    assert_eq!(rows.count(), 1, "the word for unknown reasons");
    assert_eq!(LINE_BYTES_MAX, 1024 * 1024, "section 18 says so");
}

#[test]
fn the_cursor_of_the_document_can_be_put_together_as_it_says() {
    let (hello, last) = (&examples("frame")[0], examples("frame").pop().unwrap());
    let hello = decode_line(hello.as_bytes()).unwrap().hello.unwrap();
    let last: serde_json::Value = serde_json::from_str(&last).unwrap();
    let text = last["cursor"].as_str().unwrap();
    let cursor: Cursor = text.parse().unwrap();
    assert_eq!((cursor.epoch, cursor.filter), (hello.epoch, hello.filter));
    let epoch = hello.epoch;
    let (sequence, filter) = (cursor.sequence, hello.filter);
    let built = format!(
        "{:x}-{:016x}-{sequence:x}-{filter:x}",
        epoch.counter, epoch.random
    );
    assert_eq!(built, text);
    assert!(document().contains(&format!(
        "`s` {sequence} and filter {filter} give\n`{text}`"
    )));
}

/// The options of a remote entry, as the code declares them.
fn options() -> Vec<String> {
    let text = fs::read_to_string(repository().join("src/remote/config/section.rs")).unwrap();
    let (_, section) = text.split_once("pub struct RemoteSection {").unwrap();
    let (section, _) = section.split_once("\n}").unwrap();
    let fields = section.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("pub ")?.split_once(':')?;
        Some(name.replace("target_state", "targetState"))
    });
    fields.collect()
}

#[test]
fn the_page_about_remotes_has_every_option_and_every_state() {
    let page = fs::read_to_string(repository().join("docs/REMOTES.md")).unwrap();
    let options = options();
    assert!(options.len() > 20, "{options:?}");
    for option in &options {
        let rows = page
            .lines()
            .filter(|line| line.starts_with(&format!("| `{option}` | ")));
        assert_eq!(rows.count(), 1, "{option}");
    }
    let states = [
        LinkState::Connecting,
        LinkState::Snapshot,
        LinkState::Replaying,
        LinkState::Live,
        LinkState::Degraded,
        LinkState::Waiting,
        LinkState::Refused,
        LinkState::Resting,
        LinkState::Paused,
    ];
    for state in states {
        let row = format!("| `{}` | ", state.as_str());
        assert!(page.contains(&row), "{row}");
    }
}

//! Documents point at what exists, and the map of the house is complete.

use std::path::Path;

use super::assert_kept;
use super::files::{self, SourceFile};
use crate::skipped::skipped;

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// The map is read whole or not at all.
const ARCHITECTURE_LINES_MAX: usize = 200;

/// The lines of a document with their number, without its code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        (!inside && !fence).then_some((number + 1, line))
    })
}

/// What a line links to: `[text](target)`, and `[label]: target` at its start.
fn targets(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let labelled = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    let labelled = labelled.and_then(|(_, rest)| rest.split_whitespace().next());
    inline.chain(labelled).collect()
}

/// Links to files of the repository that are not there.
fn broken_links(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        let folder = Path::new(&file.path).parent().unwrap();
        for (number, line) in prose(&file.text) {
            for target in targets(line) {
                let path = target.split('#').next().unwrap_or_default();
                if path.is_empty() || path.contains(':') {
                    continue;
                }
                let path = match path.strip_prefix('/') {
                    Some(from_root) => from_root.to_owned(),
                    None => folder.join(path).to_str().unwrap().to_owned(),
                };
                if !exists(&path) {
                    found.push(format!("{}:{number}: {target} is not there", file.path));
                }
            }
        }
    }
    found
}

/// Rooms that the map does not show.
fn unmapped<'a>(map: &str, rooms: impl Iterator<Item = &'a str>) -> Vec<String> {
    let shown = |room: &str| {
        let mut after = map
            .match_indices(room)
            .map(|(at, _)| &map[at + room.len()..]);
        // `src/adapter/modbus` does not show `src/adapter`, nor `src/remotes` the room `src/remote`.
        after.any(|rest| {
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            !rest.starts_with(|next: char| next.is_alphanumeric() || "-_/".contains(next))
        })
    };
    rooms
        .filter(|room| !shown(room))
        .map(|room| format!("{room} is not on the map"))
        .collect()
}

#[test]
fn links_resolve() {
    let exists = |path: &str| files::repository().join(path).exists();
    assert_kept("links between files", &broken_links(&files::all(), &exists));
}

#[test]
fn the_map_shows_every_room() {
    let Ok(map) = std::fs::read_to_string(files::repository().join(ARCHITECTURE)) else {
        return skipped(
            "the map of the house",
            "docs/ARCHITECTURE.md does not exist yet",
        );
    };
    let packages = files::packages();
    let rooms = packages.iter().map(|package| package.folder.as_str());
    let mut breaches = unmapped(&map, rooms.filter(|folder| !folder.is_empty()));
    let lines = map.lines().count();
    if lines > ARCHITECTURE_LINES_MAX {
        breaches.push(format!(
            "{lines} lines; the most is {ARCHITECTURE_LINES_MAX}"
        ));
    }
    assert_kept(ARCHITECTURE, &breaches);
}

#[test]
fn a_broken_link_is_found() {
    let there = |path: &str| ["docs/a.md", "README.md", "docs/../README.md"].contains(&path);
    let found = |text: &str| broken_links(&[SourceFile::imagined("docs/b.md", text)], &there).len();
    assert_eq!(
        found("[a](a.md) and [b](a.md#part), [c](../README.md) [d](/README.md)\n"),
        0
    );
    assert_eq!(found("[a](https://example.org/x.md) [b](#part)\n"), 0);
    assert_eq!(found("[a](missing.md) [b](also-missing.md)\n"), 2);
    assert_eq!(found("[label]: missing.md\n"), 1);
    assert_eq!(found("```text\n[a](missing.md)\n```\n[a](missing.md)\n"), 1);
}

#[test]
fn a_room_that_is_not_on_the_map_is_found() {
    let found = |map: &str, room: &'static str| unmapped(map, [room].into_iter()).len();
    assert_eq!(found("| `src/adapter/modbus/` |", "src/adapter/modbus"), 0);
    assert_eq!(found("| `src/adapter/modbus/` |", "src/adapter"), 1);
    assert_eq!(found("| `src/adapter/` |", "src/adapter"), 0);
    assert_eq!(found("src/remotes", "src/remote"), 1);
}

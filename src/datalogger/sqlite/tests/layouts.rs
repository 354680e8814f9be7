//! Files of older and newer programs.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;

use super::*;

/// From layout 2 of a part back to 1, which knew no edits, and the files beside it to none.
const BACK: &str = "DROP TABLE IF EXISTS superseded; PRAGMA user_version = 1;";

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn layout(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    found.unwrap()
}

fn store(folder: &Path) -> SeriesId {
    let sink = open(config(folder));
    let series = sink.series(&key("a")).unwrap();
    let rows = (1..=500).map(|number| row(series, number));
    sink.append(rows.collect()).wait().unwrap();
    series
}

#[test]
fn a_store_of_the_first_layout_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let series = store(folder.path());
    let part = folder.path().join("part-00000001.db");
    Connection::open(&part)
        .unwrap()
        .execute_batch(BACK)
        .unwrap();
    for name in ["catalogue.db", "rollups.db", "gaps.db"] {
        let connection = Connection::open(folder.path().join(name)).unwrap();
        connection.execute_batch("PRAGMA user_version = 0").unwrap();
    }
    let sink = open(config(folder.path()));
    let rows = all(&sink, series).unwrap();
    assert!(
        rows.into_iter()
            .zip(1..)
            .all(|(found, number)| found == row(series, number))
    );
    sink.append(vec![row(series, 501)]).wait().unwrap();
    drop(sink);
    assert_eq!(layout(&part), 2);
    assert_eq!(layout(&folder.path().join("catalogue.db")), 1);
    assert_eq!(
        all(&open(config(folder.path())), series).unwrap().len(),
        501
    );
}

#[test]
fn a_store_of_a_newer_layout_is_refused_and_not_touched() {
    for name in ["part-00000001.db", "catalogue.db", "rollups.db", "gaps.db"] {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path());
        let connection = Connection::open(folder.path().join(name)).unwrap();
        connection
            .execute_batch("PRAGMA user_version = 99")
            .unwrap();
        drop(connection);
        let before = bytes(folder.path());
        let (clock, health) = health();
        let refused = SqliteSink::open(config(folder.path()), health, clock).unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, SinkError::Open { .. }), "{text}");
        assert!(text.contains(name) && text.contains("version 99"), "{text}");
        assert!(text.contains("start the newer program"), "{text}");
        assert!(
            bytes(folder.path()) == before,
            "{name}: something was written"
        );
    }
}

//! Schemas of older and newer programs, other stores, lost spools, and what SQL shows.

use std::time::Duration;

use mainstem_device::{PostgresServer, Speed};

use crate::postgres::shared::{AWAY, LOST};
use crate::story::{Place, Postgres, all, key, row, server, wait_for};
use crate::{About, Edit, Logged, Row, Sink, SinkError};

const PATIENCE: Duration = Duration::from_secs(60);
/// From version 2 back to version 1, which had no views.
const BACK: &str = "SET search_path TO old; DROP VIEW mainstem_samples, mainstem_rollups,
    mainstem_edits CASCADE; DROP FUNCTION mainstem_history(text[], timestamptz, timestamptz);
    DROP FUNCTION mainstem_time(bigint); DROP FUNCTION mainstem_micros(timestamptz);
    UPDATE fact SET value = '1' WHERE name = 'layout'";

/// All that is in a schema, as text.
fn dump(server: &PostgresServer, schema: &str) -> String {
    let tables = format!(
        "SELECT relname, relkind, relfilenode FROM pg_class
         WHERE relnamespace = '{schema}'::regnamespace ORDER BY 1"
    );
    let facts = format!("SELECT * FROM {schema}.fact ORDER BY 1");
    server.sql("mainstem", &tables).unwrap() + &server.sql("mainstem", &facts).unwrap()
}

#[test]
fn an_older_layout_is_brought_up_and_a_newer_one_is_refused_untouched() {
    let Some(server) = server("layouts of the PostgreSQL store", Speed::Fast) else {
        return;
    };
    let place = Postgres::new(&server, "old");
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    sink.append((1..=50).map(|at| row(series, at)).collect())
        .wait()
        .unwrap();
    sink.settle().unwrap();
    drop(sink);
    server.sql("mainstem", BACK).unwrap();
    let sink = place.open();
    assert_eq!(all(&sink, series).unwrap().len(), 50);
    drop(sink);
    let layout = "SELECT value FROM old.fact WHERE name = 'layout'";
    assert_eq!(server.sql("mainstem", layout).unwrap(), "2");
    let count = "SET search_path TO old; SELECT count(*) FROM mainstem_samples";
    assert_eq!(server.sql("mainstem", count).unwrap(), "50");

    server
        .sql(
            "mainstem",
            "UPDATE old.fact SET value = '99' WHERE name = 'layout'",
        )
        .unwrap();
    let before = dump(&server, "old");
    let refused = place.try_open().unwrap_err();
    assert!(matches!(refused, SinkError::Open { .. }));
    let text = refused.to_string();
    assert!(
        text.contains("version 99") && text.contains("start the newer program"),
        "{text}"
    );
    assert_eq!(dump(&server, "old"), before);
}

#[test]
fn a_lost_spool_learns_from_the_server_and_another_database_is_noticed() {
    let Some(server) = server("a lost spool of the PostgreSQL store", Speed::Fast) else {
        return;
    };
    let mut place = Postgres::new(&server, "lost");
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    let mut rows: Vec<Row> = (1..=50).map(|at| row(series, at)).collect();
    let (to, note) = (20_000_000, "wrong".into());
    rows.push(Row {
        value: Logged::Edit(std::sync::Arc::new(Edit { to, note })),
        ..row(series, 51)
    });
    rows[50].time = 10_000_000;
    sink.append(rows.clone()).wait().unwrap();
    sink.settle().unwrap();
    let (log, shown) = (sink.log_id(), all(&sink, series).unwrap());
    assert_eq!(shown.len(), 40);
    drop(sink);
    place.folder = tempfile::tempdir().unwrap();
    let sink = place.open();
    assert_ne!(sink.log_id(), log);
    assert_eq!(sink.list(), [(series, key("a"))]);
    assert_eq!(sink.watermark(series).unwrap(), 51);
    assert_eq!(all(&sink, series).unwrap(), shown, "edits too");
    sink.append(rows.clone()).wait().unwrap();
    assert_eq!(all(&sink, series).unwrap(), shown);
    // Somebody takes rows away: that is told, and they can be stored again.
    drop(sink);
    let take = "DELETE FROM lost.piece; UPDATE lost.stored SET rows = 0";
    server.sql("mainstem", take).unwrap();
    let sink = place.open();
    assert_eq!(sink.restore(rows.clone()).unwrap(), 51);
    assert_eq!(sink.restore(rows.clone()).unwrap(), 0);
    assert_eq!(all(&sink, series).unwrap(), shown);
    assert_eq!(sink.integrity().unwrap().faults, vec![]);
    drop(sink);
    server
        .sql(
            "mainstem",
            "DELETE FROM lost.piece; DELETE FROM lost.stored",
        )
        .unwrap();
    let sink = place.open();
    let lacks = || place.health.get(LOST).is_some_and(|state| state.active);
    wait_for("the word about lost rows", PATIENCE, lacks);
    drop(sink);
    // The same spool and another schema: nothing is moved into it.
    place.config.schema = "another".to_owned();
    let _sink = place.open();
    let told = place.health.get(AWAY).unwrap().problem.text;
    assert!(
        told.contains("another store than the one that the spool belongs to"),
        "{told}"
    );
    // The same schema and another node.
    let first = Postgres::new(&server, "shared");
    let _first = first.open();
    let second = Postgres::new(&server, "shared");
    let _second = second.open();
    let told = second.health.get(AWAY).unwrap().problem.text;
    assert!(
        told.contains("another session stores into schema"),
        "{told}"
    );
}

#[test]
fn sql_shows_the_newest_version_by_name_and_unit() {
    let Some(server) = server("the views of the PostgreSQL store", Speed::Fast) else {
        return;
    };
    let place = Postgres::new(&server, "shown");
    let sink = place.open();
    let series = sink.series(&key("a")).unwrap();
    let about = About {
        name: "boiler".to_owned(),
        unit: Some("°C".to_owned()),
        description: None,
    };
    sink.describe(&[(series, about)]);
    let edit = Logged::Edit(std::sync::Arc::new(Edit {
        to: 5_000_000,
        note: "x".into(),
    }));
    let mut rows: Vec<Row> = (1..=100).map(|at| row(series, at)).collect();
    rows.push(Row {
        value: edit,
        time: 3_000_000,
        ..row(series, 101)
    });
    rows.push(Row {
        value: Logged::Text("a\0b".into()),
        time: i64::MAX,
        ..row(series, 102)
    });
    sink.append(rows).wait().unwrap();
    sink.settle().unwrap();
    let ask = |text: &str| {
        let text = format!("SET search_path TO shown; SET TIME ZONE 'UTC'; {text}");
        server.sql("mainstem", &text).unwrap()
    };
    wait_for("the name", PATIENCE, || {
        ask("SELECT DISTINCT name, unit FROM mainstem_samples") == "boiler|°C"
    });
    assert_eq!(ask("SELECT count(*) FROM mainstem_samples"), "99");
    let one = "SELECT time, value, quality FROM mainstem_samples WHERE row = 11";
    assert_eq!(ask(one), "1970-01-01 00:00:11+00|1.1|bad");
    let span = "SELECT count(*) FROM mainstem_history(ARRAY['boiler'], '1970-01-01 00:00:02+00',
        '1970-01-01 00:00:08+00')";
    assert_eq!(ask(span), "4", "of six seconds two are superseded");
}

//! Plain SQLite: one table, as its users would write it.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::series::{self, Shape};
use crate::{Figures, bytes_in, median, timed};

fn open(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("plain.db")).unwrap();
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS sample (series INTEGER, time INTEGER, value REAL,
            quality INTEGER, PRIMARY KEY (series, time)) WITHOUT ROWID;";
    connection.execute_batch(pragmas).unwrap();
    connection
}

pub(crate) fn run(shape_name: &'static str, shape: Shape, folder: &Path) -> Figures {
    let mut connection = open(folder);
    let ((), append_seconds, append_cpu) = timed(|| {
        for batch in series::batches(shape) {
            let transaction = connection.transaction().unwrap();
            let sql = "INSERT INTO sample VALUES (?1, ?2, ?3, 0)";
            let mut statement = transaction.prepare_cached(sql).unwrap();
            for sample in batch {
                let row = params![sample.series, sample.time, sample.value];
                statement.execute(row).unwrap();
            }
            drop(statement);
            transaction.commit().unwrap();
        }
    });
    let day_millis = median(15, || {
        let sql = "SELECT time, value, quality FROM sample WHERE series = ?1 ORDER BY time";
        let mut statement = connection.prepare_cached(sql).unwrap();
        let mut found = statement.query([series::CROWD]).unwrap();
        let (mut count, mut sum) = (0, 0.0);
        while let Some(row) = found.next().unwrap() {
            let _time: i64 = row.get(0).unwrap();
            sum += row.get::<_, f64>(1).unwrap();
            let _quality: u16 = row.get(2).unwrap();
            count += 1;
        }
        assert!(count == series::DAY_ROWS && sum.is_finite());
    });
    drop(connection);
    let start_millis = median(3, || drop(open(folder)));
    Figures {
        name: match shape_name {
            "walk" => "plain SQLite, walk",
            _ => "plain SQLite, noise",
        },
        append_seconds,
        append_cpu,
        settle_seconds: 0.0,
        settle_cpu: 0.0,
        bytes: bytes_in(folder),
        day_millis,
        start_millis,
    }
}

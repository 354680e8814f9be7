//! SQLite, by rusqlite: a thread for each connection, since the library blocks.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use mainstem_adapter::BoxFuture;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, ToSql, params_from_iter};
use tokio::sync::oneshot;

use crate::cell::Cell;
use crate::driver::{Answer, Bounds, Failure, Gathered, Link, Setup};
use crate::param::Param;
use crate::statement::Statement;

/// The code of an error about a table or a column that is not there, for which SQLite has none.
const NO_SUCH_OBJECT: &str = "no_such_object";

/// What the thread is asked for.
struct Order {
    statement: Statement,
    values: Vec<Param>,
    reply: oneshot::Sender<Result<Answer, Failure>>,
}

struct SqliteLink {
    orders: SyncSender<Order>,
    interrupt: InterruptHandle,
    limit: Duration,
    file: PathBuf,
    /// Which file it was when it was opened.
    identity: (u64, u64),
}

impl Drop for SqliteLink {
    fn drop(&mut self) {
        // What is under way ends at once; the thread ends with its channel.
        self.interrupt.interrupt();
    }
}

/// Opens a file that exists.
pub(crate) async fn open(file: &Path, setup: Setup<'_>) -> Result<Box<dyn Link>, Failure> {
    let file = setup.home.join(file);
    let (bounds, limit) = (setup.bounds, setup.statement);
    let path = file.clone();
    let opened = tokio::task::spawn_blocking(move || connect(&path, limit));
    let opened = opened
        .await
        .map_err(|error| Failure::Connect(error.to_string()))?;
    let connection = opened.map_err(|error| Failure::Connect(said(&error)))?;
    let identity = identity(&file).map_err(|error| Failure::Connect(error.to_string()))?;
    let interrupt = connection.get_interrupt_handle();
    let (orders, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("adapter-sqlite".into())
        .spawn(move || serve(&connection, bounds, &receiver))
        .map_err(|error| Failure::Connect(error.to_string()))?;
    Ok(Box::new(SqliteLink {
        orders,
        interrupt,
        limit,
        file,
        identity,
    }))
}

fn connect(path: &Path, limit: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limit)?;
    // Opening reads nothing; this does, so that a file that is no database is found here.
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(connection)
}

fn identity(file: &Path) -> std::io::Result<(u64, u64)> {
    let found = std::fs::metadata(file)?;
    Ok((found.dev(), found.ino()))
}

/// The thread of a connection.
fn serve(connection: &Connection, bounds: Bounds, orders: &Receiver<Order>) {
    while let Ok(order) = orders.recv() {
        let answer = answer(connection, bounds, &order.statement, &order.values);
        // Nobody waits any more where the session has ended.
        drop(order.reply.send(answer));
    }
}

fn answer(
    connection: &Connection,
    bounds: Bounds,
    statement: &Statement,
    values: &[Param],
) -> Result<Answer, Failure> {
    let mut prepared = connection
        .prepare_cached(&statement.text)
        .map_err(|e| failure(&e))?;
    if prepared.parameter_count() != values.len() {
        return Err(Failure::Refused {
            code: "parameters".into(),
            message: "SQLite counts other parameters".into(),
        });
    }
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let width = columns.len();
    if width == 0 {
        let affected = prepared
            .execute(params_from_iter(values))
            .map_err(|e| failure(&e))?;
        return Ok(Answer {
            affected: affected as u64,
            ..Answer::default()
        });
    }
    let before = connection.total_changes();
    let mut gathered = Gathered::new(bounds, columns);
    let mut rows = prepared
        .query(params_from_iter(values))
        .map_err(|e| failure(&e))?;
    while let Some(row) = rows.next().map_err(|e| failure(&e))? {
        let mut cells = Vec::with_capacity(width);
        for at in 0..width {
            let value = row.get_ref(at).map_err(|e| failure(&e))?;
            // Looked at before it is copied: one value may have a gigabyte.
            if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value
                && bytes.len() > bounds.bytes
            {
                return Err(Failure::TooLarge(bounds.bytes));
            }
            cells.push(cell(value));
        }
        if !gathered.push(cells)? {
            break;
        }
    }
    drop(rows);
    gathered.answer.affected = connection.total_changes().saturating_sub(before);
    Ok(gathered.answer)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Real(number) => Cell::Float(number),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Bytes(bytes.to_vec()),
        },
    }
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Owned::Null),
            Self::Bool(flag) => ToSqlOutput::Owned(Owned::Integer((*flag).into())),
            Self::Int(number) => ToSqlOutput::Owned(Owned::Integer(*number)),
            // Beyond its integers a number is a float or a text; only a text is exact.
            Self::UInt(number) => match i64::try_from(*number) {
                Ok(number) => ToSqlOutput::Owned(Owned::Integer(number)),
                Err(_) => ToSqlOutput::Owned(Owned::Text(number.to_string())),
            },
            Self::Float(number) => ToSqlOutput::Owned(Owned::Real(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn said(error: &rusqlite::Error) -> String {
    error.to_string()
}

fn failure(error: &rusqlite::Error) -> Failure {
    let message = said(error);
    match error.sqlite_error() {
        // The file is gone, damaged or out of reach: opening it again says more.
        Some(told)
            if matches!(
                told.code,
                ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
            ) =>
        {
            Failure::Lost(message)
        }
        Some(told) => Failure::Refused {
            code: match message.contains("no such ") {
                true => NO_SUCH_OBJECT.into(),
                false => told.extended_code.to_string(),
            },
            message,
        },
        None => Failure::Refused {
            code: "statement".into(),
            message,
        },
    }
}

impl SqliteLink {
    async fn ask(&self, statement: Statement, values: Vec<Param>) -> Result<Answer, Failure> {
        let (reply, mut answer) = oneshot::channel();
        let order = Order {
            statement,
            values,
            reply,
        };
        let gone = || Failure::Lost("the thread of the connection has ended".into());
        self.orders.try_send(order).map_err(|_| gone())?;
        if let Ok(answer) = tokio::time::timeout(self.limit, &mut answer).await {
            return answer.map_err(|_| gone())?;
        }
        self.interrupt.interrupt();
        answer.await.map_err(|_| gone())?
    }
}

impl Link for SqliteLink {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: Vec<Param>,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(self.ask(statement.clone(), values))
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let now = identity(&self.file).map_err(|error| Failure::Lost(error.to_string()))?;
            if now != self.identity {
                return Err(Failure::Lost("another file has taken its place".into()));
            }
            let statement = Statement {
                text: "PRAGMA schema_version".into(),
                names: Vec::new(),
                order: Vec::new(),
            };
            self.ask(statement, Vec::new()).await.map(drop)
        })
    }
}

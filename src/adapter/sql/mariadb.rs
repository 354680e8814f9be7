//! MariaDB and MySQL, by mysql_async: prepared statements in the binary protocol.

use std::time::Duration;

use mainstem_adapter::BoxFuture;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Column, Conn, Error, Opts, OptsBuilder, Params, SslOpts, Value};

use crate::cell::Cell;
use crate::driver::{Answer, Bounds, Failure, Gathered, Link, Setup};
use crate::param::Param;
use crate::statement::Statement;
use crate::target::Server;

/// The server does not know a variable.
const UNKNOWN_VARIABLE: u16 = 1193;
/// The codes by which a server says that the connection is over: it stops, or an operator ended it.
const OVER: [u16; 4] = [1053, 1927, 3169, 4031];
/// The number of the character set of bytes that are no text.
const BINARY: u16 = 63;
/// Bytes of a packet beside the values in it.
const PACKET_BYTES_EXTRA: usize = 64 << 10;

struct MariadbLink {
    conn: Conn,
    bounds: Bounds,
}

/// Connects, logs in and sets what holds for every statement.
pub(crate) async fn open(server: &Server, setup: Setup<'_>) -> Result<Box<dyn Link>, Failure> {
    let conn = Conn::new(options(server, &setup)).await;
    let mut conn = conn.map_err(|error| failure(&error))?;
    limit(&mut conn, setup.statement).await?;
    Ok(Box::new(MariadbLink {
        conn,
        bounds: setup.bounds,
    }))
}

fn options(server: &Server, setup: &Setup<'_>) -> Opts {
    let mut options = OptsBuilder::default()
        .user(server.user.clone())
        .pass(server.password.as_ref().map(|password| password.expose()))
        .db_name(server.database.clone())
        // A login would otherwise go on by the socket that the server names.
        .prefer_socket(false)
        // A packet is kept until it is whole; this is how large it may become.
        .max_allowed_packet(Some(setup.bounds.bytes + PACKET_BYTES_EXTRA))
        // As other servers do: a row counts that was found, not only one that was changed.
        .client_found_rows(true)
        .init(vec![
            "SET NAMES utf8mb4".to_owned(),
            "SET time_zone = '+00:00'".to_owned(),
        ]);
    options = match server.host.starts_with('/') {
        true => options.socket(Some(server.host.clone())),
        false => options
            .ip_or_hostname(server.host.clone())
            .tcp_port(server.port),
    };
    if let Some(tls) = &server.tls {
        let path = |path: &std::path::Path| setup.home.join(path);
        let mut secured = SslOpts::default().with_disable_built_in_roots(true);
        if let Some(ca) = &tls.ca {
            secured = secured.with_root_certs(vec![path(ca).into()]);
        }
        if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
            let identity = ClientIdentity::new(path(certificate).into(), path(key).into());
            secured = secured.with_client_identity(Some(identity));
        }
        options = options.ssl_opts(secured);
    }
    options.into()
}

/// Tells the server when to end a statement by itself, in its own words.
async fn limit(conn: &mut Conn, statement: Duration) -> Result<(), Failure> {
    let seconds = statement.as_secs_f64();
    let of_mariadb = format!("SET SESSION max_statement_time = {seconds:.3}");
    match conn.query_drop(of_mariadb).await {
        Err(Error::Server(error)) if error.code == UNKNOWN_VARIABLE => {
            let millis = statement.as_millis();
            let of_mysql = format!("SET SESSION max_execution_time = {millis}");
            conn.query_drop(of_mysql)
                .await
                .map_err(|error| failure(&error))?;
        }
        other => other.map_err(|error| failure(&error))?,
    }
    // Neither ends a statement of MySQL that waits for a lock.
    let wait = format!(
        "SET SESSION innodb_lock_wait_timeout = {}",
        statement.as_secs().max(1)
    );
    conn.query_drop(wait).await.map_err(|error| failure(&error))
}

impl MariadbLink {
    async fn answer(
        &mut self,
        statement: &Statement,
        values: Vec<Param>,
    ) -> Result<Answer, Failure> {
        let values: Vec<Value> = values.into_iter().map(value).collect();
        let params = match values.is_empty() {
            true => Params::Empty,
            false => Params::Positional(values),
        };
        let result = self.conn.exec_iter(statement.text.as_str(), params).await;
        let mut result = result.map_err(|error| failure(&error))?;
        let columns = result.columns();
        let columns: &[Column] = columns.as_deref().unwrap_or_default();
        let names = columns.iter().map(|column| column.name_str().into_owned());
        let mut gathered = Gathered::new(self.bounds, names.collect());
        while let Some(row) = result.next().await.map_err(|error| failure(&error))? {
            let cells = row.unwrap().into_iter().zip(columns);
            let cells = cells.map(|(value, column)| cell(value, column)).collect();
            if !gathered.push(cells)? {
                return Ok(gathered.answer);
            }
        }
        gathered.answer.affected = result.affected_rows();
        Ok(gathered.answer)
    }
}

fn value(param: Param) -> Value {
    match param {
        Param::Null => Value::NULL,
        Param::Bool(flag) => Value::Int(flag.into()),
        Param::Int(number) => Value::Int(number),
        Param::UInt(number) => Value::UInt(number),
        Param::Float(number) => Value::Double(number),
        Param::Text(text) => Value::Bytes(text.into_bytes()),
        Param::Bytes(bytes) => Value::Bytes(bytes),
    }
}

fn cell(value: Value, column: &Column) -> Cell {
    match (value, column.column_type()) {
        (Value::NULL, _) => Cell::Null,
        (Value::Int(number), _) => Cell::Int(number),
        (Value::UInt(number), _) => Cell::UInt(number),
        (Value::Float(number), _) => Cell::narrow(number),
        (Value::Double(number), _) => Cell::Float(number),
        (Value::Date(year, month, day, ..), ColumnType::MYSQL_TYPE_DATE) => {
            Cell::Text(format!("{year:04}-{month:02}-{day:02}"))
        }
        (Value::Date(year, month, day, hour, minute, second, micros), of) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let text = format!("{date} {}", clock(hour.into(), minute, second, micros));
            // The session is in UTC, so of a TIMESTAMP the zone is known.
            match of {
                ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => {
                    let moment = Cell::Text(text.clone()).moment();
                    moment.map_or(Cell::Text(text), Cell::Time)
                }
                _ => Cell::Text(text),
            }
        }
        (Value::Time(is_negative, days, hours, minutes, seconds, micros), _) => {
            let sign = if is_negative { "-" } else { "" };
            let hours = days.saturating_mul(24).saturating_add(hours.into());
            Cell::Text(format!("{sign}{}", clock(hours, minutes, seconds, micros)))
        }
        (Value::Bytes(bytes), of) => of_bytes(bytes, of, column.character_set()),
    }
}

fn of_bytes(bytes: Vec<u8>, of: ColumnType, character_set: u16) -> Cell {
    let number = || {
        let number = bytes.iter().try_fold(0_u64, |number, byte| {
            number.checked_mul(256)?.checked_add((*byte).into())
        });
        number.map(Cell::UInt)
    };
    match of {
        ColumnType::MYSQL_TYPE_BIT => number().unwrap_or(Cell::Bytes(bytes)),
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
            String::from_utf8(bytes).map_or_else(|e| Cell::Bytes(e.into_bytes()), Cell::Decimal)
        }
        ColumnType::MYSQL_TYPE_JSON => {
            String::from_utf8(bytes).map_or_else(|e| Cell::Bytes(e.into_bytes()), Cell::Json)
        }
        _ if character_set == BINARY => Cell::Bytes(bytes),
        _ => String::from_utf8(bytes).map_or_else(|e| Cell::Bytes(e.into_bytes()), Cell::Text),
    }
}

fn clock(hours: u32, minutes: u8, seconds: u8, micros: u32) -> String {
    match micros {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        micros => format!("{hours:02}:{minutes:02}:{seconds:02}.{micros:06}"),
    }
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::Server(told) if OVER.contains(&told.code) => Failure::Lost(told.to_string()),
        Error::Server(told) => Failure::Refused {
            code: told.code.to_string(),
            message: told.message.clone(),
        },
        // The library has no other word for it: its codec's own error is behind an I/O error.
        Error::Io(told) if told.to_string().contains("max_allowed_packet") => Failure::TooLarge(0),
        other => Failure::Lost(other.to_string()),
    }
}

impl Link for MariadbLink {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: Vec<Param>,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let answer = self.answer(statement, values).await;
            answer.map_err(|failure| match failure {
                Failure::TooLarge(_) => Failure::TooLarge(self.bounds.bytes),
                other => other,
            })
        })
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { self.conn.ping().await.map_err(|error| failure(&error)) })
    }
}

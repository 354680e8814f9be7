//! `POST /api/v1/loggers/{id}/samples`: history of a series. The body may be of any length: it is
//! read as fast as its samples are stored, batch by batch, and what is there already is not stored
//! again. So whoever was interrupted sends the same once more.

pub(crate) mod sample;
mod split;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use mainstem_datalogger::recorder::{BROUGHT_ROWS_MAX, Book, LoggerView};
use mainstem_datalogger::{Row, SampleQuery, SeriesId, Sink, SinkError, row_hash};
use mainstem_model::Timestamp;
use mainstem_wire::api::ProblemDocument;
use mainstem_wire::api::history::{EditRow, ImportDocument, WrongLine};
use serde::Deserialize;

use super::answer;
use super::owned::{bring, own_series};
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::query::{Params, Segment};
use crate::{Api, body};
use sample::{Sample, Taker, quality};
use split::{Record, Split};
use table::Columns;

/// Samples of a batch; it ends where the time changes, so that equal samples that follow each other
/// are counted together.
const BATCH_ROWS: usize = 8192;
/// Wrong lines that are told with their reasons.
const WRONG_MAX: usize = 100;
/// Between two pieces of a body.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// The parameters of an import.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// The time zone of times without an offset, such as `Europe/Berlin`.
    zone: Option<String>,
    /// What the columns of a table are, with commas between: `time`, `value`, `quality`, `reason`,
    /// and `-` for what is left out. By the heading unless given; with it a table has no heading.
    columns: Option<String>,
    /// What parts the columns, together with `columns`: `comma`, `semicolon` or `tab`.
    delimiter: Option<String>,
    /// The number of the first line, for bodies that are parts of one file.
    #[serde(default)]
    #[param(minimum = 1)]
    first_line: Option<u64>,
    /// Whether nothing is stored and only told what would be.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/loggers/{id}/samples`.
#[utoipa::path(
    post,
    path = "/api/v1/loggers/{id}/samples",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series"), ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "A table with the \
        columns time, value, quality and reason; or, as `application/x-ndjson`, documents with \
        these members, one a line"),
    responses((status = 200, description = "What was stored", body = ImportDocument),
        (status = 403, description = "The role may not", body = ProblemDocument),
        (status = 409, description = "The series is recorded elsewhere", body = ProblemDocument))
)]
pub(crate) async fn post(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(asked): Params<ImportQuery>,
    caller: Caller,
    request: Request,
) -> Result<Json<ImportDocument>, Problem> {
    let (book, view) = own_series(&api, &caller, &id, "logger.import")?;
    let is_table = body::need_media_type(request.headers(), "text/csv").is_ok();
    if !is_table {
        body::need_media_type(request.headers(), "application/x-ndjson")?;
    }
    let reader = Reader::new(&api, &view, &asked, is_table)?;
    let mut import = Import {
        told: ImportDocument {
            dry_run: asked.dry_run,
            ..ImportDocument::default()
        },
        first_line: asked.first_line.unwrap_or(1).max(1),
        now: api.clock().now(),
        book,
        view,
        reader,
        batch: Vec::new(),
    };
    let done = import.run(request).await;
    let told = &import.told;
    let detail = format!(
        "{} stored, {} known, {} wrong",
        told.stored, told.known, told.wrong
    );
    let outcome = if done.is_ok() { "ok" } else { "failed" };
    if !asked.dry_run {
        api.note_with(&caller, "logger.import", &id, outcome, detail.clone());
    }
    done.map_err(|problem| problem.with("done", detail.clone()))?;
    Ok(Json(import.told))
}

/// Records into samples.
struct Reader {
    taker: Taker,
    /// Absent before the heading of a table, and for documents.
    columns: Option<Columns>,
    is_table: bool,
}

impl Reader {
    fn new(
        api: &Api,
        view: &LoggerView,
        asked: &ImportQuery,
        is_table: bool,
    ) -> Result<Self, Problem> {
        let wrong = |text: String| Problem::new(Code::Query, text);
        let zone = asked.zone.as_deref().map(TimeZone::get).transpose();
        let delimiter = match asked.delimiter.as_deref() {
            None | Some("comma") => b',',
            Some("semicolon") => b';',
            Some("tab") => b'\t',
            Some(_) => return Err(wrong("delimiter is comma, semicolon or tab".into())),
        };
        let list = asked.columns.as_deref();
        let columns = list
            .map(|list| Columns::of_list(list, delimiter))
            .transpose();
        Ok(Self {
            taker: Taker {
                value_type: view.value_type,
                zone: zone.map_err(|error| wrong(format!("zone: {error}")))?,
                now: api.clock().now(),
            },
            columns: columns.map_err(wrong)?,
            is_table,
        })
    }

    /// Nothing for a heading or an empty line.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<Sample>, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        if !self.is_table {
            let row: EditRow = serde_json::from_str(text).map_err(|error| error.to_string())?;
            return document(&row, &self.taker).map(Some);
        }
        match &self.columns {
            Some(columns) => columns.sample(text, &self.taker).map(Some),
            None => {
                self.columns = Some(Columns::of_heading(text)?);
                Ok(None)
            }
        }
    }
}

/// A sample as a document.
pub(super) fn document(row: &EditRow, taker: &Taker) -> Result<Sample, String> {
    let value = taker.json(&row.value)?;
    let (status, reason) = (row.quality.as_deref(), row.reason.as_deref());
    let quality = quality(status.unwrap_or(""), reason.unwrap_or(""), &value)?;
    Ok(Sample {
        time: taker.within(row.time.micros())?,
        value,
        quality,
    })
}

/// One body on its way into the store.
struct Import {
    told: ImportDocument,
    first_line: u64,
    now: Timestamp,
    book: Arc<Book>,
    view: LoggerView,
    reader: Reader,
    batch: Vec<Sample>,
}

impl Import {
    async fn run(&mut self, request: Request) -> Result<(), Problem> {
        let mut pieces = request.into_body().into_data_stream();
        let mut split = Split::new(self.reader.is_table);
        let mut records = Vec::new();
        loop {
            let piece = tokio::time::timeout(PATIENCE, pieces.next()).await;
            let slow = |_| Problem::new(Code::Timeout, format!("nothing came for {PATIENCE:?}"));
            let piece = match piece.map_err(slow)? {
                Some(Ok(piece)) => piece,
                Some(Err(_)) => {
                    return Err(Problem::new(Code::Json, "the body ended before its end"));
                }
                None => break,
            };
            split.take(&piece, &mut records);
            for record in records.drain(..) {
                self.record(&record).await?;
            }
            self.told.lines = split.lines();
        }
        split.rest(&mut records);
        self.told.lines = split.lines();
        for record in records {
            self.record(&record).await?;
        }
        self.store().await
    }

    async fn record(&mut self, record: &Record) -> Result<(), Problem> {
        let read = match &record.bytes {
            Some(bytes) => self.reader.read(bytes),
            None => Err(format!(
                "it has more than {} bytes",
                split::RECORD_BYTES_MAX
            )),
        };
        let sample = match read {
            Ok(Some(sample)) => sample,
            Ok(None) => return Ok(()),
            Err(reason) => {
                self.told.wrong += 1;
                if self.told.wrong_lines.len() < WRONG_MAX {
                    let line = record.line + self.first_line - 1;
                    self.told.wrong_lines.push(WrongLine { line, reason });
                }
                if self.reader.is_table && self.reader.columns.is_none() {
                    // Without a heading no line can be read.
                    let detail = self.told.wrong_lines.pop().map(|wrong| wrong.reason);
                    return Err(Problem::new(Code::Json, detail.unwrap_or_default()));
                }
                return Ok(());
            }
        };
        let is_next = self
            .batch
            .last()
            .is_some_and(|last| last.time != sample.time);
        if (self.batch.len() >= BATCH_ROWS && is_next) || self.batch.len() >= BROUGHT_ROWS_MAX {
            self.store().await?;
        }
        self.batch.push(sample);
        Ok(())
    }

    /// Stores what of the batch is not there already.
    async fn store(&mut self) -> Result<(), Problem> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let (book, series, received) = (Arc::clone(&self.book), self.view.series, self.now);
        let stopped = || Problem::new(Code::Stopping, "the data loggers are being stopped");
        // Nobody else brings the same between the look and the bringing.
        let alone = self.book.door().alone().await.ok_or_else(stopped)?;
        let looked = tokio::task::spawn_blocking(move || {
            let rows = rows(series, batch, received);
            let count = rows.len() as u64;
            let fresh = unknown(&**book.sink(), series, rows)?;
            Ok((count - fresh.len() as u64, fresh))
        });
        let looked = looked.await.map_err(|error| Problem::internal(&error))?;
        let (known, fresh) = looked.map_err(|error: SinkError| answer::unreadable(&error))?;
        let count = fresh.len() as u64;
        if count > 0 && !self.told.dry_run {
            bring(&self.book, series, fresh).await?;
        }
        drop(alone);
        self.told.known += known;
        self.told.stored += count;
        Ok(())
    }
}

/// Samples as rows that have no number yet.
pub(super) fn rows(series: SeriesId, samples: Vec<Sample>, received: Timestamp) -> Vec<Row> {
    let rows = samples.into_iter().map(|sample| Row {
        series,
        row: 0,
        time: sample.time,
        received: Some(received.micros()),
        value: sample.value,
        quality: sample.quality,
    });
    rows.collect()
}

/// What of some rows is not there. Of equal ones as many are left out as there are.
fn unknown(sink: &dyn Sink, series: SeriesId, rows: Vec<Row>) -> Result<Vec<Row>, SinkError> {
    let times = rows.iter().map(|row| row.time);
    let (Some(from), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(rows);
    };
    let mut there: HashMap<u64, u64> = HashMap::new();
    for row in &rows {
        there.insert(likeness(row), 0);
    }
    for row in sink.samples(&SampleQuery::new(series, from, last.saturating_add(1)))? {
        if let Some(count) = there.get_mut(&likeness(&row?)) {
            *count += 1;
        }
    }
    let is_new = |row: &Row| match there.get_mut(&likeness(row)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let mut rows = rows;
    rows.retain(is_new);
    Ok(rows)
}

/// What equal samples have in common: time, value and quality.
fn likeness(row: &Row) -> u64 {
    row_hash(&Row {
        row: 0,
        received: None,
        ..row.clone()
    })
}

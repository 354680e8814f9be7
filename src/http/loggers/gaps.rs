//! `/api/v1/loggers/{id}/gaps`: where nothing is known, and why. What the store has on record and
//! what the rows themselves tell, in one list.

use std::io::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_datalogger::{GapQuery, Logged, Order, Row, SampleQuery, SinkError};
use mainstem_model::{NodeId, Quality, Timestamp};
use mainstem_wire::api::history::GapDocument;
use serde::Deserialize;

use super::answer::{self, Ended, Form, Out};
use super::asked::{limit, moment, wrong};
use super::find;
use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::{Params, Segment};

const HEADINGS: &str = "from,to,cause,hop,state,since,first_row,last_row,record\r\n";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GapsQuery {
    /// Gaps that end behind this moment; all unless given.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Gaps that begin before this moment; all unless given.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Gaps at the most; 1000 unless given for JSON, all for lines and tables.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// Where to go on: the `next` of the part before.
    page: Option<String>,
    /// `json`, `ndjson` or `csv`; otherwise by the header `Accept`.
    format: Option<String>,
}

/// The place of a gap in the list: its beginning, whether rows tell it, its record or row.
type Place = (i64, u8, u64);

/// `GET /api/v1/loggers/{id}/gaps`.
#[utoipa::path(
    get,
    path = "/api/v1/loggers/{id}/gaps",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series"), GapsQuery),
    responses((status = 200, description = "Gaps in the order of their beginnings", content(
        (serde_json::Value = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv")
    )))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(asked): Params<GapsQuery>,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    let form = Form::of(asked.format.as_deref(), &headers)?;
    let time = |what: &str, text: &Option<String>, usual: i64| {
        let told = text.as_deref().map(|text| moment(what, text));
        told.unwrap_or(Ok(usual))
    };
    let wish = Wish {
        from: time("from", &asked.from, i64::MIN)?,
        to: time("to", &asked.to, i64::MAX)?,
        after: asked.page.as_deref().map(place).transpose()?,
        limit: limit(asked.limit, form)?,
        form,
        own: api.store.setup().node,
    };
    answer::stream(&api, form, move |out| tell(&book, &view, &wish, out))
}

struct Wish {
    from: i64,
    to: i64,
    after: Option<Place>,
    limit: u64,
    form: Form,
    own: NodeId,
}

/// A place between two gaps: `time.kind.number`.
fn place(text: &str) -> Result<Place, Problem> {
    let mut parts = text.split('.');
    let mut read = || -> Option<Place> {
        let time = parts.next()?.parse().ok()?;
        let kind = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some((time, kind, number))
    };
    read().ok_or_else(|| wrong("page is the `next` of the part before"))
}

fn tell(book: &Book, view: &LoggerView, wish: &Wish, out: &mut Out) -> Result<(), Ended> {
    match wish.form {
        Form::Json => out.write_all(b"{\"items\":[")?,
        Form::Csv => out.write_all(HEADINGS.as_bytes())?,
        Form::Lines | Form::Frames => {}
    }
    let records = records(book, view, wish)?.into_iter();
    let told = TellingRows::new(book, view, wish)?;
    let (mut told, mut records) = (told.peekable(), records.peekable());
    let (mut count, mut last, mut next) = (0, None, None);
    loop {
        let from_rows = match (told.peek(), records.peek()) {
            (None, None) => break,
            (Some(Ok(row)), Some(record)) => row.0 < record.0,
            (row, _) => row.is_some(),
        };
        let found = if from_rows {
            told.next()
        } else {
            records.next().map(Ok)
        };
        let Some((place, gap)) = found.transpose()? else {
            break;
        };
        if wish.after.is_some_and(|after| place <= after) {
            continue;
        }
        if count == wish.limit {
            next = last;
            break;
        }
        write_gap(wish.form, &gap, count == 0, out)?;
        (count, last) = (count + 1, Some(place));
    }
    if wish.form == Form::Json {
        match next {
            Some((time, kind, number)) => {
                write!(out, "],\"next\":\"{time}.{kind}.{number}\"}}")?;
            }
            None => out.write_all(b"],\"next\":null}")?,
        }
    }
    Ok(())
}

/// The gaps on record, in the order of their beginnings.
fn records(
    book: &Book,
    view: &LoggerView,
    wish: &Wish,
) -> Result<Vec<(Place, GapDocument)>, SinkError> {
    let gaps = book.sink().gaps(&GapQuery::of(view.series))?;
    let within = gaps
        .into_iter()
        .filter(|(_, gap)| gap.to > wish.from && gap.from < wish.to);
    let told = within.map(|(id, gap)| {
        let document = GapDocument {
            record: Some(id.0),
            series: view.name.to_string(),
            from: Timestamp::from_micros(gap.from),
            to: (gap.to != i64::MAX).then(|| Timestamp::from_micros(gap.to)),
            first_row: gap.rows.map(|rows| rows.0),
            last_row: gap.rows.map(|rows| rows.1),
            cause: gap.cause.as_str().to_owned(),
            hop: gap.hop.unwrap_or(wish.own).to_string(),
            state: gap.state.as_str().to_owned(),
            since: Timestamp::from_micros(gap.since),
        };
        ((gap.from, 0, id.0), document)
    });
    let mut told: Vec<_> = told.collect();
    told.sort_by_key(|(place, _)| *place);
    Ok(told)
}

/// The gaps that rows tell: from a row without a value to the next row.
struct TellingRows {
    rows: mainstem_datalogger::Samples,
    open: Option<Row>,
    name: String,
    origin: String,
    to: i64,
}

impl TellingRows {
    fn new(book: &Book, view: &LoggerView, wish: &Wish) -> Result<Self, SinkError> {
        let sink = book.sink();
        let begin = wish.after.map_or(wish.from, |after| after.0.max(wish.from));
        // What began before may reach into the stretch.
        let mut before = SampleQuery::new(view.series, i64::MIN, begin);
        (before.order, before.limit) = (Order::Descending, 1);
        let before = sink.samples(&before)?.next().transpose()?;
        let key = sink
            .list()
            .into_iter()
            .find(|(series, _)| *series == view.series);
        Ok(Self {
            rows: sink.samples(&SampleQuery::new(view.series, begin, i64::MAX))?,
            open: before.filter(is_unknown),
            name: view.name.to_string(),
            origin: key.map_or(wish.own, |(_, key)| key.origin).to_string(),
            to: wish.to,
        })
    }

    fn gap(&self, row: &Row, to: Option<i64>) -> (Place, GapDocument) {
        let document = GapDocument {
            record: None,
            series: self.name.clone(),
            from: Timestamp::from_micros(row.time),
            to: to.map(Timestamp::from_micros),
            first_row: None,
            last_row: None,
            cause: Quality::from_code(row.quality).reason.as_str().to_owned(),
            hop: self.origin.clone(),
            state: if to.is_some() { "permanent" } else { "open" }.to_owned(),
            since: Timestamp::from_micros(row.received.unwrap_or(row.time)),
        };
        ((row.time, 1, row.row), document)
    }
}

fn is_unknown(row: &Row) -> bool {
    matches!(row.value, Logged::None)
}

impl Iterator for TellingRows {
    type Item = Result<(Place, GapDocument), SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(row) = self.rows.next() {
            let row = match row {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let time = row.time;
            let begun = (is_unknown(&row) && time < self.to).then_some(row);
            if time >= self.to {
                self.rows = Box::new(std::iter::empty());
            }
            if let Some(ended) = std::mem::replace(&mut self.open, begun) {
                return Some(Ok(self.gap(&ended, Some(time))));
            }
        }
        let open = self.open.take().filter(|open| open.time < self.to)?;
        Some(Ok(self.gap(&open, None)))
    }
}

fn write_gap(form: Form, gap: &GapDocument, is_first: bool, out: &mut Out) -> Result<(), Ended> {
    if form == Form::Csv {
        let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let cell = |text: Option<String>| text.unwrap_or_default();
        write!(
            out,
            "{},{},{},{},{},{},{},{},{}\r\n",
            gap.from,
            cell(moment(gap.to)),
            gap.cause,
            gap.hop,
            gap.state,
            gap.since,
            cell(number(gap.first_row)),
            cell(number(gap.last_row)),
            cell(number(gap.record)),
        )?;
        return Ok(());
    }
    if form == Form::Json && !is_first {
        out.write_all(b",")?;
    }
    serde_json::to_writer(&mut *out, gap).map_err(std::io::Error::from)?;
    if form == Form::Lines {
        out.write_all(b"\n")?;
    }
    Ok(())
}

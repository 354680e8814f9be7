//! Several series on one time grid as an answer.

use std::io::Write;

use http::HeaderMap;
use mainstem_datalogger::grid::{
    Fill, GRID_SERIES_MAX, GRID_STEP_MIN, Grid, GridQuery as Wanted, Measure,
};
use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_model::Timestamp;
use mainstem_model::quantity::parse_duration;
use serde::Deserialize;

use super::answer::{Ended, Form, Out, csv_text, number};
use super::asked::{span, wrong};
use crate::problem::Problem;

/// Lines unless a step or a number is given.
const POINTS_DEFAULT: u32 = 500;
/// Lines in one JSON document at the most.
const JSON_LINES_MAX: i64 = 100_000;
/// Lines in other forms at the most.
const LINES_MAX: i64 = 10_000_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GridQuery {
    /// The series, with commas between their names: 1 to 32. Each is a column, in this order.
    series: String,
    /// Where the first slot begins; the last 24 hours unless given.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Slots begin before this moment; now unless given.
    #[param(format = DateTime)]
    to: Option<String>,
    /// The width of a slot, such as `10s`, `1 min` or `1h`; at least 1 ms. Slots of whole hours that
    /// begin at a full hour come from hourly roll-ups, which outlive samples.
    step: Option<String>,
    /// In place of `step`: how many slots; 500 unless given. At most 100000 for JSON, 10 million for
    /// lines and tables.
    #[param(minimum = 1)]
    points: Option<u32>,
    /// What a cell is: `average` (by time), `min`, `max`, `mean` (of rows), `first`, `last` or
    /// `count`; `average` unless given. A value holds until the next row of its series.
    agg: Option<String>,
    /// What stands where nothing was known in a slot: `none` (null; an empty cell in tables), or
    /// `previous`: the cell before.
    fill: Option<String>,
    /// Which rows count: `not_bad` or `good`; `not_bad` unless given. From a row that does not count
    /// until the next nothing is known.
    quality: Option<String>,
    /// `json`, `ndjson` or `csv`; otherwise by the header `Accept`.
    format: Option<String>,
}

/// A grid that is wanted.
pub(super) struct GridWish {
    query: Wanted,
    names: Vec<String>,
    pub(super) form: Form,
}

impl GridQuery {
    /// The names that are asked for.
    pub(super) fn names(&self) -> Result<Vec<&str>, Problem> {
        let names: Vec<&str> = self.series.split(',').map(str::trim).collect();
        match names.len() {
            1..=GRID_SERIES_MAX => Ok(names),
            _ => Err(wrong("series are 1 to 32 names with commas between them")),
        }
    }

    pub(super) fn wish(
        &self,
        views: &[LoggerView],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<GridWish, Problem> {
        let form = Form::of(self.format.as_deref(), headers)?;
        let (from, to) = span(self.from.as_deref(), self.to.as_deref(), now, 24)?;
        let step = self.step(to.saturating_sub(from))?;
        let most = if form == Form::Json {
            JSON_LINES_MAX
        } else {
            LINES_MAX
        };
        if to.saturating_sub(from) / step >= most {
            return Err(wrong(
                "the grid has too many lines: at most 100000 for JSON, 10 million otherwise",
            ));
        }
        let word = self.agg.as_deref().unwrap_or("average");
        let measure = Measure::parse(word)
            .ok_or_else(|| wrong("agg is average, min, max, mean, first, last or count"))?;
        let fill = match self.fill.as_deref() {
            None | Some("none") => Fill::Nothing,
            Some("previous") => Fill::Previous,
            Some(_) => return Err(wrong("fill is none or previous")),
        };
        let only_good = match self.quality.as_deref() {
            None | Some("not_bad") => false,
            Some("good") => true,
            Some(_) => return Err(wrong("quality is not_bad or good")),
        };
        Ok(GridWish {
            query: Wanted {
                series: views.iter().map(|view| view.series).collect(),
                from,
                to,
                step,
                now: now.micros(),
                measure,
                fill,
                only_good,
            },
            names: views.iter().map(|view| view.name.to_string()).collect(),
            form,
        })
    }

    fn step(&self, width: i64) -> Result<i64, Problem> {
        let points = match (&self.step, self.points) {
            (Some(_), Some(_)) => return Err(wrong("step stands without points")),
            (_, Some(0)) => return Err(wrong("points is 1 or more")),
            (Some(step), None) => {
                let step = parse_duration(step).ok();
                let step = step.and_then(|step| i64::try_from(step.as_micros()).ok());
                return step
                    .filter(|step| *step >= GRID_STEP_MIN)
                    .ok_or_else(|| wrong("step is a duration such as 10s, at least 1ms"));
            }
            (None, points) => i64::from(points.unwrap_or(POINTS_DEFAULT)),
        };
        // Rounded up: not one slot more than was asked for.
        let step = width.saturating_add(points - 1) / points;
        Ok(step.max(GRID_STEP_MIN))
    }
}

/// Writes the whole answer.
pub(super) fn tell(book: &Book, wish: GridWish, out: &mut Out) -> Result<(), Ended> {
    let form = wish.form;
    head(&wish, out)?;
    let mut grid = Grid::new(&**book.sink(), wish.query)?;
    let (mut cells, mut is_first) = (Vec::new(), true);
    while let Some(at) = grid.line(&mut cells)? {
        let at = Timestamp::from_micros(at);
        if form == Form::Csv {
            write!(out, "{at}")?;
            for cell in &cells {
                write!(out, ",{}", cell.map(number).unwrap_or_default())?;
            }
            out.write_all(b"\r\n")?;
            continue;
        }
        if form == Form::Json && !is_first {
            out.write_all(b",")?;
        }
        is_first = false;
        write!(out, "{{\"time\":\"{at}\",\"values\":[")?;
        for (place, cell) in cells.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let cell = cell.map_or_else(|| "null".to_owned(), number);
            write!(out, "{comma}{cell}")?;
        }
        out.write_all(if form == Form::Lines { b"]}\n" } else { b"]}" })?;
    }
    if form == Form::Json {
        out.write_all(b"]}")?;
    }
    Ok(())
}

/// What stands before the lines.
fn head(wish: &GridWish, out: &mut Out) -> Result<(), Ended> {
    match wish.form {
        Form::Lines | Form::Frames => {}
        Form::Csv => {
            out.write_all(b"time")?;
            for name in &wish.names {
                write!(out, ",{}", csv_text(name))?;
            }
            out.write_all(b"\r\n")?;
        }
        Form::Json => {
            let names = serde_json::to_string(&wish.names).map_err(std::io::Error::from)?;
            #[expect(clippy::cast_precision_loss, reason = "seconds of a slot")]
            let step = wish.query.step as f64 / 1e6;
            write!(
                out,
                "{{\"series\":{names},\"step\":{step},\"agg\":\"{}\",\"items\":[",
                wish.query.measure.as_str()
            )?;
        }
    }
    Ok(())
}

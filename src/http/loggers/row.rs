//! Rows of a series as an answer.

use std::io::Write;

use mainstem_datalogger::recorder::Book;
use mainstem_datalogger::thinning::{Dot, Pixels, Triangles};
use mainstem_datalogger::{Logged, Row};
use mainstem_model::{Quality, Timestamp, Value};
use mainstem_wire::write_value;

use super::answer::{Ended, Form, Out, csv_text, number};
use super::asked::{RowWish, Thin};

const HEADINGS: &str = "time,value,quality,reason\r\n";

/// Writes the whole answer.
pub(super) fn tell(book: &Book, wish: &RowWish, out: &mut Out) -> Result<(), Ended> {
    let mut writer = Writer::new(wish.form, out)?;
    let mut query = wish.query;
    // One more than asked for says whether there is another part.
    query.limit = query.limit.saturating_add(1);
    let rows = book.sink().samples(&query)?;
    let mut next = None;
    match wish.thin {
        Some(thin) => writer.thin(thin, wish, rows)?,
        None => {
            let (mut told, mut last) = (0, None);
            for row in rows {
                let row = row?;
                if told == wish.query.limit {
                    next = last.map(|(time, row)| format!("{time}.{row}"));
                    break;
                }
                told += 1;
                last = Some((row.time, row.row));
                writer.row(&row)?;
            }
        }
    }
    writer.end(next)
}

struct Writer<'a> {
    form: Form,
    out: &'a mut Out,
    is_first: bool,
    value: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(form: Form, out: &'a mut Out) -> Result<Self, Ended> {
        match form {
            Form::Json => out.write_all(b"{\"items\":[")?,
            Form::Csv => out.write_all(HEADINGS.as_bytes())?,
            Form::Lines | Form::Frames => {}
        }
        Ok(Self {
            form,
            out,
            is_first: true,
            value: Vec::new(),
        })
    }

    fn row(&mut self, row: &Row) -> Result<(), Ended> {
        self.value.clear();
        match (&row.value, self.form) {
            (Logged::Text(text), Form::Csv) => {
                self.value.extend_from_slice(csv_text(text).as_bytes());
            }
            (Logged::None, Form::Csv) => {}
            (value, _) => write_logged(value, &mut self.value),
        }
        self.line(row.time, row.quality)
    }

    fn line(&mut self, time: i64, quality: u16) -> Result<(), Ended> {
        let (time, quality) = (Timestamp::from_micros(time), Quality::from_code(quality));
        let (status, reason) = (quality.status.as_str(), quality.reason.as_str());
        let value = &self.value;
        if self.form == Form::Csv {
            write!(self.out, "{time},")?;
            self.out.write_all(value)?;
            write!(self.out, ",{status},{reason}\r\n")?;
            return Ok(());
        }
        if self.form == Form::Json && !self.is_first {
            self.out.write_all(b",")?;
        }
        self.is_first = false;
        write!(self.out, "{{\"time\":\"{time}\",\"value\":")?;
        self.out.write_all(value)?;
        write!(
            self.out,
            ",\"quality\":\"{status}\",\"reason\":\"{reason}\"}}"
        )?;
        if self.form == Form::Lines {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn thin(
        &mut self,
        thin: Thin,
        wish: &RowWish,
        rows: impl Iterator<Item = Result<Row, mainstem_datalogger::SinkError>>,
    ) -> Result<(), Ended> {
        let (from, to) = (wish.query.from, wish.query.to);
        let mut triangles = None;
        let mut pixels = None;
        match thin {
            Thin::Triangles(points) => triangles = Some(Triangles::new(from, to, points)),
            Thin::Pixels(width) => pixels = Some(Pixels::new(from, to, width)),
        }
        let mut dots = Vec::new();
        for row in rows {
            let row = row?;
            let is_bad = Quality::from_code(row.quality).status == mainstem_model::Status::Bad;
            let dot = Dot {
                at: row.time,
                value: row.value.as_f64().filter(|_| !is_bad),
                quality: row.quality,
            };
            if let Some(triangles) = &mut triangles {
                triangles.push(dot, &mut dots);
            }
            if let Some(pixels) = &mut pixels {
                pixels.push(dot, &mut dots);
            }
            self.dots(&mut dots)?;
        }
        if let Some(triangles) = &mut triangles {
            triangles.finish(&mut dots);
        }
        if let Some(pixels) = &mut pixels {
            pixels.finish(&mut dots);
        }
        self.dots(&mut dots)
    }

    fn dots(&mut self, dots: &mut Vec<Dot>) -> Result<(), Ended> {
        for dot in dots.drain(..) {
            self.value.clear();
            match dot.value {
                Some(value) => self.value.extend_from_slice(number(value).as_bytes()),
                None if self.form == Form::Csv => {}
                None => self.value.extend_from_slice(b"null"),
            }
            self.line(dot.at, dot.quality)?;
        }
        Ok(())
    }

    fn end(self, next: Option<String>) -> Result<(), Ended> {
        if self.form == Form::Json {
            match next {
                Some(next) => write!(self.out, "],\"next\":\"{next}\"}}")?,
                None => self.out.write_all(b"],\"next\":null}")?,
            }
        }
        Ok(())
    }
}

fn write_logged(value: &Logged, out: &mut Vec<u8>) {
    match value {
        Logged::None => out.extend_from_slice(b"null"),
        Logged::Number(number) => write_value(&Value::F64(*number), out),
        Logged::Integer(number) => write_value(&Value::Int(*number), out),
        Logged::Bool(truth) => write_value(&Value::Bool(*truth), out),
        Logged::Text(text) => write_value(&Value::Text(text.clone()), out),
        // It is no sample, and no sink tells it as one.
        Logged::Edit(_) => out.extend_from_slice(b"null"),
    }
}

//! Lines of a table into samples.

use super::sample::{Sample, Taker, quality};

/// Columns of one table.
const COLUMNS_MAX: usize = 64;

/// Where what stands in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    delimiter: u8,
    time: usize,
    value: usize,
    quality: Option<usize>,
    reason: Option<usize>,
}

/// A cell, and whether it stood in quotes.
type Cell = (String, bool);

impl Columns {
    /// By the heading of a table: `time` and `value`, and `quality` and `reason` if they are there.
    pub(super) fn of_heading(line: &str) -> Result<Self, String> {
        // A byte order mark is no part of the first name.
        let line = line.trim_start_matches('\u{feff}');
        let delimiter = [b',', b';', b'\t'];
        let most = delimiter.into_iter().max_by_key(|delimiter| {
            let found = line.bytes().filter(|byte| byte == delimiter).count();
            // Of equal counts the first one, which is the comma.
            (found, std::cmp::Reverse(*delimiter != b','))
        });
        let delimiter = most.unwrap_or(b',');
        let cells = cells(line, delimiter)?;
        let names: Vec<String> = cells
            .into_iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        Self::of_names(&names, delimiter)
    }

    /// By a list of names, in the order of the columns; `-` is left out.
    pub(super) fn of_list(list: &str, delimiter: u8) -> Result<Self, String> {
        let names: Vec<String> = list
            .split(',')
            .map(|name| name.trim().to_lowercase())
            .collect();
        Self::of_names(&names, delimiter)
    }

    fn of_names(names: &[String], delimiter: u8) -> Result<Self, String> {
        let place = |wanted: &str| names.iter().position(|name| name.trim() == wanted);
        let (time, value) = (place("time"), place("value"));
        let (Some(time), Some(value)) = (time, value) else {
            return Err(
                "a table needs the columns time and value; name others with `columns`".into(),
            );
        };
        Ok(Self {
            delimiter,
            time,
            value,
            quality: place("quality"),
            reason: place("reason"),
        })
    }

    /// A line as a sample.
    pub(super) fn sample(&self, line: &str, taker: &Taker) -> Result<Sample, String> {
        let cells = cells(line, self.delimiter)?;
        let cell = |place: usize| {
            cells.get(place).ok_or_else(|| {
                format!(
                    "it has {} columns, and column {} is needed",
                    cells.len(),
                    place + 1
                )
            })
        };
        let word = |place: Option<usize>| {
            let found = place.and_then(|place| cells.get(place));
            found.map_or("", |(text, _)| text.trim())
        };
        let time = taker.time(cell(self.time)?.0.trim())?;
        let (text, is_quoted) = cell(self.value)?;
        let value = match (self.delimiter, is_quoted) {
            (b',', false) => taker.cell(text.trim(), false)?,
            // Where commas do not part columns they part the decimals.
            (_, false) if is_decimal(text) => taker.cell(&text.trim().replace(',', "."), false)?,
            (_, false) => taker.cell(text.trim(), false)?,
            (_, true) => taker.cell(text, true)?,
        };
        let quality = quality(word(self.quality), word(self.reason), &value)?;
        Ok(Sample {
            time,
            value,
            quality,
        })
    }
}

fn is_decimal(text: &str) -> bool {
    let text = text.trim();
    let has_comma = text.matches(',').count() == 1 && !text.contains('.');
    has_comma
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-,eE".contains(&byte))
}

/// The cells of a line.
fn cells(line: &str, delimiter: u8) -> Result<Vec<Cell>, String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        if cells.len() == COLUMNS_MAX {
            return Err(format!("it has more than {COLUMNS_MAX} columns"));
        }
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = unquoted(quoted)?;
                ((text, true), after)
            }
            None => {
                let end = rest.bytes().position(|byte| byte == delimiter);
                let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
                ((text.to_owned(), false), after)
            }
        };
        cells.push(cell);
        match after.as_bytes().first() {
            None => return Ok(cells),
            Some(byte) if *byte == delimiter => rest = &after[1..],
            Some(_) => return Err("something stands behind a closing quote".into()),
        }
    }
}

/// The text up to the closing quote, and what stands behind it.
fn unquoted(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('"') else {
            return Err("a quote is not closed".into());
        };
        out.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                out.push('"');
                rest = more;
            }
            None => return Ok((out, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use mainstem_datalogger::Logged;
    use mainstem_model::{Timestamp, ValueType};

    use super::*;

    fn taker(value_type: Option<&str>, zone: Option<&str>) -> Taker {
        Taker {
            value_type: value_type.map(|text| text.parse::<ValueType>().unwrap()),
            zone: zone.map(|name| TimeZone::get(name).unwrap()),
            now: "2026-11-20T00:00:00Z".parse::<Timestamp>().unwrap(),
        }
    }

    #[test]
    fn a_line_is_a_sample_or_says_why_not() {
        let columns = Columns::of_heading("\u{feff}Time;other;Value;quality").unwrap();
        let berlin = taker(Some("f64"), Some("Europe/Berlin"));
        let sample = columns
            .sample("2026-01-02 03:04:05.5;x;20,5;", &berlin)
            .unwrap();
        let at = "2026-01-02T02:04:05.5Z".parse::<Timestamp>().unwrap();
        assert_eq!(
            (sample.time, sample.value),
            (at.micros(), Logged::Number(20.5))
        );
        for (line, reason) in [
            ("2026-01-02 03:04:05;x", "it has 2 columns"),
            ("yesterday;x;1;", "is no time"),
            ("2026-03-29 02:30:00;x;1;", "clocks were put forward"),
            ("2026-10-25 02:30:00;x;1;", "is there twice"),
            ("2026-01-02T00:00:00Z;x;one;", "is no number"),
            ("2026-01-02T00:00:00Z;x;inf;", "is no number"),
            ("2026-01-02T00:00:00Z;x;1;fine", "quality is good"),
            ("2036-01-02T00:00:00Z;x;1;", "a day ahead"),
            ("2026-01-02T00:00:00Z;x;\"1;", "not closed"),
        ] {
            let error = columns.sample(line, &berlin).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
        let error = columns
            .sample("2026-01-02 03:04:05;;1;", &taker(None, None))
            .unwrap_err();
        assert!(error.contains("has no offset"), "{error}");
    }

    #[test]
    fn texts_lose_the_guard_and_nothing_else() {
        let columns = Columns::of_list("value,time", b',').unwrap();
        let texts = taker(Some("text"), None);
        for (cell, text) in [
            ("plain", "plain"),
            ("\"'=1+1\"", "=1+1"),
            ("\"a \"\"b\"\", c\"", "a \"b\", c"),
            ("\"\"", ""),
            ("5", "5"),
        ] {
            let sample = columns
                .sample(&format!("{cell},2026-01-02T00:00:00Z"), &texts)
                .unwrap();
            assert_eq!(sample.value, Logged::Text(text.into()));
        }
        let sample = columns.sample(",2026-01-02T00:00:00Z", &texts).unwrap();
        assert_eq!(sample.value, Logged::None);
    }
}

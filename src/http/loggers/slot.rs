//! Roll-ups of a series as an answer.

use std::io::Write;

use mainstem_datalogger::recorder::Book;
use mainstem_datalogger::rollup::{Slot, Tally};
use mainstem_datalogger::{Rollup, Step};
use mainstem_model::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Ended, Form, Out, number};
use super::asked::SlotWish;

const HEADINGS: &str = "start,end,count,good,uncertain,known_s,min,max,average,mean,first,last,\
                        increment,across_gap,resets,overflows,corrections,cost\r\n";

/// Writes the whole answer.
pub(super) fn tell(book: &Book, wish: &SlotWish, out: &mut Out) -> Result<(), Ended> {
    match wish.form {
        Form::Json => out.write_all(b"{\"items\":[")?,
        Form::Csv => out.write_all(HEADINGS.as_bytes())?,
        Form::Lines | Form::Frames => {}
    }
    let mut writer = Writer {
        out,
        form: wish.form,
        told: 0,
        limit: wish.limit,
        next: None,
    };
    let rollups = book.sink().rollups(&wish.query)?;
    // What was emptied by a repair is no slot.
    let rollups = rollups.filter(|one| !matches!(one, Ok(one) if one.count == 0 && one.known == 0));
    match wish.from_hours {
        None => {
            for rollup in rollups {
                let rollup = rollup?;
                let slot = wish.calendar.slot(rollup.step, rollup.start);
                if !writer.slot(slot, &Tally::from(&rollup))? {
                    break;
                }
            }
        }
        Some(step) => from_hours(wish, step, rollups, &mut writer)?,
    }
    if wish.form == Form::Json {
        match writer.next {
            Some(next) => write!(writer.out, "],\"next\":\"{next}\"}}")?,
            None => writer.out.write_all(b"],\"next\":null}")?,
        }
    }
    Ok(())
}

/// Days and months of another zone, from hours: each belongs to the slot that it begins in.
fn from_hours(
    wish: &SlotWish,
    step: Step,
    hours: impl Iterator<Item = Result<Rollup, mainstem_datalogger::SinkError>>,
    writer: &mut Writer<'_>,
) -> Result<(), Ended> {
    let mut open: Option<(Slot, Tally)> = None;
    for hour in hours {
        let hour = hour?;
        let tally = Tally::from(&hour);
        match &mut open {
            Some((slot, sum)) if slot.contains(hour.start) => sum.append(&tally),
            _ => {
                let slot = wish.calendar.slot(step, hour.start);
                if let Some((slot, sum)) = open.replace((slot, tally))
                    && !writer.slot(slot, &sum)?
                {
                    return Ok(());
                }
            }
        }
    }
    if let Some((slot, sum)) = open {
        writer.slot(slot, &sum)?;
    }
    Ok(())
}

struct Writer<'a> {
    out: &'a mut Out,
    form: Form,
    told: u64,
    limit: u64,
    next: Option<Timestamp>,
}

impl Writer<'_> {
    /// Writes one slot. Returns whether more may come.
    fn slot(&mut self, slot: Slot, tally: &Tally) -> Result<bool, Ended> {
        let start = Timestamp::from_micros(slot.from);
        if self.told == self.limit {
            self.next = Some(start);
            return Ok(false);
        }
        if self.form == Form::Csv {
            self.table_line(slot, tally)?;
        } else {
            if self.form == Form::Json && self.told > 0 {
                self.out.write_all(b",")?;
            }
            let document = document(slot, tally);
            serde_json::to_writer(&mut *self.out, &document).map_err(std::io::Error::from)?;
            if self.form == Form::Lines {
                self.out.write_all(b"\n")?;
            }
        }
        self.told += 1;
        Ok(true)
    }

    fn table_line(&mut self, slot: Slot, tally: &Tally) -> Result<(), Ended> {
        let (start, end) = (
            Timestamp::from_micros(slot.from),
            Timestamp::from_micros(slot.to),
        );
        let cell = |value: Option<f64>| value.map(number).unwrap_or_default();
        let is_read = tally.count > 0;
        let cells = [
            cell(tally.lowest()),
            cell(tally.highest()),
            cell(tally.average()),
            cell(tally.mean()),
            cell(is_read.then_some(tally.first)),
            cell(is_read.then_some(tally.last)),
            cell(Some(tally.increment)),
            cell(Some(tally.across_gap)),
            tally.resets.to_string(),
            tally.overflows.to_string(),
            tally.corrections.to_string(),
            cell(tally.cost()),
        ];
        let (rows, good, uncertain) = (tally.count + tally.bad, tally.count, tally.uncertain);
        write!(
            self.out,
            "{start},{end},{rows},{good},{uncertain},{},{}\r\n",
            number(seconds(tally.known)),
            cells.join(",")
        )?;
        Ok(())
    }
}

fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a month")]
    let micros = micros as f64;
    micros / 1e6
}

fn document(slot: Slot, tally: &Tally) -> Value {
    let mut document = json!({
        "start": Timestamp::from_micros(slot.from),
        "end": Timestamp::from_micros(slot.to),
        "count": tally.count + tally.bad,
        "good": tally.count,
        "uncertain": tally.uncertain,
        "known": seconds(tally.known),
        "min": tally.lowest(),
        "max": tally.highest(),
        "average": tally.average(),
        "mean": tally.mean(),
        "first": (tally.count > 0).then_some(tally.first),
        "last": (tally.count > 0).then_some(tally.last),
        "increment": tally.increment,
        "across_gap": tally.across_gap,
        "resets": tally.resets,
        "overflows": tally.overflows,
        "corrections": tally.corrections,
    });
    if let (Some(cost), Value::Object(members)) = (tally.cost(), &mut document) {
        let rates: Map<String, Value> = tally
            .rates
            .iter()
            .map(|share| {
                let told = json!({ "increment": share.increment, "cost": share.cost });
                (share.rate.to_string(), told)
            })
            .collect();
        members.insert("cost".into(), json!(cost));
        members.insert("rates".into(), Value::Object(rates));
    }
    document
}

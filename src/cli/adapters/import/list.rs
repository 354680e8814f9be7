//! From a table to connections with their endpoints.

use std::collections::HashMap;

use mainstem_adapter::{Explore, Kind};
use serde_json::Value;

use super::csv::{Cell, Table};
use super::{ImportArgs, kepware, own};
use crate::cli::adapters::device::{self, set_option};
use crate::cli::adapters::resources::Item;

/// What is wrong, and where: line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) heading: String,
    pub(super) message: String,
}

impl Mistake {
    pub(super) fn at(
        line: usize,
        column: usize,
        heading: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            line,
            column,
            heading: heading.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn text(&self) -> String {
        let heading = match self.heading.as_str() {
            "" => String::new(),
            heading => format!(" ({heading})"),
        };
        let (line, column, message) = (self.line, self.column, &self.message);
        crate::cli::text::harmless(&format!("{line}:{column}{heading}: {message}"))
    }
}

/// One row on its way to an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) item: Item,
    pub(super) interval: Option<std::time::Duration>,
    /// Where the address and the type stand, for what the kind says later.
    pub(super) address_at: Place,
    pub(super) type_at: Place,
}

/// A column and its heading.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) heading: String,
}

/// One connection.
pub(super) struct Adapter {
    pub(super) id: String,
    pub(super) kind: &'static Kind,
    pub(super) explore: &'static dyn Explore,
    pub(super) connection: Value,
    pub(super) rows: Vec<Row>,
}

/// All that is to be written.
pub(super) struct Plan {
    pub(super) adapters: Vec<Adapter>,
    pub(super) rows: usize,
    pub(super) remarks: Vec<String>,
}

/// A row with its cells by heading.
pub(super) struct Line<'a> {
    headings: &'a [String],
    cells: &'a [Cell],
}

impl<'a> Line<'a> {
    pub(super) fn place(&self, heading: &str) -> Place {
        let found = self
            .headings
            .iter()
            .position(|own| own.eq_ignore_ascii_case(heading));
        Place {
            column: found.map_or(1, |at| at + 1),
            heading: heading.to_owned(),
        }
    }

    /// The text of a cell, unless it is empty.
    pub(super) fn get(&self, heading: &str) -> Option<&'a str> {
        let at = self
            .headings
            .iter()
            .position(|own| own.eq_ignore_ascii_case(heading))?;
        let text = self.cells.get(at)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn line(&self) -> usize {
        self.cells.first().map_or(1, |cell| cell.line)
    }

    pub(super) fn mistake(&self, heading: &str, message: impl Into<String>) -> Mistake {
        let place = self.place(heading);
        Mistake::at(self.line(), place.column, heading, message)
    }

    /// Cells whose heading begins so, with the rest of their headings.
    pub(super) fn with_prefix(&self, prefix: &str) -> Vec<(&'a str, &'a str)> {
        let named = self.headings.iter().filter_map(|heading| {
            let rest = heading.strip_prefix(prefix)?;
            Some((rest, self.get(heading)?))
        });
        named.collect()
    }

    /// A number, if there is one.
    pub(super) fn number(&self, heading: &str, mistakes: &mut Vec<Mistake>) -> Option<f64> {
        let text = self.get(heading)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => {
                let message = format!("`{text}` is no number: use a decimal point, as in 0.1");
                mistakes.push(self.mistake(heading, message));
                None
            }
        }
    }
}

pub(super) fn plan(table: &Table, args: &ImportArgs) -> Result<Plan, Vec<Mistake>> {
    let is_kepware = kepware::is_one(&table.headings);
    let mut mistakes = headings(table, is_kepware);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut plan = Plan {
        adapters: Vec::new(),
        rows: table.rows.len(),
        remarks: Vec::new(),
    };
    let mut known: HashMap<String, usize> = HashMap::new();
    for cells in &table.rows {
        let line = Line {
            headings: &table.headings,
            cells,
        };
        let Some(at) = adapter(&line, args, &mut plan, &mut known, &mut mistakes) else {
            continue;
        };
        let adapter = &mut plan.adapters[at];
        let row = match is_kepware {
            true => kepware::row(&line, adapter, args, &mut mistakes),
            false => own::row(&line, adapter, &mut mistakes),
        };
        adapter.rows.extend(row);
    }
    if plan.adapters.is_empty() && mistakes.is_empty() {
        mistakes.push(Mistake::at(1, 1, "", "there are headings and no rows"));
    }
    if is_kepware {
        plan.remarks.extend(kepware::remarks(&plan, args));
    }
    match mistakes.is_empty() {
        true => Ok(plan),
        false => Err(mistakes),
    }
}

/// What is wrong with the headings: each has to be known, for nothing is left out in silence.
fn headings(table: &Table, is_kepware: bool) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let known: &[&str] = if is_kepware {
        &kepware::HEADINGS
    } else {
        &own::HEADINGS
    };
    for (index, heading) in table.headings.iter().enumerate() {
        let is_known = known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(heading));
        let is_option = !is_kepware
            && own::PREFIXES
                .iter()
                .any(|prefix| heading.starts_with(prefix));
        let mut before = table.headings[..index].iter();
        if before.any(|other| other.eq_ignore_ascii_case(heading)) && !heading.is_empty() {
            let message = format!("the column `{heading}` is there twice");
            mistakes.push(Mistake::at(1, index + 1, heading, message));
        } else if !is_known && !is_option {
            let is_used = table.rows.iter().any(|row| {
                row.get(index)
                    .is_some_and(|cell| !cell.text.trim().is_empty())
            });
            // An empty column behind the last one is how spreadsheets end their lines.
            if heading.is_empty() && !is_used {
                continue;
            }
            let message = format!(
                "there is no column `{heading}`; known are {}",
                known.join(", ")
            );
            mistakes.push(Mistake::at(1, index + 1, heading, message));
        }
    }
    let needed: &[&str] = if is_kepware {
        &["Tag Name", "Address"]
    } else {
        &["name", "address"]
    };
    for heading in needed {
        if !table
            .headings
            .iter()
            .any(|own| own.eq_ignore_ascii_case(heading))
        {
            let message = format!("the column `{heading}` is missing");
            mistakes.push(Mistake::at(1, table.headings.len() + 1, heading, message));
        }
    }
    mistakes
}

/// The connection of a row, by its id; a new one where the row is the first to name it.
fn adapter(
    line: &Line<'_>,
    args: &ImportArgs,
    plan: &mut Plan,
    known: &mut HashMap<String, usize>,
    mistakes: &mut Vec<Mistake>,
) -> Option<usize> {
    let kind = line.get("kind").or(args.kind.as_deref());
    let url = line.get("device").or(args.device.as_deref());
    let id = line.get("adapter").or(args.name.as_deref()).or(kind);
    let Some(id) = id else {
        let message = "nothing says which protocol this is: a column `kind`, or --kind";
        mistakes.push(line.mistake("kind", message));
        return None;
    };
    if let Some(at) = known.get(id).copied() {
        let adapter = &plan.adapters[at];
        let same = kind.is_none_or(|kind| adapter.kind.name.eq_ignore_ascii_case(kind));
        if !same {
            let message = format!("`{id}` is {} in a row above", adapter.kind.name);
            mistakes.push(line.mistake("kind", message));
            return None;
        }
        let again = connection(line, adapter.explore, url, args);
        let is_said = line.get("device").is_some() || !line.with_prefix("connection.").is_empty();
        if is_said
            && again
                .as_ref()
                .is_ok_and(|again| *again != adapter.connection)
        {
            let message = format!("`{id}` has another connection in a row above");
            mistakes.push(line.mistake("device", message));
            return None;
        }
        return Some(at);
    }
    let made = make(line, id, kind, url, args);
    match made {
        Ok(adapter) => {
            plan.adapters.push(adapter);
            known.insert(id.to_owned(), plan.adapters.len() - 1);
            Some(plan.adapters.len() - 1)
        }
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    }
}

fn make(
    line: &Line<'_>,
    id: &str,
    kind: Option<&str>,
    url: Option<&str>,
    args: &ImportArgs,
) -> Result<Adapter, Mistake> {
    let Some(kind) = kind else {
        let message = "nothing says which protocol this is: a column `kind`, or --kind";
        return Err(line.mistake("kind", message));
    };
    let (kind, explore) = device::kind(kind).map_err(|failure| {
        let action = failure.action.unwrap_or_default();
        line.mistake("kind", format!("{}; {action}", failure.message))
    })?;
    mainstem_model::Name::component(id)
        .map_err(|error| line.mistake("adapter", format!("`{id}` is no id: {error}")))?;
    let connection = connection(line, explore, url, args)?;
    Ok(Adapter {
        id: id.to_owned(),
        kind,
        explore,
        connection,
        rows: Vec::new(),
    })
}

fn connection(
    line: &Line<'_>,
    explore: &'static dyn Explore,
    url: Option<&str>,
    args: &ImportArgs,
) -> Result<Value, Mistake> {
    let Some(url) = url else {
        let message = "nothing says where the device is: a column `device`, or --device";
        return Err(line.mistake("device", message));
    };
    let connection = explore.connection(url);
    let mut connection = connection.map_err(|message| line.mistake("device", message))?;
    for option in &args.options {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        set_option(&mut connection, key, value)
            .map_err(|failure| line.mistake("device", failure.message))?;
    }
    for (key, value) in line.with_prefix("connection.") {
        let set = set_option(&mut connection, key, value);
        set.map_err(|failure| line.mistake(&format!("connection.{key}"), failure.message))?;
    }
    Ok(connection)
}

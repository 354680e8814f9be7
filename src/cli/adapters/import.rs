//! `mainstem adapters import`: resources of a list of datapoints. Every mistake is told with its
//! line and column, and then nothing is written.

mod check;
mod csv;
mod kepware;
mod list;
mod own;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::file;
use super::resources::Resources;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;
use list::{Mistake, Plan};

/// Bytes of a list.
const LIST_BYTES_MAX: u64 = 32 << 20;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The list: CSV with a line of headings, in our own columns or as Kepware exports its tags
    list: PathBuf,
    /// The protocol of rows that do not tell theirs (a Kepware list never does)
    #[arg(long)]
    kind: Option<String>,
    /// Where the device is, for rows that do not tell
    #[arg(long, value_name = "URL")]
    device: Option<String>,
    /// Any other option of `connection:`, such as -o unitId=7
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// The connection's id, for rows that do not tell; the protocol's name unless given
    #[arg(long)]
    name: Option<String>,
    /// Modbus, Kepware lists: the order of the registers of numbers that have several
    #[arg(long, default_value = "little", value_name = "ORDER")]
    word_order: WordOrder,
    /// A file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which register holds the most significant word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WordOrder {
    /// The first.
    Big,
    /// The last, as Kepware has it unless its device says otherwise.
    Little,
}

pub(super) fn run(args: &ImportArgs, screen: Screen) -> Result<Exit, Failure> {
    let text = file::read(&args.list, LIST_BYTES_MAX)?;
    let made = csv::read(&text)
        .and_then(|table| list::plan(&table, args))
        .and_then(check::checked);
    let plan = match made {
        Ok(plan) => plan,
        Err(mistakes) => return tell(args, &mistakes, screen),
    };
    let (text, count, left_out) = written(args, &plan);
    if screen.is_json() {
        let connections: Vec<_> = plan.adapters.iter().map(|adapter| &adapter.id).collect();
        screen.document(&json!({
            "connections": connections, "endpoints": count, "left_out": left_out, "yaml": text,
        }))?;
        return Ok(Exit::Done);
    }
    match &args.out {
        Some(path) => file::write_new(path, &text)?,
        None => screen.part(&text)?,
    }
    let mut summary = format!(
        "{count} datapoints of {} rows in {} connections",
        plan.rows,
        plan.adapters.len()
    );
    if left_out > 0 {
        summary.push_str(&format!(", {left_out} of them as comments that say why"));
    }
    screen.aside(format!("{summary}."))?;
    for remark in &plan.remarks {
        screen.aside(remark)?;
    }
    Ok(Exit::Done)
}

/// The text, how many endpoints, and how many of them are comments.
fn written(args: &ImportArgs, plan: &Plan) -> (String, usize, usize) {
    let name = args.list.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!(
        "# Written by `mainstem adapters import` from {}.\nresources:\n",
        name.replace(|c: char| c.is_control(), " ")
    );
    let (mut count, mut left_out) = (0, 0);
    for (index, adapter) in plan.adapters.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let mut resources =
            Resources::of(&adapter.id, adapter.kind.name, adapter.connection.clone());
        for row in &adapter.rows {
            left_out += usize::from(row.item.obstacle.is_some());
            resources.add(row.item.clone());
        }
        count += resources.len();
        resources.write(&mut text);
    }
    (text, count, left_out)
}

fn tell(args: &ImportArgs, mistakes: &[Mistake], screen: Screen) -> Result<Exit, Failure> {
    let list = args.list.display();
    if screen.is_json() {
        let item = |mistake: &Mistake| {
            json!({
                "line": mistake.line, "column": mistake.column, "heading": mistake.heading,
                "message": mistake.message,
            })
        };
        let items: Vec<_> = mistakes.iter().map(item).collect();
        screen.document(&json!({ "problems": items }))?;
        return Ok(Exit::Configuration);
    }
    for mistake in mistakes {
        screen.line(format!("{list}:{}", mistake.text()))?;
    }
    let count = mistakes.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    Err(Failure::new(
        Exit::Configuration,
        format!("{list} has {count} {noun}; nothing was written"),
    ))
}

#[cfg(test)]
mod tests;

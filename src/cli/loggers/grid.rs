//! `mainstem loggers show` of several series: one table on one time grid.

use clap::Args;
use serde_json::Value;

use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Lines unless a step or a number is given: about a screen.
const POINTS: u32 = 24;

#[derive(Debug, Args)]
pub(super) struct GridArgs {
    /// The width of a line of the table, such as 10s or 1h
    #[arg(long)]
    step: Option<String>,
    /// In place of a width: how many lines
    #[arg(long, conflicts_with = "step")]
    points: Option<u32>,
    /// Where the first line begins, such as 2026-11-20T08:00:00Z; 24 hours ago unless given
    #[arg(long)]
    from: Option<String>,
    /// Lines begin before this moment; now unless given
    #[arg(long)]
    to: Option<String>,
    /// What a cell is: average, min, max, mean, first, last or count
    #[arg(long)]
    agg: Option<String>,
    /// What stands where nothing was known: none or previous
    #[arg(long)]
    fill: Option<String>,
    /// Which rows count: `not_bad` or good
    #[arg(long)]
    quality: Option<String>,
}

impl GridArgs {
    /// Whether a table is asked for, and not what a series is.
    pub(super) fn is_asked(&self) -> bool {
        self.step.is_some() || self.points.is_some() || self.from.is_some() || self.to.is_some()
    }
}

pub(super) async fn run(
    client: &Client,
    ids: &[String],
    args: &GridArgs,
    screen: Screen,
) -> Result<Exit, Failure> {
    let mut at = format!(
        "/api/v1/loggers/grid?format=json&series={}",
        escaped(&ids.join(","))
    );
    let points = args
        .points
        .or_else(|| args.step.is_none().then_some(POINTS));
    let given = [
        ("step", args.step.clone()),
        ("points", points.map(|points| points.to_string())),
        ("from", args.from.clone()),
        ("to", args.to.clone()),
        ("agg", args.agg.clone()),
        ("fill", args.fill.clone()),
        ("quality", args.quality.clone()),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            at.push_str(&format!("&{name}={}", escaped(&value)));
        }
    }
    let grid: Value = client.get(&at).await?;
    if screen.is_json() {
        screen.document(&grid)?;
        return Ok(Exit::Done);
    }
    let harmless: Vec<String> = ids.iter().map(|id| text::harmless(id)).collect();
    let headings: Vec<&str> = std::iter::once("TIME")
        .chain(harmless.iter().map(String::as_str))
        .collect();
    let mut table = screen.table(&headings, &[]);
    for line in grid["items"].as_array().into_iter().flatten() {
        let values = line["values"].as_array().into_iter().flatten();
        let time = line["time"].as_str().unwrap_or_default();
        let cells = std::iter::once(screen.cell(text::harmless(time), Tone::Quiet));
        let values = values.map(|value| match value {
            Value::Null => screen.cell("–", Tone::Quiet),
            value => screen.cell(value.to_string(), Tone::Plain),
        });
        table.add_row(cells.chain(values));
    }
    screen.show(&table)?;
    Ok(Exit::Done)
}

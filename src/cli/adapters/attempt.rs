//! `mainstem adapters try`: reads addresses of a device that is in no file yet, and shows what they
//! may mean, side by side.

mod shown;

use clap::Args;
use mainstem_adapter::explore::{Attempt, Target, Tried, Wish, attempt};
use mainstem_adapter::{Trace, TraceReader};
use serde_json::{Value, json};

use super::device::{Device, DeviceArgs, clock, failed, usage};
use super::resources::{Item, Resources};
use super::trace_line;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;

#[derive(Debug, Args)]
pub(super) struct TryArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// What to read, in the protocol's notation: 40001, DB1.DBD4, 'ns=2;s=Speed', a topic, a path
    #[arg(required = true)]
    addresses: Vec<String>,
    /// How many neighbours from each address on
    #[arg(short = 'n', long, default_value_t = 1, value_name = "NUMBER")]
    count: usize,
    /// The type, if it is known: f32, 'f32 CDAB', i16, text, … or a word of the protocol
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    data_type: Option<String>,
    /// Show every meaning, also what nobody can have meant
    #[arg(long)]
    all: bool,
    /// Write resources for a node file instead of a table
    #[arg(long)]
    yaml: bool,
    /// Show the frames as well
    #[arg(short = 'v', long)]
    verbose: bool,
}

pub(super) async fn run(args: &TryArgs, screen: Screen) -> Result<Exit, Failure> {
    let device = args.device.read()?;
    let guide = device.explore.guide();
    let wishes: Vec<Wish<'_>> = args
        .addresses
        .iter()
        .map(|address| args.wish(address))
        .collect();
    let mut targets = Vec::new();
    let mut counts = Vec::new();
    for wish in &wishes {
        let own = device.explore.targets(wish).map_err(|message| {
            usage(message).action(format!(
                "an address is such as {}",
                guide.addresses.join("; ")
            ))
        })?;
        counts.push(own.len());
        targets.extend(own);
    }
    let trace = Trace::new(clock());
    let reader = args.verbose.then(|| trace.read().ok()).flatten();
    let read = read(&device, targets, &trace).await;
    if let Some(mut reader) = reader {
        frames(&mut reader, screen)?;
    }
    let read = read.map_err(|error| failed(&error, &guide))?;
    let mut answers = read.answers.as_slice();
    let mut rows = Vec::new();
    for (wish, count) in wishes.iter().zip(counts) {
        let (own, rest) = answers.split_at(count.min(answers.len()));
        rows.extend(device.explore.interpret(wish, own));
        answers = rest;
    }
    show(args, &device, &read, &rows, screen)?;
    let is_good = rows.iter().any(|row| row.quality.is_good());
    Ok(if is_good { Exit::Done } else { Exit::Refused })
}

impl TryArgs {
    fn wish<'a>(&'a self, address: &'a str) -> Wish<'a> {
        Wish {
            address,
            count: self.count,
            data_type: self.data_type.as_deref(),
        }
    }
}

async fn read(
    device: &Device,
    mut targets: Vec<Target>,
    trace: &Trace,
) -> Result<Attempt, mainstem_adapter::explore::ExploreError> {
    let ask = device.ask(None, trace);
    device.explore.complete(&ask, &mut targets).await?;
    let (spec, patience) = (device.spec(), device.patience);
    Box::pin(attempt(
        device.kind,
        spec,
        targets,
        patience,
        trace.clone(),
        clock(),
    ))
    .await
}

/// The frames that have passed, on standard error.
fn frames(reader: &mut TraceReader, screen: Screen) -> Result<(), Failure> {
    while let Some(frame) = reader.try_next() {
        let frame = trace_line::Shown {
            at: frame.at,
            direction: frame.direction.as_str(),
            text: &frame.text,
            length: frame.length,
            bytes: &frame.bytes,
            left_out: frame.left_out,
        };
        screen.aside(trace_line::line(&frame, screen))?;
    }
    Ok(())
}

fn show(
    args: &TryArgs,
    device: &Device,
    read: &Attempt,
    rows: &[Tried],
    screen: Screen,
) -> Result<(), Failure> {
    if args.yaml {
        let mut resources = Resources::new(device, None);
        for row in rows {
            resources.add(item(row));
        }
        return Ok(screen.part(resources.to_yaml(&format!(
            "mainstem adapters try {} {}",
            device.kind.name.to_ascii_lowercase(),
            device.url
        )))?);
    }
    if screen.is_json() {
        return Ok(screen.document(&document(device, read, rows))?);
    }
    screen.show(&shown::table(rows, args.all, screen))?;
    for line in shown::legend(rows, args.all, device.explore.legend()) {
        screen.line(line)?;
    }
    screen.line(shown::footer(read, rows))?;
    if args.count == 1 && rows.len() == 1 && !device.explore.legend().is_empty() {
        screen.line("Numbers of several registers show with those behind them: -n 4.")?;
    }
    Ok(())
}

/// The datapoint that a row most likely is.
fn item(row: &Tried) -> Item {
    let view = row.views.iter().find(|view| view.plausible);
    Item {
        path: vec![row.address.clone()],
        operation: view.map_or_else(|| json!({}), |view| view.operation.clone()),
        value_type: view
            .and_then(|view| view.value_type)
            .map(|word| word.to_string()),
        sample: view.map(|view| format!("{} as {}", shown::value(&view.value), view.label)),
        obstacle: view
            .is_none()
            .then(|| row.quality.reason.as_str().to_owned()),
        ..Item::default()
    }
}

fn document(device: &Device, read: &Attempt, rows: &[Tried]) -> Value {
    let value = |view: &mainstem_adapter::explore::View| {
        json!({
            "label": view.label,
            "value": mainstem_adapter::to_json_value(&view.value),
            "plausible": view.plausible,
            "subscribe": view.operation,
            "type": view.value_type.map(|value_type| value_type.to_string()),
        })
    };
    let row = |row: &Tried| {
        json!({
            "address": row.address,
            "bytes": row.bytes.as_deref().map(trace_line::hex),
            "quality": row.quality.status.as_str(),
            "reason": row.quality.reason.as_str(),
            "source_time": row.source_time,
            "at": row.at,
            "values": row.views.iter().map(value).collect::<Vec<_>>(),
        })
    };
    json!({
        "kind": device.kind.name,
        "url": device.url,
        "requests": read.statistics.requests,
        "round_trip": read.statistics.round_trip_p50.map(|trip| trip.as_secs_f64()),
        "errors": read.statistics.errors,
        "end": read.end.as_ref().map(ToString::to_string),
        "items": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;

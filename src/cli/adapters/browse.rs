//! `mainstem adapters browse`: walks what a device tells about itself, and writes resources to edit.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mainstem_adapter::Trace;
use mainstem_adapter::explore::{BrowseLimits, Cut, ExploreError, Finds, Found, Progress};
use mainstem_model::quantity::parse_duration;
use serde_json::{Value, json};

use super::device::{Device, DeviceArgs, clock, failed, usage};
use super::file;
use super::resources::{Item, Resources};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;
use crate::cli::text::harmless;

/// How often a terminal is told how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Characters of a place in the progress.
const PLACE_CHARACTERS_MAX: usize = 40;
/// Places looked at for each datapoint that may be found.
const VISITED_PER_FOUND: u64 = 10;
/// The longest walk.
const TIME_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub(super) struct BrowseArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// Where to begin: a node id, a topic filter, a path
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Datapoints at most
    #[arg(long, default_value_t = 1000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    max: u64,
    /// Levels below the beginning at most
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    depth: usize,
    /// How long it may take; topics are listened for so long
    #[arg(long = "for", default_value = "30s", value_name = "TIME")]
    time: String,
    /// The connection's id in the file; the protocol's name unless given
    #[arg(long)]
    name: Option<String>,
    /// A file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: &BrowseArgs, screen: Screen) -> Result<Exit, Failure> {
    let device = args.device.read()?;
    let guide = device.explore.guide();
    let limits = args.limits()?;
    let mut finds = Finds::new(limits, progress());
    let ask = device.ask(args.from.clone(), &Trace::new(clock()));
    let ended = {
        let walk = device.explore.browse(&ask, &mut finds);
        tokio::select! {
            walked = walk => Some(walked),
            () = tokio::time::sleep(limits.time_max) => None,
            // What was found by then is worth something.
            _ = tokio::signal::ctrl_c() => None,
        }
    };
    clear_progress();
    match ended {
        Some(Ok(())) => {}
        Some(Err(error @ (ExploreError::Wrong(_) | ExploreError::NotBrowsable))) => {
            return Err(failed(&error, &guide));
        }
        Some(Err(error)) if finds.found().is_empty() => return Err(failed(&error, &guide)),
        Some(Err(error)) => screen.aside(format!("The walk ended early: {error}"))?,
        None => finds.cut(Cut::Time),
    }
    show(args, &device, &finds, screen)?;
    Ok(if finds.found().is_empty() {
        Exit::NotFound
    } else {
        Exit::Done
    })
}

impl BrowseArgs {
    fn limits(&self) -> Result<BrowseLimits, Failure> {
        let time_max = parse_duration(&self.time)
            .ok()
            .filter(|time| *time <= TIME_MAX && !time.is_zero());
        let time_max = time_max
            .ok_or_else(|| usage(format!("--for {}: a time of at most 10 minutes", self.time)))?;
        Ok(BrowseLimits {
            found_max: usize::try_from(self.max).unwrap_or(usize::MAX),
            visited_max: self.max.saturating_mul(VISITED_PER_FOUND),
            depth_max: self.depth,
            time_max,
        })
    }
}

fn progress() -> impl FnMut(Progress<'_>) + Send + 'static {
    let is_terminal = std::io::stderr().is_terminal();
    let mut told = Instant::now();
    move |progress| {
        if !is_terminal || told.elapsed() < PROGRESS_EVERY {
            return;
        }
        told = Instant::now();
        let place: String = harmless(progress.place)
            .chars()
            .take(PLACE_CHARACTERS_MAX)
            .collect();
        let (found, visited) = (progress.found, progress.visited);
        // Where nobody looks, nobody misses it.
        drop(write!(
            std::io::stderr().lock(),
            "\r\x1b[2K{found} found, {visited} places, {place}"
        ));
    }
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        drop(write!(std::io::stderr().lock(), "\r\x1b[2K"));
    }
}

fn show(args: &BrowseArgs, device: &Device, finds: &Finds, screen: Screen) -> Result<(), Failure> {
    if screen.is_json() {
        return Ok(screen.document(&document(device, finds))?);
    }
    let mut resources = Resources::new(device, args.name.as_deref());
    for found in finds.found() {
        resources.add(Item::from(found));
    }
    let by = format!(
        "mainstem adapters browse {} {}",
        device.kind.name.to_ascii_lowercase(),
        device.url
    );
    let text = resources.to_yaml(&by);
    match &args.out {
        Some(path) => file::write_new(path, &text)?,
        None => screen.part(&text)?,
    }
    screen.aside(summary(finds))?;
    if let Some(path) = &args.out {
        screen.aside(format!("Written to {}.", path.display()))?;
    }
    Ok(())
}

/// What was found and what was not, in a sentence.
fn summary(finds: &Finds) -> String {
    let obstacles = finds
        .found()
        .iter()
        .filter(|found| found.obstacle.is_some())
        .count();
    let mut text = format!(
        "{} datapoints at {} places",
        finds.found().len() - obstacles,
        finds.visited()
    );
    if obstacles > 0 {
        text.push_str(&format!(
            ", {obstacles} more that cannot be read as they stand"
        ));
    }
    for cut in finds.cuts() {
        text.push_str(match cut {
            Cut::Found => "; there are more: raise --max",
            Cut::Visited => "; not every place was looked at: raise --max, or begin with --from",
            Cut::Depth => "; deeper levels were left out: raise --depth",
            Cut::Time => "; the time was over: raise --for",
        });
    }
    text.push('.');
    text
}

fn document(device: &Device, finds: &Finds) -> Value {
    let item = |found: &Found| {
        json!({
            "path": found.path,
            "address": found.address,
            "subscribe": found.operation,
            "type": found.value_type.map(|value_type| value_type.to_string()),
            "access": found.access.as_str(),
            "unit": found.unit,
            "description": found.description,
            "sample": found.sample,
            "obstacle": found.obstacle,
        })
    };
    let cut = |cut: &Cut| match cut {
        Cut::Found => "found",
        Cut::Visited => "visited",
        Cut::Depth => "depth",
        Cut::Time => "time",
    };
    json!({
        "kind": device.kind.name,
        "url": device.url,
        "visited": finds.visited(),
        "cut": finds.cuts().iter().map(cut).collect::<Vec<_>>(),
        "items": finds.found().iter().map(item).collect::<Vec<_>>(),
    })
}

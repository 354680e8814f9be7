//! `mainstem points list`.

use clap::Args;
use comfy_table::{CellAlignment, Table};
use mainstem_wire::api::{Page, PointDocument};

use crate::cli::client::{Client, escaped};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Datapoints asked for at a time.
const PAGE: usize = 1000;
/// What may wrap in a narrow terminal: name and quality.
const WRAPPING: [usize; 2] = [0, 2];

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Which ones: `*` is one segment of a name, `**` any number.
    #[arg(default_value = "**", value_name = "GLOB")]
    glob: String,
    /// Show at most this many.
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    limit: usize,
    /// Show only what is not good.
    #[arg(long)]
    bad: bool,
}

pub(super) async fn run(args: &ListArgs, client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let mut points: Vec<PointDocument> = Vec::new();
    let mut after: Option<String> = None;
    let more = loop {
        let limit = PAGE.min(args.limit.saturating_sub(points.len()));
        if limit == 0 {
            break after.is_some();
        }
        let mut path = format!(
            "/api/v1/datapoints?meta=true&limit={limit}&glob={}",
            escaped(&args.glob)
        );
        if let Some(after) = &after {
            path = format!("{path}&after={}", escaped(after));
        }
        let page: Page<PointDocument> = client.get(&path).await?;
        let shown = |point: &PointDocument| !args.bad || point.quality.status != "good";
        points.extend(page.items.into_iter().filter(shown));
        after = page.next;
        if after.is_none() {
            break false;
        }
    };
    if screen.is_json() {
        screen.document(&serde_json::json!({"items": points, "next": after}))?;
        return Ok(Exit::Done);
    }
    if points.is_empty() {
        return Ok(nothing(args, screen)?);
    }
    screen.show(&table(&points, screen))?;
    screen.line("")?;
    screen.line(screen.paint(Tone::Quiet, summary(&points, more)))?;
    Ok(Exit::Done)
}

fn nothing(args: &ListArgs, screen: Screen) -> std::io::Result<Exit> {
    if args.bad {
        screen.line(format!("Everything that fits {} is good.", args.glob))?;
        return Ok(Exit::Done);
    }
    screen.line(format!("No datapoint fits {}.", args.glob))?;
    Ok(Exit::NotFound)
}

fn table(points: &[PointDocument], screen: Screen) -> Table {
    let mut table = screen.table(&["NAME", "VALUE", "QUALITY", "AGE"], &WRAPPING);
    for point in points {
        let tone = Tone::of_status(&point.quality.status);
        let value_tone = if tone == Tone::Good {
            Tone::Plain
        } else {
            Tone::Quiet
        };
        table.add_row([
            screen.cell(text::harmless(&point.name), Tone::Plain),
            screen.cell(text::value_with_unit(point), value_tone),
            screen.cell(text::quality(&point.quality), tone),
            screen
                .cell(text::age(point.age), Tone::Quiet)
                .set_alignment(CellAlignment::Right),
        ]);
    }
    table
}

/// `27 datapoints: 25 good, 2 bad`.
fn summary(points: &[PointDocument], more: bool) -> String {
    let counted = ["good", "uncertain", "bad"]
        .into_iter()
        .filter_map(|status| {
            let count = points
                .iter()
                .filter(|point| point.quality.status == status)
                .count();
            (count > 0).then(|| format!("{count} {status}"))
        });
    let noun = if points.len() == 1 {
        "datapoint"
    } else {
        "datapoints"
    };
    let mut text = format!(
        "{} {noun}: {}",
        points.len(),
        counted.collect::<Vec<_>>().join(", ")
    );
    if more {
        text.push_str("; there are more, see --limit");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn point(name: &str, value: &str, status: &str, hop: Option<&str>) -> PointDocument {
        let reason = if status == "good" { "ok" } else { "link_down" };
        serde_json::from_value(serde_json::json!({
            "name": name,
            "value": serde_json::from_str::<serde_json::Value>(value).unwrap(),
            "quality": {"status": status, "reason": reason, "hop": hop,
                "since": "2026-11-20T08:00:00Z"},
            "source_time": null,
            "received_time": null,
            "age": 75.2,
            "meta": {"type": "f64", "unit": "°C", "access": "r", "owner": "plc"},
        }))
        .unwrap()
    }

    #[test]
    fn a_table_shows_value_quality_and_age() {
        let points = [
            point("line1.plc.temperature", "60.25", "good", None),
            point("line2.plc.temperature", "null", "bad", Some("line2")),
        ];
        let expected = "\
NAME                   VALUE     QUALITY                  AGE
line1.plc.temperature  60.25 °C  good                     75 s
line2.plc.temperature  –         bad, link_down at line2  75 s";
        let lines: Vec<_> = table(&points, Screen::plain())
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(lines.join("\n"), expected);
        assert_eq!(summary(&points, false), "2 datapoints: 1 good, 1 bad");
        assert!(summary(&points[..1], true).starts_with("1 datapoint: 1 good; there are more"));
    }
}

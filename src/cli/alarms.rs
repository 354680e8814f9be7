//! `mainstem alarms`: what needs somebody.

use clap::Args;
use mainstem_wire::api::{AlarmDocument, Page};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct AlarmsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Show those that are over, too.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(args: &AlarmsArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let mut page: Page<AlarmDocument> = client.get("/api/v1/alarms").await?;
    page.items.retain(|alarm| args.all || alarm.active);
    if screen.is_json() {
        screen.document(&page)?;
        return Ok(Exit::Done);
    }
    if page.items.is_empty() {
        screen.line(screen.paint(Tone::Good, "No alarms."))?;
    }
    for (index, alarm) in page.items.iter().enumerate() {
        if index > 0 {
            screen.line("")?;
        }
        for line in lines(alarm, screen) {
            screen.line(line)?;
        }
    }
    Ok(Exit::Done)
}

/// The sentence first, then what to do, then the codes.
fn lines(alarm: &AlarmDocument, screen: Screen) -> [String; 3] {
    let tone = match alarm.severity.as_str() {
        _ if !alarm.active => Tone::Quiet,
        "info" => Tone::Plain,
        "warning" => Tone::Warning,
        _ => Tone::Bad,
    };
    let severity = screen.paint(tone, format!("{:<8}", text::harmless(&alarm.severity)));
    let over = alarm
        .cleared
        .map(|at| format!(", over since {}", text::moment(at)));
    let codes = format!(
        "{} since {}{}",
        text::harmless(&alarm.id),
        text::moment(alarm.since),
        over.unwrap_or_default()
    );
    [
        format!("{severity}  {}", text::harmless(&alarm.text)),
        format!("{:10}{}", "", text::harmless(&alarm.action)),
        format!("{:10}{}", "", screen.paint(Tone::Quiet, codes)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_says_what_to_do() {
        let alarm: AlarmDocument = serde_json::from_value(serde_json::json!({
            "id": "adapter.plc.offline", "severity": "high", "source": "plc",
            "text": "There is no connection to the PLC.", "action": "Look at its cable.",
            "active": true, "acknowledged": false, "since": "2026-11-20T08:00:00Z",
        }))
        .unwrap();
        let expected = [
            "high      There is no connection to the PLC.",
            "          Look at its cable.",
            "          adapter.plc.offline since 2026-11-20 08:00:00.000 UTC",
        ];
        assert_eq!(lines(&alarm, Screen::plain()), expected);
    }
}

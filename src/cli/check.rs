//! `mainstem check`: everything that is wrong with a node file.

use std::path::PathBuf;

use clap::Args;
use mainstem_config::NodeConfig;

use super::connection::meant_node_file;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The node file. By default ./node.yaml, ./config/node.yaml or /etc/mainstem/node.yaml,
    /// whichever exists first.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &CheckArgs, screen: Screen) -> Result<Exit, Failure> {
    let file = meant_node_file(args.config.as_deref());
    match mainstem_config::load(&file, crate::app::kinds()) {
        Ok(config) => {
            if screen.is_json() {
                let warnings = &config.warnings;
                let fine = serde_json::json!({"problems": [], "left_out": 0, "warnings": warnings});
                screen.document(&fine)?;
            } else {
                let fine = screen.paint(Tone::Good, "No problems");
                let file = file.display();
                for warning in &config.warnings {
                    screen.line(format!(
                        "{} {warning}.",
                        screen.paint(Tone::Warning, "warning:")
                    ))?;
                }
                screen.line(format!("{fine} in {file}: {}.", summary(&config)))?;
            }
            Ok(Exit::Done)
        }
        Err(problems) => {
            if screen.is_json() {
                screen.document(&problems.to_json())?;
            } else {
                screen.line(problems)?;
            }
            Ok(Exit::Configuration)
        }
    }
}

/// `node line1 with 1 adapter and 2 remotes, listening on 127.0.0.1:8443`.
pub(super) fn summary(config: &NodeConfig) -> String {
    let counted = |count: usize, noun: &str| match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let listen: Vec<_> = config
        .listen
        .iter()
        .map(|listen| listen.address.to_string())
        .collect();
    let listening = if listen.is_empty() {
        "listening nowhere".to_owned()
    } else {
        format!("listening on {}", listen.join(", "))
    };
    format!(
        "node {} with {} and {}, {listening}",
        config.node.name,
        counted(config.adapters.len(), "adapter"),
        counted(config.remotes.len(), "remote"),
    )
}

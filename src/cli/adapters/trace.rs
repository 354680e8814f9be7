//! `mainstem adapters trace`: the frames of a running adapter, as they pass.

use std::io;
use std::time::Duration;

use clap::Args;
use mainstem_model::quantity::parse_duration;
use mainstem_wire::api::TraceFrameDocument;

use super::device::usage;
use super::trace_line::{self, Shown};
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;

/// The longest look.
const TIME_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub(super) struct TraceArgs {
    /// The adapter
    name: String,
    /// For how long, at most 10 minutes
    #[arg(long = "for", default_value = "1m", value_name = "TIME")]
    time: String,
    /// End after so many frames
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

pub(super) async fn run(
    args: &TraceArgs,
    client: &Client,
    screen: Screen,
) -> Result<Exit, Failure> {
    let time = parse_duration(&args.time).ok();
    let time = time.filter(|time| *time <= TIME_MAX && time.as_secs() >= 1);
    let time =
        time.ok_or_else(|| usage(format!("--for {}: a time of 1 s to 10 minutes", args.time)))?;
    let path = format!(
        "{}/trace?seconds={}",
        super::path(&args.name),
        time.as_secs()
    );
    let mut lines = Lines {
        rest: Vec::new(),
        left: args.count,
        screen,
    };
    let streamed = client
        .download(&path, "application/x-ndjson", |piece| lines.take(piece))
        .await;
    match streamed {
        // The count was reached, so we hung up.
        Err(_) if lines.left == Some(0) => Ok(Exit::Done),
        Err(failure) => Err(failure),
        Ok(()) => Ok(Exit::Done),
    }
}

struct Lines {
    rest: Vec<u8>,
    left: Option<u64>,
    screen: Screen,
}

impl Lines {
    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.rest.extend_from_slice(piece);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.show(&line)?;
            if self.left == Some(0) {
                return Err(io::Error::other("enough"));
            }
        }
        Ok(())
    }

    fn show(&mut self, line: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        // An empty line is a sign of life.
        if text.trim().is_empty() {
            return Ok(());
        }
        self.left = self.left.map(|left| left - 1);
        if self.screen.is_json() {
            return self.screen.line(text.trim_end());
        }
        let Ok(frame) = serde_json::from_str::<TraceFrameDocument>(&text) else {
            return Ok(());
        };
        let bytes = bytes(frame.hex.as_deref().unwrap_or_default());
        let shown = Shown {
            at: frame.at,
            direction: &frame.direction,
            text: &frame.text,
            length: usize::try_from(frame.length).unwrap_or(usize::MAX),
            bytes: &bytes,
            left_out: frame.left_out.unwrap_or_default(),
        };
        self.screen.line(trace_line::line(&shown, self.screen))
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

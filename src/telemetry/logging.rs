//! The log of the process, which only the binary sets up.

mod one_line;

use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt};

use one_line::OneLine;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for eyes.
    Text,
    /// A JSON object for programs.
    Json,
}

/// A log that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The level is neither a word nor a list of them.
    #[error(
        "{0:?} is no log level: use error, warn, info, debug or trace, or a list such as \
         `info,mainstem_remote=debug`"
    )]
    Level(String),
    /// The process has a log already.
    #[error("the log is set up already")]
    Again(#[source] TryInitError),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is no log format: use text or json")),
        }
    }
}

/// Sends what is logged to standard error, one event a line: what somebody else's name or message
/// contains can neither begin a line of its own nor speak to the terminal.
pub fn init(format: Format, level: &str) -> Result<(), LoggingError> {
    let filter = filter(level)?;
    let layer = fmt::layer()
        .with_ansi(false)
        .with_writer(|| OneLine::new(std::io::stderr()));
    let registry = tracing_subscriber::registry().with(filter);
    let set = match format {
        Format::Text => registry.with(layer).try_init(),
        Format::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    set.map_err(LoggingError::Again)
}

/// The crate of the broker tells every subscription at `info`, as if it were news.
const BROKER: &str = "mqtt5=warn";

fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    let unknown = || LoggingError::Level(level.chars().take(80).collect());
    // A bare unknown word would be taken for the name of a module and silence everything.
    let words = level.split(',').filter(|part| !part.contains('='));
    for word in words {
        // An empty word would be read as `error`.
        if word.trim().is_empty() {
            return Err(unknown());
        }
        word.trim()
            .parse::<tracing_subscriber::filter::LevelFilter>()
            .map_err(|_| unknown())?;
    }
    let filter = EnvFilter::try_new(level).map_err(|_| unknown())?;
    Ok(match level.trim().eq_ignore_ascii_case("info") {
        true => filter.add_directive(BROKER.parse().map_err(|_| unknown())?),
        false => filter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        for good in ["info", "debug", "off", "info,mainstem_remote=debug", "WARN"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", "loud", "info,loud", "mainstem=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!("xml".parse::<Format>().is_err());
    }

    #[test]
    fn a_process_has_one_log() {
        init(Format::Json, "info").unwrap();
        assert!(matches!(
            init(Format::Text, "info"),
            Err(LoggingError::Again(_))
        ));
    }
}

//! What the remote tells of its data loggers as it happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use mainstem_wire::{LogLine, LogWatch};

use super::{Ended, Session};
use crate::lines::{Lines, LinesError};
use crate::loggers::LoggerIntake;

/// Why a line is none.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Session {
    /// Reads until the remote says that this is all.
    pub(super) async fn watch(&self, intake: &Arc<dyn LoggerIntake>) -> Result<(), Ended> {
        let ask = LogWatch {
            loggers: self.options.patterns.clone(),
            follow: self.follow,
        };
        let body = serde_json::to_vec(&ask).unwrap_or_default();
        let answer = self.poster.open("/api/v1/link/loggers", body, None).await?;
        let mut body = answer.into_body();
        let mut lines = line_reader()?;
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(Ended::Broken)?.into_data() else {
                continue;
            };
            self.count(chunk.len());
            for line in read(&mut lines, &chunk)? {
                let is_end = line.end;
                Arc::clone(intake).line(line, false).await?;
                self.told.store(true, Ordering::Release);
                self.news.notify_one();
                if is_end {
                    return Ok(());
                }
            }
        }
        Err(Ended::Form("it ends before its end".into()))
    }
}

pub(super) fn line_reader() -> Result<Lines, Ended> {
    Lines::new(false).map_err(|error| Ended::Form(error.to_string()))
}

/// The whole lines that a chunk brings.
pub(super) fn read(lines: &mut Lines, chunk: &[u8]) -> Result<Vec<LogLine>, Ended> {
    let mut whole = Vec::new();
    let read = lines.push(chunk, |line| {
        whole.push(serde_json::from_slice(line)?);
        Ok::<(), LineError>(())
    });
    read.map_err(|error| Ended::Form(error.to_string()))?;
    Ok(whole)
}

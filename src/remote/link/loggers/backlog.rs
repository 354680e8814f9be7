//! Fetches rows that are missing: request after request, each so small that it takes a moment, with
//! pauses between them for everything else on the line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use mainstem_wire::{LOG_FRAMES, LogWants};
use tokio_util::sync::CancellationToken;

use super::frames::Frames;
use super::watch::{line_reader, read};
use super::{Ended, LOOK, Session};
use crate::loggers::{LoggerIntake, Taking};

/// How long one answer is to take.
const ANSWER_TIME: Duration = Duration::from_millis(250);
/// Bytes of the first answer, and bounds of the others.
const BYTES_FIRST: u64 = 64 << 10;
const BYTES_LEAST: u64 = 16 << 10;
const BYTES_MOST: u64 = 4 << 20;
/// Frames that are being stored at once: more are not read. What was recorded just now waits for
/// them in the queue of the store.
const TAKING_MAX: usize = 3;
/// Nothing of an answer came for so long.
const SILENCE: Duration = Duration::from_secs(60);

impl Session {
    /// Fetches what is missing; ends when the watch is complete and nothing is.
    pub(super) async fn backlog(
        &self,
        intake: &Arc<dyn LoggerIntake>,
        complete: &CancellationToken,
    ) -> Result<(), Ended> {
        let mut bytes = BYTES_FIRST;
        loop {
            let was_complete = complete.is_cancelled();
            let Some(wants) = Arc::clone(intake).wants(bytes).await else {
                if was_complete {
                    return Ok(());
                }
                // Live rows wake this too, so it looks at most so often.
                self.news.notified().await;
                tokio::time::sleep(ANSWER_TIME).await;
                continue;
            };
            let begun = Instant::now();
            let got = self.fetch(intake, &wants).await?;
            let took = begun.elapsed();
            bytes = next_bytes(got, took);
            tokio::time::sleep(pause(took, self.options.share)).await;
        }
    }

    /// Asks for rows and stores them. Returns how many bytes came.
    async fn fetch(&self, intake: &Arc<dyn LoggerIntake>, wants: &LogWants) -> Result<u64, Ended> {
        let body = serde_json::to_vec(wants).unwrap_or_default();
        let answer = self
            .poster
            .open("/api/v1/link/loggers/rows", body, Some(LOG_FRAMES));
        let answer = answer.await?;
        let kind = answer.headers().get(CONTENT_TYPE);
        let is_framed = kind.is_some_and(|kind| kind == LOG_FRAMES);
        let mut body = answer.into_body();
        let (mut frames, mut lines) = (Frames::default(), line_reader()?);
        let mut taking: FuturesUnordered<Taking> = FuturesUnordered::new();
        let mut got = 0;
        loop {
            let frame = tokio::select! {
                Some(taken) = taking.next(), if !taking.is_empty() => {
                    taken?;
                    continue;
                }
                frame = tokio::time::timeout(SILENCE, body.frame()), if taking.len() < TAKING_MAX => {
                    frame.map_err(|_| Ended::Silent)?
                }
            };
            let Some(frame) = frame else { break };
            let Ok(chunk) = frame.map_err(Ended::Broken)?.into_data() else {
                continue;
            };
            got += chunk.len() as u64;
            self.count(chunk.len());
            if is_framed {
                frames.push(&chunk);
                let too_long = |_| Ended::Form("a frame is too long".into());
                while let Some(frame) = frames.next().map_err(too_long)? {
                    taking.push(Arc::clone(intake).frame(frame));
                }
            } else {
                for line in read(&mut lines, &chunk)? {
                    taking.push(Arc::clone(intake).line(line, true));
                }
            }
        }
        while let Some(taken) = taking.next().await {
            taken?;
        }
        if !frames.is_empty() {
            return Err(Ended::Form("the last frame is cut".into()));
        }
        if got == 0 {
            // The remote tells its end always, unless it has no loggers any more.
            tokio::time::sleep(LOOK).await;
        }
        Ok(got)
    }
}

/// How many bytes come in the time that an answer is to take, as the last one went.
fn next_bytes(got: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    let bytes = u128::from(got) * ANSWER_TIME.as_micros() / micros;
    u64::try_from(bytes)
        .unwrap_or(BYTES_MOST)
        .clamp(BYTES_LEAST, BYTES_MOST)
}

/// How long nothing is asked for after an answer that took so long.
fn pause(took: Duration, share: u8) -> Duration {
    let share = u32::from(share.clamp(1, 100));
    took * (100 - share) / share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_a_moment_and_the_share_is_kept() {
        let seconds = Duration::from_secs;
        assert_eq!(next_bytes(1 << 20, seconds(1)), 1 << 18);
        assert_eq!(next_bytes(1 << 20, seconds(100)), BYTES_LEAST);
        assert_eq!(next_bytes(1 << 40, seconds(1)), BYTES_MOST);
        assert_eq!(pause(seconds(3), 75), seconds(1));
        assert_eq!(pause(seconds(3), 100), seconds(0));
        assert_eq!(pause(seconds(3), 25), seconds(9));
    }
}

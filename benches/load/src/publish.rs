//! The publisher: an endless body that is paced as the publishers of the peers are. It pauses on
//! the runtime's only thread, so that a sample is stamped and sent without any hop between.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use crate::board::{Board, Side, Tally, Word, now};
use crate::connection::{connect, request};
use crate::frames::Frames;
use crate::options::{PubOptions, Shape};
use crate::pacer::{Due, Pacer};
use crate::points;

/// How long the node may take for the last acknowledgement.
const LAST_ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are shown if it is a refusal.
const REFUSAL_BYTES: usize = 400;

/// What the body tells at its end.
#[derive(Debug)]
struct Sent {
    updates: u64,
    nanoseconds: u64,
}

/// The body: definitions, then samples until the pacer says that it is over.
struct Samples {
    options: PubOptions,
    board: Arc<Board>,
    tally: Tally,
    frames: Frames,
    pacer: Option<Pacer>,
    turn: u64,
    state: State,
    end: Option<oneshot::Sender<Sent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Define,
    /// A chunk was handed over: first the connection has to get its turn.
    Handed,
    /// It had it: now there is time for the scoreboard.
    Note,
    Pace,
    Ended,
}

impl Samples {
    fn step(&mut self) -> io::Result<Poll<Option<Bytes>>> {
        match self.state {
            State::Define => {
                self.state = State::Handed;
                return Ok(Poll::Ready(Some(self.frames.definitions().into())));
            }
            State::Handed => self.state = State::Note,
            State::Note => {
                self.note()?;
                self.state = State::Pace;
            }
            State::Pace => return self.pace(),
            State::Ended => return Ok(Poll::Ready(None)),
        }
        Ok(Poll::Pending)
    }

    fn pace(&mut self) -> io::Result<Poll<Option<Bytes>>> {
        let pacer = match &mut self.pacer {
            Some(pacer) => pacer,
            none => none.insert(Pacer::new(&self.options, &self.board)?),
        };
        match pacer.due(&self.board, self.options.batch)? {
            Due::Send(count) => {
                self.state = State::Handed;
                Ok(Poll::Ready(Some(self.chunk(count))))
            }
            Due::Pause(pause) => {
                #[expect(clippy::disallowed_methods, reason = "tokio's timer is too coarse")]
                std::thread::sleep(pause);
                Ok(Poll::Pending)
            }
            Due::End => {
                let sent = Sent {
                    updates: pacer.sent,
                    nanoseconds: pacer.elapsed(),
                };
                self.tally.write(&self.board, true)?;
                self.board.set(Word::End, now())?;
                self.state = State::Ended;
                // Without anybody who waits for it nobody needs it.
                self.end.take().map(|end| end.send(sent));
                Ok(Poll::Ready(None))
            }
        }
    }

    fn chunk(&mut self, count: u64) -> Bytes {
        let points = self.tally.counts.len();
        let Some(pacer) = &mut self.pacer else {
            return Bytes::new();
        };
        let mut stamp = now() / 1000;
        let is_quiet = pacer.is_quiet(stamp * 1000);
        for _ in 0..count {
            if pacer.has_rate() {
                stamp = now() / 1000;
            }
            let mut point = points::visited(self.turn, points);
            self.turn += 1;
            while is_quiet && point % 2 == 1 {
                point = points::visited(self.turn, points);
                self.turn += 1;
            }
            self.frames
                .sample(point, i64::try_from(stamp).unwrap_or(i64::MAX));
            self.tally.counts[point] += 1;
            self.tally.stamps[point] = stamp * 1000;
            self.tally.touch(point);
        }
        pacer.sent += count;
        self.frames.take().into()
    }

    fn note(&mut self) -> io::Result<()> {
        if let Some(pacer) = &self.pacer {
            self.board.set(Word::Sent, pacer.sent)?;
            self.tally.write(&self.board, false)?;
        }
        Ok(())
    }
}

impl Body for Samples {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.step() {
            Ok(Poll::Ready(chunk)) => Poll::Ready(chunk.map(|bytes| Ok(Frame::data(bytes)))),
            Ok(Poll::Pending) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// Publishes until the end. Returns the report.
pub(crate) async fn run(options: &PubOptions) -> anyhow::Result<String> {
    let mut options = options.clone();
    if options.shape == Shape::Single {
        options.batch = 1;
    }
    let board = Arc::new(Board::open(&options.node.file)?);
    let (end, ended) = oneshot::channel();
    let body = Samples {
        board: Arc::clone(&board),
        tally: board.tally(Side::Sent)?,
        frames: Frames::new(options.shape, board.points()),
        pacer: None,
        turn: 0,
        state: State::Define,
        end: Some(end),
        options: options.clone(),
    };
    let mut requests = connect(&options.node).await?;
    let request = request(&options.node, Method::POST, "/api/v1/samples", body)?;
    #[expect(clippy::disallowed_methods, reason = "it is awaited below")]
    let answer = tokio::spawn(async move {
        let response = requests.send_request(request).await?;
        let status = response.status();
        follow(status, response.into_body()).await
    });
    let sent = ended.await;
    // The node acknowledges the last samples with the end of its answer.
    let answer = tokio::time::timeout(LAST_ACKNOWLEDGEMENT, answer).await;
    board.set(Word::Done, 1)?;
    let answer = answer.context("the last acknowledgement")???;
    let sent = sent.context("the body ended early")?;
    let report = json!({
        "pub_sent": sent.updates, "pub_ns": sent.nanoseconds,
        "acks": answer.applied, "refused": answer.refused, "refusal": answer.error,
    });
    Ok(report.to_string())
}

/// What the node says of its part of a body.
#[derive(Debug, Default, Deserialize)]
struct Acknowledgement {
    applied: u64,
    refused: u64,
    #[serde(default)]
    error: Option<String>,
}

/// Reads the answer to its end, since it holds the publisher back. Returns the sum of it.
async fn follow(status: StatusCode, mut body: Incoming) -> anyhow::Result<Acknowledgement> {
    let mut sum = Acknowledgement::default();
    let mut carry: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        carry.extend_from_slice(&data);
        if !status.is_success() {
            continue;
        }
        let whole = memchr::memrchr(b'\n', &carry).map_or(0, |at| at + 1);
        for line in carry[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let part: Acknowledgement = serde_json::from_slice(line)?;
            sum.applied += part.applied;
            sum.refused += part.refused;
            sum.error = sum.error.or(part.error);
        }
        carry.drain(..whole);
    }
    carry.truncate(REFUSAL_BYTES);
    anyhow::ensure!(
        status.is_success(),
        "{status}: {}",
        String::from_utf8_lossy(&carry)
    );
    Ok(sum)
}

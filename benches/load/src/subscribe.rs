//! The reader: one endless answer, each row noted on the scoreboard.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt as _, Empty};
use tokio::time::MissedTickBehavior;

use crate::board::{Board, now};
use crate::connection::{connect, request};
use crate::options::SubOptions;
use crate::pacer::nanoseconds;
use crate::points;
use crate::recorder::{Recorder, Stop};
use crate::rows::{self, Line};

/// How often the reader looks whether it may stop.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Numbers that a node may give; more are not expected in a benchmark.
const IDS_MAX: usize = 4 << 20;

struct Reader {
    recorder: Recorder,
    /// The point of each number of the node.
    points: Vec<Option<usize>>,
    found: Vec<(u32, i64)>,
    /// A line that is not whole yet.
    carry: Vec<u8>,
}

/// Reads until everything is there. Returns the report.
pub(crate) async fn run(options: &SubOptions) -> anyhow::Result<String> {
    let board = Board::open(&options.node.file)?;
    let mut requests = connect(&options.node).await?;
    let path = format!("/api/v1/changes?delivery={}", options.delivery);
    let request = request(&options.node, Method::GET, &path, Empty::<Bytes>::new())?;
    let response = requests.send_request(request).await?;
    let status = response.status();
    anyhow::ensure!(status.is_success(), "{path}: {status}");
    let mut body = response.into_body();
    let mut reader = Reader {
        recorder: Recorder::new(board, nanoseconds(options.warm))?,
        points: Vec::new(),
        found: Vec::new(),
        carry: Vec::new(),
    };
    let (max, grace) = (nanoseconds(options.max), nanoseconds(options.grace));
    let stop = Stop {
        max,
        grace,
        sync: options.sync,
    };
    let began = now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if reader.recorder.is_finished(began, &stop)? {
                    return Ok(reader.recorder.report()?);
                }
            }
            frame = body.frame() => {
                let frame = frame.context("the node ended its answer")??;
                if let Ok(data) = frame.into_data() {
                    reader.chunk(&data)?;
                }
            }
        }
    }
}

impl Reader {
    fn chunk(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        let now = now();
        let mut rest = chunk;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(at);
            rest = &behind[1..];
            if self.carry.is_empty() {
                self.line(line, now)?;
            } else {
                let mut whole = std::mem::take(&mut self.carry);
                whole.extend_from_slice(line);
                self.line(&whole, now)?;
                whole.clear();
                self.carry = whole;
            }
        }
        self.carry.extend_from_slice(rest);
        Ok(self.recorder.commit()?)
    }

    fn line(&mut self, line: &[u8], now: u64) -> anyhow::Result<()> {
        if rows::quick(line, &mut self.found) {
            for &(id, stamp) in &self.found {
                row(&mut self.recorder, &self.points, id, stamp, now);
            }
            return Ok(());
        }
        let line: Line = serde_json::from_slice(line)
            .with_context(|| format!("a line: {}", String::from_utf8_lossy(line)))?;
        for define in &line.define {
            self.define(define.id, &define.name);
        }
        for (id, stamp) in line.rows() {
            row(&mut self.recorder, &self.points, id, stamp, now);
        }
        if let Some(gap) = line.gap {
            self.recorder.gaps += gap.count;
        }
        if line.end {
            self.recorder.ready()?;
        }
        Ok(())
    }

    fn define(&mut self, id: u32, name: &str) {
        let index = id as usize;
        if index >= IDS_MAX {
            return;
        }
        if self.points.len() <= index {
            self.points.resize(index + 1, None);
        }
        self.points[index] = points::point_of(name);
    }
}

fn row(recorder: &mut Recorder, points: &[Option<usize>], id: u32, stamp: i64, now: u64) {
    if let Some(Some(point)) = points.get(id as usize) {
        recorder.got(*point, u64::try_from(stamp).unwrap_or_default() * 1000, now);
    }
}

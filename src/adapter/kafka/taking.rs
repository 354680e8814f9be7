//! Takes messages from the partitions that one broker leads.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::PointId;
use tokio::time::{Instant, sleep};

use crate::config::From;
use crate::connection::{Connection, Dial};
use crate::fault::Fault;
use crate::plan::ClusterPlan;
use crate::protocol::batch::Message;
use crate::protocol::codes;
use crate::protocol::fetch::{self, Came, Wish};
use crate::protocol::offsets::{self, Which};
use crate::protocol::wire::Malformed;

/// The longest that a broker's wish to be left alone is obeyed.
const THROTTLE_MAX: Duration = Duration::from_secs(30);
/// A broker that holds no request is asked no more often than this.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// A partition, and where reading stands.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// Who reads it.
    pub(crate) points: Arc<[PointId]>,
    pub(crate) from: From,
    pub(crate) keep: bool,
    /// The next message; where to begin is asked for while it is unknown.
    pub(crate) place: Option<i64>,
}

/// What came of one partition.
pub(crate) struct Taken {
    pub(crate) part: Part,
    pub(crate) messages: Vec<Message>,
    /// What could not be read, and was passed over.
    pub(crate) broken: Vec<Malformed>,
    /// Messages were deleted before they could be taken: reading began anew.
    pub(crate) is_gap: bool,
    /// Why nothing came: something is wrong with the topic itself.
    pub(crate) code: i16,
}

/// The partitions of one broker.
pub(crate) struct Taker {
    connection: Connection,
    parts: Vec<Part>,
    max_wait: Duration,
    max_bytes: i32,
    pause: Duration,
}

impl Taker {
    /// Connects, and finds out where to begin.
    pub(crate) async fn begin(
        dial: Dial,
        place: (String, u16),
        mut parts: Vec<Part>,
        plan: &ClusterPlan,
    ) -> Result<Self, Fault> {
        let mut connection = dial.connect(&place).await?;
        for part in parts.iter_mut().filter(|part| part.place.is_none()) {
            part.place = Some(start(&mut connection, part).await?);
        }
        Ok(Self {
            connection,
            parts,
            max_wait: plan.max_wait(),
            max_bytes: i32::try_from(plan.config.max_bytes).unwrap_or(i32::MAX),
            pause: Duration::ZERO,
        })
    }

    /// The partitions, with where reading stands.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Waits for messages, and hands itself back with them.
    pub(crate) async fn take(mut self) -> Result<(Self, Vec<Taken>), Fault> {
        sleep(std::mem::take(&mut self.pause)).await;
        let begun = Instant::now();
        let wish = |part| wish(part);
        let wishes: Vec<Wish<'_>> = self.parts.iter().map(wish).collect();
        let wait_ms = i32::try_from(self.max_wait.as_millis()).unwrap_or(i32::MAX);
        let body = fetch::request(&wishes, wait_ms, self.max_bytes);
        let request = (fetch::KEY, fetch::VERSION);
        let answer = self.connection.ask(request, &body, self.max_wait).await?;
        let (all, throttle_ms) =
            fetch::answer(&answer).map_err(|problem| self.connection.malformed(problem))?;
        let mut taken = Vec::with_capacity(all.len());
        for came in all {
            taken.extend(self.one(came).await?);
        }
        let is_empty = taken.iter().all(|taken: &Taken| taken.messages.is_empty());
        if is_empty && begun.elapsed() < self.max_wait / 2 {
            self.pause = self.max_wait.min(PAUSE_MAX);
        }
        let throttle = Duration::from_millis(u64::try_from(throttle_ms).unwrap_or(0));
        self.pause = self.pause.max(throttle.min(THROTTLE_MAX));
        // The next answer begins with another partition, so that a full one starves no other.
        self.parts.rotate_left(1);
        Ok((self, taken))
    }

    async fn one(&mut self, came: Came) -> Result<Option<Taken>, Fault> {
        let is_it = |part: &Part| *part.topic == *came.topic && part.partition == came.partition;
        let Some(index) = self.parts.iter().position(is_it) else {
            return Err(self
                .connection
                .malformed(Malformed("a partition that nobody asked for")));
        };
        let mut is_gap = false;
        let mut messages = came.batches.messages;
        match came.code {
            0 => {
                let place = self.parts[index].place.unwrap_or(0);
                // Batches are sent whole: what stands before the place was taken already.
                messages.retain(|message| message.offset >= place);
                match came.batches.next {
                    Some(next) if next > place => self.parts[index].place = Some(next),
                    Some(_) => {
                        let problem = Malformed("messages of before the place asked for");
                        return Err(self.connection.malformed(problem));
                    }
                    None => {}
                }
            }
            codes::OFFSET_OUT_OF_RANGE => {
                is_gap = true;
                messages.clear();
                let part = self.parts[index].clone();
                self.parts[index].place = Some(start(&mut self.connection, &part).await?);
            }
            code if codes::is_of_topic(code) => messages.clear(),
            code => return Err(self.connection.says(code)),
        }
        Ok(Some(Taken {
            part: self.parts[index].clone(),
            messages,
            broken: came.batches.broken,
            is_gap,
            code: if is_gap { 0 } else { came.code },
        }))
    }
}

fn wish(part: &Part) -> Wish<'_> {
    Wish {
        topic: &part.topic,
        partition: part.partition,
        from: part.place.unwrap_or(0),
    }
}

async fn start(connection: &mut Connection, part: &Part) -> Result<i64, Fault> {
    let which = match part.from {
        From::Latest => Which::Latest,
        From::Earliest => Which::Earliest,
    };
    let body = offsets::request(&part.topic, part.partition, which);
    let request = (offsets::KEY, offsets::VERSION);
    let answer = connection.ask(request, &body, Duration::ZERO).await?;
    match offsets::answer(&answer).map_err(|problem| connection.malformed(problem))? {
        (0, place) => Ok(place.max(0)),
        (code, _) => Err(connection.says(code)),
    }
}

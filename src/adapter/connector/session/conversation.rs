//! One session with a program: what is asked, what is answered, what comes by itself.

use std::convert::Infallible;
use std::time::Duration;

use mainstem_adapter::{
    AdapterIo, LogSource, PointId, PollSchedule, Reading, SessionEnd, WriteAnswer, WriteJob,
};
use mainstem_model::{Monotonic, Quality, Reason, Timestamp};
use serde_json::Value as Json;

use super::{Ending, Plan};
use crate::json::{from_json, to_json};
use crate::order::Order;
use crate::peer::{Event, Peer};
use crate::requests::{Request, Requests, What};
use crate::word::{Row, Word};

/// Signs of life that are asked for within the silence that is borne.
const PINGS_WITHIN_SILENCE: u32 = 3;
/// Lines of a program that go to the node's log within [`LOG_TIME`]; further ones are counted.
const LOG_LINES_MAX: u32 = 50;
const LOG_TIME: Duration = Duration::from_secs(10);

/// A session with a program.
pub(super) struct Conversation<'a> {
    pub(super) plan: &'a Plan,
    pub(super) program: &'a mut Peer,
    pub(super) io: &'a mut AdapterIo,
    readings: &'a mut Vec<Reading>,
    requests: Requests,
    /// Whether the program sends samples by itself.
    sends: bool,
    schedule: PollSchedule,
    /// Groups whose read is not answered yet.
    reading: Vec<bool>,
    heard: Monotonic,
    asked: Monotonic,
    logged: (Monotonic, u32),
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        program: &'a mut Peer,
        io: &'a mut AdapterIo,
        readings: &'a mut Vec<Reading>,
    ) -> Self {
        let now = io.clock().monotonic();
        Self {
            schedule: PollSchedule::new(plan.groups.iter().map(|group| group.interval), now),
            reading: vec![false; plan.groups.len()],
            requests: Requests::default(),
            sends: false,
            heard: now,
            asked: now,
            logged: (now, 0),
            plan,
            program,
            io,
            readings,
        }
    }

    /// Talks until something ends it.
    pub(super) async fn run(mut self) -> Ending {
        match self.talk().await {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    async fn talk(&mut self) -> Result<Infallible, Ending> {
        let until = self
            .io
            .clock()
            .monotonic()
            .after(self.plan.config.connect_timeout());
        let is_new = self.greet(until).await?;
        self.sends = self.connect(is_new, until).await?;
        self.heard = self.io.clock().monotonic();
        self.schedule.restart(self.heard);
        if self.sends {
            let plan = self.plan;
            self.order(&Order::Subscribe {
                points: &plan.readable,
            })?;
        }
        loop {
            self.ask_for_what_is_due()?;
            let turn = self.io.sleep_until(self.next_turn());
            let has_room = self.requests.has_room();
            tokio::select! {
                event = self.program.event() => self.take(event)?,
                job = self.io.next_write(), if has_room => self.write(job)?,
                () = turn => {}
            }
            self.give_up_what_is_overdue()?;
        }
    }

    fn next_turn(&self) -> Monotonic {
        let poll = self.schedule.next_due().filter(|_| !self.sends);
        let turns = [poll, self.requests.next_due(), Some(self.ping_due())];
        turns.into_iter().flatten().min().unwrap_or(self.heard)
    }

    fn ping_due(&self) -> Monotonic {
        let pause = self.plan.config.silence() / PINGS_WITHIN_SILENCE;
        self.heard.max(self.asked).after(pause)
    }

    fn ask_for_what_is_due(&mut self) -> Result<(), Ending> {
        let now = self.io.clock().monotonic();
        while !self.sends
            && let Some(due) = self.schedule.take_due(now)
        {
            let is_open = self.reading[due.group] || !self.requests.has_room();
            self.io
                .statistics()
                .overrun(due.overruns + u64::from(is_open));
            if is_open {
                continue;
            }
            self.reading[due.group] = true;
            let (plan, request) = (self.plan, self.requests.next());
            let points = &plan.groups[due.group].points;
            self.order(&Order::Read { request, points })?;
            let until = now.after(plan.config.answer_timeout());
            self.requests
                .open(request, What::Read(due.group), now, until);
        }
        if now >= self.ping_due() {
            self.asked = now;
            let request = self.requests.next();
            self.order(&Order::Ping { request })?;
            let until = now.after(self.plan.config.silence());
            self.requests.open(request, What::Ping, now, until);
        }
        Ok(())
    }

    fn give_up_what_is_overdue(&mut self) -> Result<(), Ending> {
        let now = self.io.clock().monotonic();
        let silence = self.plan.config.silence();
        if now.since(self.heard) >= silence {
            let message = format!(
                "the program has said nothing for {silence:?}, though it was \
                asked for a sign of life: {}",
                self.program.consequence()
            );
            return Err(Ending::program(SessionEnd::lost("silent", message)));
        }
        while let Some(request) = self.requests.overdue(now) {
            self.io.statistics().failed("timeout");
            match request.what {
                What::Ping => {}
                What::Read(group) => {
                    self.reading[group] = false;
                    let points = self.plan.groups[group].points.iter();
                    let failed = |&id: &u32| Reading::failed(PointId(id), Reason::DeviceDown);
                    self.readings.extend(points.map(failed));
                    self.io.emit(self.readings);
                }
                What::Write(job) => {
                    let time = self.plan.config.answer_timeout();
                    let message = format!("the program did not answer within {time:?}");
                    job.answer(WriteAnswer::Unknown { message });
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Ending> {
        match event {
            Event::Log(text) => self.log(LogSource::Errors, &text),
            Event::Ended(why) => {
                return Err(Ending::program(SessionEnd::lost("ended", why)));
            }
            Event::Line(line) => {
                self.heard = self.io.clock().monotonic();
                let word = self.parse(&line)?;
                return self.hear(word);
            }
        }
        Ok(())
    }

    pub(super) fn parse(&self, line: &[u8]) -> Result<Word, Ending> {
        Word::parse(line).map_err(|error| {
            let shown = String::from_utf8_lossy(&line[..line.len().min(80)]);
            let message = format!(
                "the program said what is no line of the protocol: {error}: {shown:?}; what is \
                 for people belongs on its standard error"
            );
            Ending::program(SessionEnd::lost("invalid_line", message))
        })
    }

    fn hear(&mut self, mut word: Word) -> Result<(), Ending> {
        if let Some(text) = word.log.take() {
            self.log(LogSource::Program, &text);
        }
        self.samples(std::mem::take(&mut word.samples));
        if let Some(request) = word.answer.and_then(|number| self.requests.close(number)) {
            self.answered(request, &mut word);
        }
        match word.lost.take() {
            Some(why) => Err(Ending::device(SessionEnd::lost("connector", why))),
            None => Ok(()),
        }
    }

    fn answered(&mut self, request: Request, word: &mut Word) {
        let round_trip = self.io.clock().monotonic().since(request.sent);
        match request.what {
            What::Read(group) => {
                self.io.statistics().answered(round_trip);
                self.reading[group] = false;
            }
            What::Write(job) => {
                self.io.statistics().answered(round_trip);
                self.io.statistics().wrote();
                job.answer(outcome(word));
            }
            // Who sends by himself vouches with it for what he sent.
            What::Ping if self.sends => {
                let points: Vec<PointId> =
                    self.plan.readable.iter().copied().map(PointId).collect();
                self.io.confirm(&points);
            }
            What::Ping => {}
        }
    }

    pub(super) fn samples(&mut self, rows: Vec<Row>) {
        for row in rows {
            match self.plan.types.get(row.id as usize) {
                Some(&value_type) => self.readings.push(reading(row, value_type)),
                None => self.io.statistics().failed("unknown_point"),
            }
        }
        self.io.emit(self.readings);
    }

    fn write(&mut self, mut job: WriteJob) -> Result<(), Ending> {
        let now = self.io.clock().monotonic();
        let value = to_json(&job.value);
        if value == Json::Null {
            job.answer(WriteAnswer::Refused {
                code: "not_finite".into(),
                message: "JSON has no number for NaN and infinity".into(),
            });
            return Ok(());
        }
        let request = self.requests.next();
        let within = job.deadline.since(now);
        job.begin();
        let order = Order::Write {
            request,
            point: job.point.0,
            value,
            within_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
        };
        self.order(&order)?;
        let until = now.after(self.plan.config.answer_timeout());
        self.requests.open(request, What::Write(job), now, until);
        Ok(())
    }

    pub(super) fn order(&mut self, order: &Order<'_>) -> Result<(), Ending> {
        if self.program.order(order) {
            return Ok(());
        }
        let message = format!(
            "the program does not read what it is told: {}",
            self.program.consequence()
        );
        Err(Ending::program(SessionEnd::lost("silent", message)))
    }

    /// A line for people: it is kept, and goes to the node's log unless there are too many.
    pub(super) fn log(&mut self, source: LogSource, text: &str) {
        self.io.log(source, text);
        let now = self.io.clock().monotonic();
        if now.since(self.logged.0) >= LOG_TIME {
            let kept_back = self.logged.1.saturating_sub(LOG_LINES_MAX);
            if kept_back > 0 {
                tracing::warn!(
                    connector = self.plan.name,
                    kept_back,
                    "lines were not logged"
                );
            }
            self.logged = (now, 0);
        }
        self.logged.1 += 1;
        if self.logged.1 <= LOG_LINES_MAX {
            let text: String = text.chars().take(1000).collect();
            tracing::info!(connector = self.plan.name, "{text}");
        }
    }
}

fn reading(row: Row, value_type: mainstem_model::ValueType) -> Reading {
    let has_value = row.value != Json::Null;
    let value = has_value
        .then(|| from_json(row.value, value_type))
        .flatten();
    let quality = match (&row.reason, &value) {
        (Some(reason), _) => Quality::of(Reason::parse(reason)),
        (None, Some(_)) => Quality::GOOD,
        (None, None) if has_value => Quality::of(Reason::BadType),
        (None, None) => Quality::of(Reason::BadSource),
    };
    Reading {
        point: PointId(row.id),
        value,
        quality,
        source_time: row.time.map(Timestamp::from_micros),
    }
}

fn outcome(word: &mut Word) -> WriteAnswer {
    if let Some(refusal) = word.refused.take() {
        return WriteAnswer::Refused {
            code: refusal.code,
            message: refusal.message,
        };
    }
    match word.unknown.take() {
        Some(message) => WriteAnswer::Unknown { message },
        None if word.applied => WriteAnswer::Applied {
            verified: word.verified,
        },
        None => WriteAnswer::Unknown {
            message: "the program answered without saying what became of the write".into(),
        },
    }
}

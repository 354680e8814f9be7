//! The simulated device: one session from the first value to a stop or a fault.

use std::time::Duration;

use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, DuePoll, PointId, PollGroup, PollSchedule, Reading, SessionEnd,
    WriteAnswer, WriteJob, poll_groups,
};
use mainstem_model::{Monotonic, Reason, Value};

use crate::faults::Fault;
use crate::signal::Signal;

/// The device's state, which outlasts sessions.
pub(crate) struct Simulator {
    signals: Vec<Signal>,
    /// For each signal, the one that it follows.
    follows: Vec<Option<usize>>,
    groups: Vec<PollGroup>,
    values: Vec<Option<Value>>,
    started: Option<Monotonic>,
    disconnected_until: Monotonic,
    is_frozen: bool,
    is_bad: bool,
    readings: Vec<Reading>,
}

impl Simulator {
    pub(crate) fn new(signals: Vec<(Signal, Duration)>, follows: Vec<Option<usize>>) -> Self {
        let groups = poll_groups(signals.iter().map(|(_, interval)| *interval));
        Self {
            values: vec![None; signals.len()],
            signals: signals.into_iter().map(|(signal, _)| signal).collect(),
            follows,
            groups,
            started: None,
            disconnected_until: Monotonic::default(),
            is_frozen: false,
            is_bad: false,
            readings: Vec::new(),
        }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let now = io.clock().monotonic();
        self.check_connected(now)?;
        self.started.get_or_insert(now);
        io.online();
        self.tell_faults(io);
        let intervals = self.groups.iter().map(|group| group.interval);
        let mut schedule = PollSchedule::new(intervals, now);
        let stopped = io.stopped();
        tokio::pin!(stopped);
        loop {
            while let Some(due) = schedule.take_due(io.clock().monotonic()) {
                self.poll(&due, io);
            }
            let next = schedule
                .next_due()
                .unwrap_or(Monotonic::from_micros(u64::MAX));
            let due = io.sleep_until(next);
            tokio::select! {
                () = &mut stopped => return Ok(()),
                job = io.next_write() => self.write(job, io)?,
                () = due => {}
            }
        }
    }

    fn check_connected(&self, now: Monotonic) -> Result<(), SessionEnd> {
        if now >= self.disconnected_until {
            return Ok(());
        }
        let left = self.disconnected_until.since(now).as_secs_f64();
        let message = format!("simulated loss, {left:.1} s left: faults.disconnect was written");
        Err(SessionEnd::lost("simulated", message))
    }

    fn poll(&mut self, due: &DuePoll, io: &AdapterIo) {
        io.statistics().overrun(due.overruns);
        // Values belong to the moment at which they were due, so that a late poll changes nothing.
        let elapsed = due.due.since(self.started.unwrap_or(due.due));
        let members = std::mem::take(&mut self.groups[due.group].members);
        for &index in &members {
            if !self.is_frozen {
                let target = self.follows[index].map_or(0.0, |other| self.signals[other].number());
                self.values[index] = Some(self.signals[index].at(elapsed, target));
            }
            self.read(index);
        }
        self.groups[due.group].members = members;
        io.emit(&mut self.readings);
    }

    fn read(&mut self, index: usize) {
        let point = point(index);
        let reading = match &self.values[index] {
            _ if self.is_bad => Reading::failed(point, Reason::BadSource),
            Some(value) => Reading::good(point, value.clone()),
            None => Reading::failed(point, Reason::Waiting),
        };
        self.readings.push(reading);
    }

    fn tell_faults(&mut self, io: &AdapterIo) {
        for (offset, fault) in Fault::ALL.into_iter().enumerate() {
            let value = match fault {
                Fault::Disconnect => {
                    let left = self.disconnected_until.since(io.clock().monotonic());
                    Value::F64(left.as_secs_f64())
                }
                Fault::Freeze => Value::Bool(self.is_frozen),
                Fault::Bad => Value::Bool(self.is_bad),
            };
            self.readings
                .push(Reading::good(point(self.signals.len() + offset), value));
        }
        io.emit(&mut self.readings);
    }

    fn write(&mut self, mut job: WriteJob, io: &AdapterIo) -> Result<(), SessionEnd> {
        job.begin();
        io.statistics().wrote();
        let index = job.point.0 as usize;
        let is_done = match index.checked_sub(self.signals.len()) {
            None => self.write_signal(index, &job.value),
            Some(offset) => self.write_fault(offset, &job.value, io.clock().monotonic()),
        };
        if !is_done {
            let message = format!("{} is not writable with {}", index, job.value.kind());
            job.answer(WriteAnswer::Refused {
                code: "not_writable".into(),
                message,
            });
            return Ok(());
        }
        if index < self.signals.len() {
            self.read(index);
        } else {
            // A fault concerns all values, at once.
            (0..self.signals.len()).for_each(|index| self.read(index));
        }
        io.emit(&mut self.readings);
        self.tell_faults(io);
        job.answer(WriteAnswer::Applied { verified: true });
        self.check_connected(io.clock().monotonic())
    }

    fn write_signal(&mut self, index: usize, value: &Value) -> bool {
        let Some(number) = value.as_f64() else {
            return false;
        };
        let is_done = self.signals[index].write(number);
        if is_done {
            self.values[index] = Some(Value::F64(number));
        }
        is_done
    }

    fn write_fault(&mut self, offset: usize, value: &Value, now: Monotonic) -> bool {
        match (Fault::ALL.get(offset), value) {
            (Some(Fault::Disconnect), Value::F64(seconds)) => {
                // The range was checked against the definition's limits.
                let duration = Duration::try_from_secs_f64(*seconds).unwrap_or_default();
                self.disconnected_until = now.after(duration);
            }
            (Some(Fault::Freeze), Value::Bool(flag)) => self.is_frozen = *flag,
            (Some(Fault::Bad), Value::Bool(flag)) => self.is_bad = *flag,
            _ => return false,
        }
        true
    }
}

impl Adapter for Simulator {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}

fn point(index: usize) -> PointId {
    PointId(u32::try_from(index).unwrap_or(u32::MAX))
}

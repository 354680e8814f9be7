//! Reads the machine again and again.

use std::path::PathBuf;
use std::time::Duration;

use mainstem_adapter::{
    Adapter, AdapterIo, BoxFuture, PointId, PollSchedule, Reading, SessionEnd, WriteAnswer,
    WriteJob,
};
use mainstem_model::{Monotonic, Quality, Reason, Value};

use crate::disk::{Disk, Space, existing_part};
use crate::metric::{METRICS, Metric};
use crate::readings::Machine;
use crate::setting::{self, WallClock};

/// The adapter. It has no connection that could be lost.
pub(crate) struct System {
    interval: Duration,
    folder: PathBuf,
    machine: Machine,
    data_disk: Option<Disk>,
    disks: Vec<Disk>,
    clock: Box<dyn WallClock>,
    readings: Vec<Reading>,
}

impl System {
    pub(crate) fn new(
        interval: Duration,
        folder: PathBuf,
        disks: Vec<Disk>,
        clock: Box<dyn WallClock>,
    ) -> Self {
        let (machine, readings) = (Machine::default(), Vec::new());
        Self {
            interval,
            folder,
            machine,
            data_disk: None,
            disks,
            clock,
            readings,
        }
    }

    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        io.online();
        // A stop may have left some of an earlier session's behind.
        self.readings.clear();
        let mut schedule = PollSchedule::new([self.interval], io.clock().monotonic());
        let stopped = io.stopped();
        tokio::pin!(stopped);
        loop {
            if let Some(due) = schedule.take_due(io.clock().monotonic()) {
                io.statistics().overrun(due.overruns);
                self.read_machine(io);
                // A disk may take its time; stop does not wait for it.
                tokio::select! {
                    () = &mut stopped => return Ok(()),
                    () = self.read_disks(io) => {}
                }
            }
            let next = schedule
                .next_due()
                .unwrap_or(Monotonic::from_micros(u64::MAX));
            let due = io.sleep_until(next);
            tokio::select! {
                () = &mut stopped => return Ok(()),
                job = io.next_write() => {
                    self.set_clock(job);
                    // What is shown is the time as it is now.
                    self.read_machine(io);
                }
                () = due => {}
            }
        }
    }

    /// `time` is all that can be written, and only where the configuration says so: the runner
    /// refuses the rest.
    fn set_clock(&mut self, mut job: WriteJob) {
        let is_time = METRICS
            .get(job.point.0 as usize)
            .map(|(metric, ..)| *metric);
        let (Some(Metric::Time), Value::Time(to)) = (is_time, &job.value) else {
            job.answer(WriteAnswer::Refused {
                code: "not_writable".into(),
                message: "of a machine only its time can be set".into(),
            });
            return;
        };
        let to = *to;
        job.begin();
        let answer = match setting::set(&mut *self.clock, to) {
            Ok(()) => {
                tracing::warn!(%to, "this machine's clock was set");
                WriteAnswer::Applied { verified: false }
            }
            Err(error) => {
                tracing::warn!(%to, %error, "this machine's clock was not set");
                WriteAnswer::Refused {
                    code: error.code().into(),
                    message: error.to_string(),
                }
            }
        };
        job.answer(answer);
    }

    fn read_machine(&mut self, io: &AdapterIo) {
        let begun = io.clock().monotonic();
        let look = self.machine.look(io.clock().now());
        for (index, (metric, ..)) in (0_u32..).zip(METRICS) {
            let unknown = match metric {
                Metric::ClockSynchronised => Reason::UncertainSource,
                _ => Reason::DeviceError,
            };
            self.readings
                .push(reading(PointId(index), look.value(metric), unknown));
        }
        io.statistics()
            .answered(io.clock().monotonic().since(begun));
        io.emit(&mut self.readings);
    }

    async fn read_disks(&mut self, io: &AdapterIo) {
        let folder = &self.folder;
        let data_disk = self
            .data_disk
            .get_or_insert_with(|| Disk::new(existing_part(folder)));
        let mut point = u32::try_from(METRICS.len()).unwrap_or(u32::MAX);
        for disk in std::iter::once(data_disk).chain(&mut self.disks) {
            let space = disk.space().await;
            if space.is_none() {
                io.statistics().failed("disk_unreadable");
            }
            let free = space.map(|space: Space| Value::UInt(space.free_bytes));
            let percent = space.map(|space| Value::F64(space.free_percent));
            self.readings
                .push(reading(PointId(point), free, Reason::DeviceError));
            self.readings
                .push(reading(PointId(point + 1), percent, Reason::DeviceError));
            point += 2;
        }
        io.emit(&mut self.readings);
    }
}

fn reading(point: PointId, value: Option<Value>, unknown: Reason) -> Reading {
    let quality = if value.is_some() {
        Quality::GOOD
    } else {
        Quality::of(unknown)
    };
    Reading {
        point,
        value,
        quality,
        source_time: None,
    }
}

impl Adapter for System {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}

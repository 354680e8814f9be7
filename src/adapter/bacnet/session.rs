//! One session: find the device, poll, subscribe and write, one request after the other, until
//! stop or loss.

use std::convert::Infallible;
use std::net::SocketAddrV4;
use std::time::Duration;

use mainstem_adapter::{AdapterIo, PointId, Reading, SessionEnd};
use mainstem_model::Monotonic;

use crate::adapter::Setup;
use crate::codec::network;
use crate::codec::service::{self, READ, Target};
use crate::cov::Subscriptions;
use crate::cycle::Cycles;
use crate::identity;
use crate::learned::Learned;
use crate::line::{Answer, Line};
use crate::names;
use crate::opening::{self, Opening};

/// Writes carried out before a poll gets its turn, so that a flood of writes stops no reading.
const WRITES_IN_A_ROW: usize = 8;
/// After so much silence the device is asked for a sign of life.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Why the session does not go on.
pub(crate) enum Halt {
    /// The runner wants it to end.
    Stopped,
    /// It cannot go on.
    End(SessionEnd),
}

/// The state of one session.
pub(crate) struct Session<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) learned: &'a mut Learned,
    pub(crate) io: &'a mut AdapterIo,
    pub(crate) cycles: Cycles,
    pub(crate) subscriptions: Subscriptions,
    /// When each binding was last asked for.
    pub(crate) read_at: Vec<Option<Monotonic>>,
    pub(crate) readings: Vec<Reading>,
    /// The BBMD, and when the registration with it is renewed.
    registration: Option<(SocketAddrV4, Monotonic)>,
}

impl<'a> Session<'a> {
    /// Serves until stop or loss.
    pub(crate) async fn serve(
        setup: &'a Setup,
        learned: &'a mut Learned,
        io: &'a mut AdapterIo,
    ) -> Result<(), SessionEnd> {
        let stopped = io.stopped();
        let opening = Opening::of(&setup.config, setup.station.as_ref(), learned.invoke, io);
        let opened = tokio::select! {
            biased;
            () = stopped => return Ok(()),
            opened = Box::pin(opening.open()) => opened,
        };
        let (mut line, bbmd) = opened?;
        let now = io.clock().monotonic();
        let mut session = Self {
            cycles: Cycles::new(setup, now),
            subscriptions: Subscriptions::new(setup.told.keys().copied(), now),
            read_at: vec![None; setup.bindings.len()],
            readings: Vec::new(),
            registration: bbmd.map(|bbmd| (bbmd, now.after(renewal(setup)))),
            setup,
            learned,
            io,
        };
        session.io.online();
        let Err(halt) = session.run(&mut line).await;
        session.unsubscribe(&mut line);
        session.learned.invoke = line.invoke();
        match halt {
            Halt::Stopped => Ok(()),
            Halt::End(end) => Err(end),
        }
    }

    async fn run(&mut self, line: &mut Line) -> Result<Infallible, Halt> {
        loop {
            for _ in 0..WRITES_IN_A_ROW {
                let Some(job) = self.io.try_next_write() else {
                    break;
                };
                self.write(line, job).await?;
            }
            self.take_changes(line);
            self.renew_registration(line).await?;
            let now = self.io.clock().monotonic();
            if let Some(object) = self.subscriptions.due(now) {
                self.subscribe(line, object).await?;
            }
            self.release(line, now);
            match self.cycles.next() {
                Some((group, batch)) => self.poll(line, group, batch).await?,
                None => self.wait(line).await?,
            }
        }
    }

    fn release(&mut self, line: &Line, now: Monotonic) {
        let (setup, subscriptions, read_at) = (self.setup, &self.subscriptions, &self.read_at);
        let wanted = |index: usize| subscriptions.is_poll_due(setup, index, read_at[index], now);
        let overruns = self
            .cycles
            .release(setup, self.learned, line.apdu_max, now, wanted);
        if overruns > 0 {
            self.io.statistics().overrun(overruns);
        }
    }

    /// Until something is due, a write comes, or the device tells something.
    async fn wait(&mut self, line: &mut Line) -> Result<(), Halt> {
        let now = self.io.clock().monotonic();
        let quiet = IDLE_MAX.saturating_sub(line.idle());
        let registration = self.registration.map(|(_, due)| due);
        let due = [
            self.cycles.next_due(),
            self.subscriptions.next_due(),
            registration,
        ];
        let due = due.into_iter().flatten().min().map(|due| due.since(now));
        let stopped = self.io.stopped();
        let job = tokio::select! {
            biased;
            () = stopped => return Err(Halt::Stopped),
            job = self.io.next_write() => job,
            heard = line.listen() => {
                heard.map_err(|error| identity::lost(line, error))?;
                return Ok(());
            }
            () = tokio::time::sleep(due.unwrap_or(quiet).min(quiet)) => {
                return self.see_life(line).await;
            }
        };
        self.write(line, job).await
    }

    /// Asks for a sign of life, if the last one is old.
    pub(crate) async fn see_life(&mut self, line: &mut Line) -> Result<(), Halt> {
        if line.idle() >= IDLE_MAX {
            let target = Target {
                object: self.setup.device(),
                property: names::OBJECT_IDENTIFIER,
                index: None,
            };
            let mut body = Vec::new();
            service::read(&mut body, &target);
            drop(self.ask(line, READ, &body).await?);
        }
        Ok(())
    }

    /// Sends one request that may be sent twice.
    pub(crate) async fn ask(
        &mut self,
        line: &mut Line,
        service: u8,
        body: &[u8],
    ) -> Result<Answer, Halt> {
        let stopped = self.io.stopped();
        let answer = tokio::select! {
            biased;
            () = stopped => return Err(Halt::Stopped),
            answer = line.ask(service, body) => answer,
        };
        answer.map_err(|error| Halt::End(identity::lost(line, error)))
    }

    async fn renew_registration(&mut self, line: &Line) -> Result<(), Halt> {
        let now = self.io.clock().monotonic();
        let Some((bbmd, _)) = self.registration.filter(|(_, due)| *due <= now) else {
            return Ok(());
        };
        let request = network::register(self.setup.config.bbmd_lifetime_seconds);
        opening::send(&line.seat, bbmd, &request).await?;
        self.registration = Some((bbmd, now.after(renewal(self.setup))));
        Ok(())
    }
}

/// A registration is renewed three times in its life, for its datagram may get lost.
fn renewal(setup: &Setup) -> Duration {
    Duration::from_secs(u64::from(setup.config.bbmd_lifetime_seconds)) / 3
}

/// The datapoint of a binding.
pub(crate) fn point(index: usize) -> PointId {
    // A configuration has far fewer endpoints than this number can count.
    PointId(u32::try_from(index).unwrap_or(u32::MAX))
}

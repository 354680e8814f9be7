//! Writes: each is sent at most once, and its answer says what is known about it.

use mainstem_adapter::{Reading, WriteAnswer, WriteJob};
use mainstem_model::Value;

use crate::binding::Binding;
use crate::codec::service::{self, WRITE};
use crate::codec::value::Raw;
use crate::data_type;
use crate::identity;
use crate::line::Line;
use crate::session::{Halt, Session, point};

/// Bytes of a request that are no value.
const OVERHEAD: usize = 48;

impl Session<'_> {
    /// Carries out one write. Ends the session only if the device does not answer.
    pub(crate) async fn write(&mut self, line: &mut Line, job: WriteJob) -> Result<(), Halt> {
        let setup = self.setup;
        let index = usize::try_from(job.point.0).ok();
        let found = index.and_then(|at| Some((at, setup.bindings.get(at)?)));
        let Some((index, binding)) = found.filter(|(_, binding)| binding.writable) else {
            refuse(job, "NotWritable", "this endpoint is only read");
            return Ok(());
        };
        let raw = match wanted(binding, &job.value) {
            Ok(raw) => raw,
            Err(message) => {
                refuse(job, "BadValue", &message);
                return Ok(());
            }
        };
        let mut body = Vec::new();
        service::write(&mut body, &binding.target, &raw, binding.priority);
        if body.len() + OVERHEAD > usize::from(line.apdu_max) {
            let message = format!(
                "{} bytes do not fit into one message to this device, which takes {}; requests \
                 in pieces are not sent",
                body.len(),
                line.apdu_max
            );
            refuse(job, "TooLong", &message);
            return Ok(());
        }
        // A device that is gone would leave the outcome unknown.
        self.see_life(line).await?;
        self.send(line, job, index, &body, &raw).await
    }

    async fn send(
        &mut self,
        line: &mut Line,
        mut job: WriteJob,
        index: usize,
        body: &[u8],
        raw: &[Raw],
    ) -> Result<(), Halt> {
        if self.io.clock().monotonic() > job.deadline {
            let message = "its deadline passed before it could be sent".to_owned();
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        job.begin();
        let stopped = self.io.stopped();
        let answer = tokio::select! {
            biased;
            () = stopped => return Err(Halt::Stopped),
            answer = line.ask_once(WRITE, body) => answer,
        };
        match answer {
            Ok(Ok(_)) => {
                self.io.statistics().wrote();
                self.confirm(line, job, index, raw).await
            }
            Ok(Err(refusal)) => {
                let fault = refusal.fault();
                self.io.statistics().failed(fault.code);
                self.io.statistics().wrote();
                refuse(job, fault.code, &fault.message);
                Ok(())
            }
            Err(error) => {
                let end = identity::lost(line, error);
                let message = end.to_string();
                job.answer(WriteAnswer::Unknown { message });
                Err(Halt::End(end))
            }
        }
    }

    /// Answers a confirmed write, after reading it back where that is possible and wanted.
    async fn confirm(
        &mut self,
        line: &mut Line,
        job: WriteJob,
        index: usize,
        written: &[Raw],
    ) -> Result<(), Halt> {
        let binding = &self.setup.bindings[index];
        if binding.poll.is_none() || !self.setup.config.read_back {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        }
        let left = job.deadline.since(self.io.clock().monotonic());
        // The device has confirmed it: a read that fails must not make the outcome unknown.
        let read = Box::pin(self.read_one(line, binding.target));
        let read = tokio::time::timeout(left, read).await;
        let now = match &read {
            Ok(Ok(Ok(values))) => Some(values.as_slice()),
            _ => None,
        };
        // Another priority may hold the value: then it is written and not verified.
        let verified = now.is_some_and(|now| now == written);
        job.answer(WriteAnswer::Applied { verified });
        // Where status flags decide on the quality, the next poll says it, with them.
        let is_plain = !(self.setup.config.status_flags && binding.has_flags());
        let value = now.and_then(|now| data_type::from_raw(binding.data_type, now));
        if let Some(value) = value.filter(|_| is_plain) {
            self.io.emit(&mut vec![Reading::good(point(index), value)]);
        }
        match read {
            Ok(Err(halt)) => Err(halt),
            _ => Ok(()),
        }
    }
}

fn wanted(binding: &Binding, value: &Value) -> Result<Vec<Raw>, String> {
    match (binding.relinquish, value) {
        (true, Value::Bool(true)) => Ok(vec![Raw::Null]),
        (true, _) => Err("only `true` gives the priority up".to_owned()),
        (false, value) => data_type::to_raw(binding.data_type, value),
    }
}

fn refuse(job: WriteJob, code: &str, message: &str) {
    job.answer(WriteAnswer::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    });
}

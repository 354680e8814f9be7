//! Writes: each is sent at most once, and its answer says what is known about it.

use std::time::Duration;

use mainstem_adapter::{Reading, WriteAnswer, WriteJob};
use mainstem_model::Value;
use mainstem_registers::Format;
use tokio_modbus::ExceptionCode;

use crate::binding::Binding;
use crate::exception::explain;
use crate::line::CallError;
use crate::request::{Data, confirms};
use crate::session::{Halt, Read, Session, point};

/// After so much silence the device may have closed the connection without our noticing, so a
/// read goes ahead of the write: a write that meets a closed connection has an unknown outcome.
const IDLE_BEFORE_WRITE: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// Carries out one write. Ends the session only if the connection is beyond repair.
    pub(crate) async fn write(&mut self, job: WriteJob) -> Result<(), Halt> {
        let setup = self.setup;
        let binding = usize::try_from(job.point.0)
            .ok()
            .and_then(|at| setup.bindings.get(at));
        let Some(binding) = binding.filter(|binding| binding.write.is_some()) else {
            answer_refused(
                job,
                "NotWritable",
                "this endpoint has no function code to write with",
            );
            return Ok(());
        };
        let (count, format) = (binding.span.count, binding.format);
        let data = match Data::of(&job.value, binding.table, count, format) {
            Ok(data) => data,
            Err(error) => {
                answer_refused(job, error.code(), &error.to_string());
                return Ok(());
            }
        };
        let unit = &self.units[setup.unit_of(binding)];
        if !unit.may_poll(self.io.clock().monotonic()) {
            let message = format!("unit {} does not answer at present", unit.id);
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        self.connect().await?;
        match self.prepare(binding, data).await? {
            Ok(data) => self.send(job, binding, &data).await,
            Err(answer) => {
                job.answer(answer);
                Ok(())
            }
        }
    }

    /// Reads ahead where the write needs it: the other bits of a register, or a sign of life.
    async fn prepare(
        &mut self,
        binding: &Binding,
        mut data: Data,
    ) -> Result<Result<Data, WriteAnswer>, Halt> {
        let is_idle = self
            .line
            .idle()
            .is_some_and(|idle| idle > IDLE_BEFORE_WRITE);
        let bit = match binding.format {
            Format::Bit(bit) => Some(bit),
            _ => None,
        };
        if !is_idle && bit.is_none() {
            return Ok(Ok(data));
        }
        let unit = self.setup.unit_of(binding);
        let read = self.read(unit, binding.table, binding.span).await?;
        if matches!(read, Read::Silence) {
            self.unanswered(unit)?;
            let message = "the device did not answer the read that goes before".to_owned();
            return Ok(Err(WriteAnswer::NotSent { message }));
        }
        match (bit, read) {
            (Some(bit), Read::Data(current)) => data.merge_bit(bit, &current),
            (Some(_), Read::Exception(exception)) => {
                let explained = explain(exception);
                let meaning = explained.meaning;
                let message = format!("reading the register's other bits failed: {meaning}");
                return Ok(Err(WriteAnswer::Refused {
                    code: explained.name,
                    message,
                }));
            }
            _ => {}
        }
        Ok(Ok(data))
    }

    async fn send(
        &mut self,
        mut job: WriteJob,
        binding: &Binding,
        data: &Data,
    ) -> Result<(), Halt> {
        let Some(code) = binding.write else {
            return Ok(());
        };
        self.connect().await?;
        if self.io.clock().monotonic() > job.deadline {
            let message = "its deadline passed before it could be sent".to_owned();
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        let unit = self.setup.unit_of(binding);
        let request = data.write_request(code, binding.span.start);
        job.begin();
        match self.ask(unit, request.clone()).await? {
            Ok(Ok(response)) if confirms(&request, &response) => {
                self.answered(unit);
                self.io.statistics().wrote();
                self.confirm(job, binding, data).await
            }
            Ok(Ok(_)) => {
                self.line.reject();
                self.broken(
                    job,
                    CallError::Invalid("its answer confirms another write".into()),
                )
            }
            Ok(Err(exception)) => self.excepted(job, unit, exception),
            Err(CallError::Timeout) => {
                let message = "the device did not answer in time".to_owned();
                job.answer(WriteAnswer::Unknown { message });
                self.unanswered(unit).map(drop)
            }
            Err(error) => self.broken(job, error),
        }
    }

    fn broken(&self, job: WriteJob, error: CallError) -> Result<(), Halt> {
        let end = self.lost(error);
        job.answer(WriteAnswer::Unknown {
            message: end.to_string(),
        });
        Err(end.into())
    }

    fn excepted(
        &mut self,
        job: WriteJob,
        unit: usize,
        exception: ExceptionCode,
    ) -> Result<(), Halt> {
        let explained = explain(exception);
        let message = explained.meaning.to_owned();
        match exception {
            // The gateway has passed it on and heard nothing; a silent device may have acted.
            ExceptionCode::GatewayTargetDevice => {
                job.answer(WriteAnswer::Unknown { message });
                return self.silent(unit).map(drop);
            }
            ExceptionCode::GatewayPathUnavailable => {
                job.answer(WriteAnswer::Refused {
                    code: explained.name,
                    message,
                });
                return self.silent(unit).map(drop);
            }
            // It is being carried out, and nobody will say how that ends.
            ExceptionCode::Acknowledge => job.answer(WriteAnswer::Unknown { message }),
            _ => job.answer(WriteAnswer::Refused {
                code: explained.name,
                message,
            }),
        }
        self.answered(unit);
        self.io.statistics().wrote();
        Ok(())
    }

    /// Answers a confirmed write, after reading it back where that is possible and wanted.
    async fn confirm(&mut self, job: WriteJob, binding: &Binding, data: &Data) -> Result<(), Halt> {
        if binding.poll.is_none() || !self.setup.config.read_back {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        }
        let (unit, span, index) = (self.setup.unit_of(binding), binding.span, job.point.0);
        let left = job.deadline.since(self.io.clock().monotonic());
        // The device has confirmed it, so a read that fails must not make the outcome unknown.
        let read = tokio::time::timeout(left, self.read(unit, binding.table, span)).await;
        let value = match &read {
            Ok(Ok(Read::Data(data))) => data.value(0, span.count, binding.format),
            _ => None,
        };
        let wanted: Option<Value> = data.value(0, span.count, binding.format);
        job.answer(WriteAnswer::Applied {
            verified: value.is_some() && value == wanted,
        });
        if let (Some(value), Ok(index)) = (value, usize::try_from(index)) {
            self.io.emit(&mut vec![Reading::good(point(index), value)]);
        }
        match read {
            Ok(Err(halt)) => Err(halt),
            Ok(Ok(Read::Silence)) => self.unanswered(unit).map(drop),
            _ => Ok(()),
        }
    }
}

fn answer_refused(job: WriteJob, code: &str, message: &str) {
    job.answer(WriteAnswer::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    });
}

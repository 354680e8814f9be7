//! Writes: each is sent at most once, and its answer says what is known about it.

use mainstem_adapter::polled::{CallError, Halt};
use mainstem_adapter::{PointId, Reading, WriteAnswer, WriteJob};
use mainstem_model::Value;

use crate::binding::Binding;
use crate::block::Span;
use crate::codec::{decode, encode};
use crate::data_type::DataType;
use crate::fault::{self, Fault};
use crate::line::Line;
use crate::pdu::{self, AnswerError, WRITE_OVERHEAD};
use crate::session::Session;

impl Session<'_> {
    /// Carries out one write. Ends the session only if the connection is beyond repair.
    pub(crate) async fn write(&mut self, line: &mut Line, job: WriteJob) -> Result<(), Halt> {
        let setup = self.setup;
        let index = usize::try_from(job.point.0).ok();
        let binding = index.and_then(|at| setup.bindings.get(at));
        let Some(binding) = binding.filter(|binding| binding.writable) else {
            refuse(job, "NotWritable", "this endpoint is only read");
            return Ok(());
        };
        let bytes = match encode(binding.format, &job.value) {
            Ok(bytes) => bytes,
            Err(error) => {
                refuse(job, error.code(), &error.to_string());
                return Ok(());
            }
        };
        let room = line.pdu().saturating_sub(WRITE_OVERHEAD);
        if bytes.len() > room {
            let message = format!(
                "{} bytes do not fit into one request, which carries {room} to this CPU; in \
                 several they would not be written at once",
                bytes.len()
            );
            refuse(job, "TooLong", &message);
            return Ok(());
        }
        if let Some(fault) = self.too_short(line, binding, &bytes).await? {
            refuse(job, fault.code, &fault.message);
            return Ok(());
        }
        self.see_life(line).await?;
        self.send(line, job, binding, &bytes).await
    }

    /// A string must not grow over its end in the CPU, whatever `length` says here: its header
    /// tells how long it may become.
    async fn too_short(
        &mut self,
        line: &mut Line,
        binding: &Binding,
        bytes: &[u8],
    ) -> Result<Option<Fault>, Halt> {
        let header = binding.format.data_type.header();
        if header == 0 {
            return Ok(None);
        }
        let count = u32::try_from(header).unwrap_or_default();
        let span = Span {
            count,
            ..binding.span
        };
        let head = match self.read_whole(line, span).await? {
            Ok(head) => head,
            Err(code) => return Ok(Some(fault::item(code))),
        };
        let most = match *head.as_slice() {
            [most, _] => usize::from(most),
            [high, low, ..] => usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        let unit = binding.format.data_type.unit();
        let wanted = bytes.len() / unit - 1;
        let too_long = wanted > most;
        Ok(too_long.then(|| Fault {
            code: "string_too_long",
            message: format!(
                "the string in the CPU holds {most} characters, {wanted} were given; if it should \
                 hold more, check its address and that it was initialised"
            ),
            reason: mainstem_model::Reason::DeviceError,
        }))
    }

    async fn send(
        &mut self,
        line: &mut Line,
        mut job: WriteJob,
        binding: &Binding,
        bytes: &[u8],
    ) -> Result<(), Halt> {
        if self.io.clock().monotonic() > job.deadline {
            let message = "its deadline passed before it could be sent".to_owned();
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        let reference = line.next_reference();
        let request = request(reference, binding, bytes);
        job.begin();
        let answer = match self.ask(line, &request).await? {
            Ok(answer) => answer,
            Err(error) => return Err(self.unknown(line, job, error)),
        };
        match pdu::write_answer(&answer, reference) {
            Ok(Ok(())) => {
                self.io.statistics().wrote();
                self.confirm(line, job, binding).await
            }
            Ok(Err(code)) => {
                self.turned_down(job, &fault::item(code));
                Ok(())
            }
            Err(AnswerError::Refused { class, code }) => {
                self.turned_down(job, &fault::request(class, code));
                Ok(())
            }
            Err(AnswerError::Invalid(what)) => {
                Err(self.unknown(line, job, CallError::Invalid(what)))
            }
        }
    }

    fn turned_down(&self, job: WriteJob, fault: &Fault) {
        self.io.statistics().failed(fault.code);
        self.io.statistics().wrote();
        refuse(job, fault.code, &fault.message);
    }

    fn unknown(&self, line: &Line, job: WriteJob, error: CallError) -> Halt {
        let end = self.lost(line, error);
        let message = end.to_string();
        job.answer(WriteAnswer::Unknown { message });
        end.into()
    }

    /// Answers a confirmed write, after reading it back where that is possible and wanted.
    async fn confirm(
        &mut self,
        line: &mut Line,
        job: WriteJob,
        binding: &Binding,
    ) -> Result<(), Halt> {
        if binding.poll.is_none() || !self.setup.config.read_back {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        }
        let left = job.deadline.since(self.io.clock().monotonic());
        // The CPU has confirmed it, so a read that fails must not make the outcome unknown. Cut
        // off half way, it takes the connection with it, and the next request ends the session.
        let read = Box::pin(self.read_whole(line, binding.span));
        let read = tokio::time::timeout(left, read).await;
        let value = match &read {
            Ok(Ok(Ok(bytes))) => decode(binding.format, bytes),
            _ => None,
        };
        let written = |value: &Value| encode(binding.format, value).ok();
        let verified = value.as_ref().is_some_and(|value| {
            let (is, wanted) = (written(value), written(&job.value));
            is.is_some() && is == wanted
        });
        let index = job.point;
        job.answer(WriteAnswer::Applied { verified });
        if let (Some(value), Ok(index)) = (value, usize::try_from(index.0)) {
            self.io
                .emit(&mut vec![Reading::good(PointId::at(index), value)]);
        }
        match read {
            Ok(Err(halt)) => Err(halt),
            _ => Ok(()),
        }
    }
}

fn request(reference: u16, binding: &Binding, bytes: &[u8]) -> Vec<u8> {
    let format = binding.format;
    if format.data_type == DataType::Bool {
        let on = bytes.first() == Some(&1);
        return pdu::write_bit_request(reference, binding.span, format.bit, on);
    }
    // Half of a string's header is the CPU's own and stays as it is.
    let skipped = u32::try_from(format.data_type.header() / 2).unwrap_or_default();
    let span = Span {
        start: binding.span.start + skipped,
        count: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        ..binding.span
    };
    pdu::write_request(reference, span, bytes)
}

fn refuse(job: WriteJob, code: &str, message: &str) {
    job.answer(WriteAnswer::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    });
}

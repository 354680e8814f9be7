//! Writes: each is sent at most once, and its answer says what is known about it.

use mainstem_adapter::polled::{CallError, Halt};
use mainstem_adapter::{PointId, Reading, WriteAnswer, WriteJob, convert};
use mainstem_model::{Scalar, Value};

use crate::binding::Binding;
use crate::cip::{self, DONE, MODIFY, WRITE};
use crate::codec::{EncodeError, decode, encode, encode_text, masks};
use crate::cycle::MESSAGE_MAX;
use crate::data_type::{DataType, Shape};
use crate::fault::{self, Fault};
use crate::line::Line;
use crate::session::Session;

/// A request to write, with the service that its answer must name; or why there is none.
type Prepared = Result<(Vec<u8>, u8), Fault>;

impl Session<'_> {
    /// Carries out one write. Ends the session only if the connection is beyond repair.
    pub(crate) async fn write(&mut self, line: &mut Line, job: WriteJob) -> Result<(), Halt> {
        let setup = self.setup;
        let index = usize::try_from(job.point.0).unwrap_or(usize::MAX);
        let binding = setup.bindings.get(index);
        let Some(binding) = binding.filter(|binding| binding.writable) else {
            refuse(job, "NotWritable", "this endpoint is only read");
            return Ok(());
        };
        let (request, service) = match self.prepare(line, index, binding, &job.value).await? {
            Ok(prepared) => prepared,
            Err(fault) => {
                refuse(job, fault.code, &fault.message);
                return Ok(());
            }
        };
        if request.len() > MESSAGE_MAX {
            let message = format!(
                "{} bytes do not fit into one request, which carries {MESSAGE_MAX}; in several \
                 they would not be written at once",
                request.len()
            );
            refuse(job, "TooLong", &message);
            return Ok(());
        }
        self.see_life(line).await?;
        self.send(line, job, index, &request, service).await
    }

    async fn prepare(
        &mut self,
        line: &mut Line,
        index: usize,
        binding: &Binding,
        value: &Value,
    ) -> Result<Prepared, Halt> {
        let format = binding.format;
        let data_type = match format.shape {
            Shape::Elements(data_type) => data_type,
            Shape::Packed(bit) => return Ok(set_bit(binding, value, bit, 4)),
            Shape::Bit(bit) => {
                // The masks have to be as long as the integer, which only the controller knows.
                return Ok(match self.read(line, index).await? {
                    Err(status) => Err(fault::of(status)),
                    Ok(now) => match decode(format, &now) {
                        Err(mismatch) => Err(wrong("BadType", mismatch.to_string())),
                        Ok(_) => {
                            let size = DataType::coded(now.code).map_or(4, |found| found.size);
                            set_bit(binding, value, bit, size)
                        }
                    },
                });
            }
            Shape::Number => return Ok(Err(wrong("BadType", "`tagType` is missing".to_owned()))),
        };
        if !data_type.is_text() {
            let request = |bytes: Vec<u8>| {
                let count = format.count();
                (
                    cip::write(&binding.path, data_type.code, 0, count, &bytes),
                    WRITE,
                )
            };
            return Ok(encode(format, value)
                .map(request)
                .map_err(|error| coded(&error)));
        }
        let Value::Text(text) = value else {
            return Ok(Err(wrong(
                "BadType",
                format!("{} is no text", value.kind()),
            )));
        };
        // Its form and its room are the controller's, and read before, so that nothing grows over
        // its end.
        let now = match self.read(line, index).await? {
            Ok(now) => now,
            Err(status) => return Ok(Err(fault::of(status))),
        };
        let request = |bytes: Vec<u8>| {
            (
                cip::write(&binding.path, now.code, now.handle, 1, &bytes),
                WRITE,
            )
        };
        let encoded = encode_text(&now, text, binding.text_max);
        Ok(encoded.map(request).map_err(|error| coded(&error)))
    }

    async fn send(
        &mut self,
        line: &mut Line,
        mut job: WriteJob,
        index: usize,
        request: &[u8],
        service: u8,
    ) -> Result<(), Halt> {
        if self.io.clock().monotonic() > job.deadline {
            let message = "its deadline passed before it could be sent".to_owned();
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        job.begin();
        match self.ask(line, request, service).await? {
            Ok((status, _)) if status.general == DONE => {
                self.io.statistics().wrote();
                self.confirm(line, job, index).await
            }
            Ok((status, _)) => {
                let fault = fault::of(status);
                self.io.statistics().failed(fault.code);
                self.io.statistics().wrote();
                refuse(job, fault.code, &fault.message);
                Ok(())
            }
            Err(error) => Err(self.unknown(line, job, error)),
        }
    }

    fn unknown(&self, line: &Line, job: WriteJob, error: CallError) -> Halt {
        let end = self.lost(line, error);
        let message = end.to_string();
        job.answer(WriteAnswer::Unknown { message });
        end.into()
    }

    /// Answers a confirmed write, after reading it back where that is possible and wanted.
    async fn confirm(&mut self, line: &mut Line, job: WriteJob, index: usize) -> Result<(), Halt> {
        let binding = &self.setup.bindings[index];
        if binding.poll.is_none() || !self.setup.config.read_back {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        }
        let left = job.deadline.since(self.io.clock().monotonic());
        // The controller has confirmed it, so a read that fails must not make the outcome unknown.
        // Cut off half way, it takes the connection with it, and the next request ends the session.
        let read = Box::pin(self.read(line, index));
        let read = tokio::time::timeout(left, read).await;
        let format = binding.format;
        let value = match &read {
            Ok(Ok(Ok(payload))) => decode(format, payload).ok(),
            _ => None,
        };
        let wanted = convert(job.value.clone(), format.value_type()).ok();
        let verified = value.is_some() && value == wanted;
        job.answer(WriteAnswer::Applied { verified });
        if let Some(value) = value {
            self.io
                .emit(&mut vec![Reading::good(PointId::at(index), value)]);
        }
        match read {
            Ok(Err(halt)) => Err(halt),
            _ => Ok(()),
        }
    }
}

/// The request that changes one bit and leaves its neighbours to the controller.
fn set_bit(binding: &Binding, value: &Value, bit: u8, size: usize) -> Prepared {
    if binding.format.array {
        let message = "bits of a packed array are written one by one: name an element";
        return Err(wrong("NotWritable", message.to_owned()));
    }
    match convert(value.clone(), Scalar::Bool.into()) {
        Ok(Value::Bool(on)) => {
            let (or, and) = masks(bit, on, size);
            Ok((cip::modify(&binding.path, &or, &and), MODIFY))
        }
        Ok(other) => Err(wrong("BadType", format!("{} is no BOOL", other.kind()))),
        Err(error) => Err(wrong("BadType", error.to_string())),
    }
}

fn wrong(code: &'static str, message: String) -> Fault {
    Fault {
        code,
        message,
        reason: mainstem_model::Reason::BadType,
    }
}

fn coded(error: &EncodeError) -> Fault {
    wrong(error.code(), error.to_string())
}

fn refuse(job: WriteJob, code: &str, message: &str) {
    job.answer(WriteAnswer::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    });
}

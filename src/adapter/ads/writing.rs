//! Writes: each is sent at most once, and its answer says what is known about it. A symbol is
//! written by a handle of its own, which a change of the program makes invalid.

use mainstem_adapter::polled::Halt;
use mainstem_adapter::{PointId, Reading, WriteAnswer, WriteJob};
use mainstem_model::Value;

use crate::binding::{Binding, Target};
use crate::codec::{decode, encode};
use crate::commands::{
    BY_HANDLE, HANDLE_OF, Item, READ_WRITE, RELEASE, WRITE, bytes, read_write, result, write,
};
use crate::fault::{self, Fault};
use crate::line::{CallError, Line};
use crate::resolving::Place;
use crate::session::Session;

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
        self.see_life(line).await?;
        self.resolve(line, &[index]).await?;
        self.io.emit(&mut self.readings);
        let place = self.places.of(index, binding);
        let (Some(place), Some(data_type)) = (place, binding.format.data_type) else {
            let message = "the PLC has no such symbol, or it is not what the endpoint says: see \
                           the log, and the reason of the datapoint";
            refuse(job, "symbol_not_found", message);
            return Ok(());
        };
        let value = match encode(binding.format, data_type, place.item.size, &job.value) {
            Ok(value) => value,
            Err(error) => {
                refuse(job, error.code(), &error.to_string());
                return Ok(());
            }
        };
        let Target::Symbol(name) = &binding.target else {
            let request = write(place.item.group, place.item.offset, &value);
            return self.send(line, job, index, &request).await;
        };
        match self.handle(line, name).await? {
            Err(code) => {
                let fault = fault::of(code);
                refuse(job, fault.code, &fault.message);
                Ok(())
            }
            Ok(handle) => {
                let request = write(BY_HANDLE, handle, &value);
                let sent = self.send(line, job, index, &request).await;
                sent?;
                self.release(line, handle).await
            }
        }
    }

    async fn handle(&mut self, line: &mut Line, name: &str) -> Result<Result<u32, u32>, Halt> {
        let item = Item {
            group: HANDLE_OF,
            offset: 0,
            size: 4,
        };
        let request = read_write(item, &[name.as_bytes(), &[0]].concat());
        let data = self.ask(line, READ_WRITE, &request, item.size).await?;
        let data = data.map_err(|error| self.lost(line, error))?;
        let read = bytes(&data, item.size).map_err(CallError::invalid);
        match read.map_err(|error| self.lost(line, error))? {
            Err(code) => Ok(Err(code)),
            Ok(&[a, b, c, d]) => Ok(Ok(u32::from_le_bytes([a, b, c, d]))),
            Ok(_) => {
                let what = CallError::invalid("a handle has four bytes".to_owned());
                Err(self.lost(line, what).into())
            }
        }
    }

    /// Gives a handle back; a PLC keeps it otherwise until it is started again.
    async fn release(&mut self, line: &mut Line, handle: u32) -> Result<(), Halt> {
        let request = write(RELEASE, 0, &handle.to_le_bytes());
        let data = self.ask(line, WRITE, &request, 0).await?;
        data.map_err(|error| self.lost(line, error))?;
        Ok(())
    }

    async fn send(
        &mut self,
        line: &mut Line,
        mut job: WriteJob,
        index: usize,
        request: &[u8],
    ) -> Result<(), Halt> {
        if self.io.clock().monotonic() > job.deadline {
            let message = "its deadline passed before it could be sent".to_owned();
            job.answer(WriteAnswer::NotSent { message });
            return Ok(());
        }
        job.begin();
        let answered = self.ask(line, WRITE, request, 0).await?;
        let answered = answered.and_then(|data| match result(&data) {
            Ok(said) => Ok(said.map(|_| ())),
            Err(what) => Err(CallError::invalid(what)),
        });
        match answered {
            Ok(Ok(())) => {
                self.io.statistics().wrote();
                self.confirm(line, job, index).await
            }
            Ok(Err(code)) => {
                let fault: Fault = fault::of(code);
                self.io.statistics().failed(fault.code);
                self.io.statistics().wrote();
                refuse(job, fault.code, &fault.message);
                Ok(())
            }
            Err(error) => {
                let end = self.lost(line, error);
                let message = end.to_string();
                job.answer(WriteAnswer::Unknown { message });
                Err(end.into())
            }
        }
    }

    /// Answers a confirmed write, after reading it back where that is possible and wanted.
    async fn confirm(&mut self, line: &mut Line, job: WriteJob, index: usize) -> Result<(), Halt> {
        let binding = &self.setup.bindings[index];
        let place = self.places.of(index, binding);
        let (Some(place), true, Some(_)) = (place, self.setup.config.read_back, binding.poll)
        else {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        };
        let left = job.deadline.since(self.io.clock().monotonic());
        // The PLC has confirmed it, so a read that fails must not make the outcome unknown. Cut
        // off half way, it takes the connection with it, and the next request ends the session.
        let items = [place.item];
        let read = Box::pin(self.read_each(line, &items));
        let read = tokio::time::timeout(left, read).await;
        let value = match &read {
            Ok(Ok(Some(answers))) => value(binding, place, answers),
            _ => None,
        };
        let wanted = again(binding, place, &job.value);
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

fn value(binding: &Binding, place: Place, answers: &[Result<Vec<u8>, u32>]) -> Option<Value> {
    let bytes = answers.first()?.as_ref().ok()?;
    decode(binding.format, place.code, bytes)
}

/// What the PLC has to hold after this value was written.
fn again(binding: &Binding, place: Place, value: &Value) -> Option<Value> {
    let data_type = binding.format.data_type?;
    let bytes = encode(binding.format, data_type, place.item.size, value).ok()?;
    decode(binding.format, place.code, &bytes)
}

fn refuse(job: WriteJob, code: &str, message: &str) {
    job.answer(WriteAnswer::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
    });
}

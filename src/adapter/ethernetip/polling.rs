//! Polls: tags are read together, and what does not fit or is refused alone.

use mainstem_adapter::polled::{CallError, Halt};
use mainstem_adapter::{PointId, Reading};

use crate::cip::{self, DONE, MORE, READ, READ_PART, SEVERAL, SOME_FAILED, Status};
use crate::codec::{Payload, decode};
use crate::cycle::{MESSAGE_MAX, answer_bytes};
use crate::fault::{self, Fault};
use crate::line::Line;
use crate::session::Session;

/// The device does not know the service.
const UNKNOWN_SERVICE: u8 = 0x08;
/// The answer would be too long.
const TOO_LONG: u8 = 0x11;
/// Parts that one tag may come in: each has to bring something, but not much.
const PARTS_MAX: usize = 512;

impl Session<'_> {
    /// Reads the tags of one request.
    pub(crate) async fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        members: &[usize],
    ) -> Result<(), Halt> {
        match members {
            [] => Ok(()),
            [single] => {
                let answer = self.read(line, *single).await?;
                self.go_online();
                self.take(line, *single, answer);
                self.io.emit(&mut self.readings);
                Ok(())
            }
            several => self.read_several(line, group, several).await,
        }
    }

    async fn read_several(
        &mut self,
        line: &mut Line,
        group: usize,
        members: &[usize],
    ) -> Result<(), Halt> {
        let setup = self.setup;
        let requests: Vec<&[u8]> = members
            .iter()
            .map(|at| setup.bindings[*at].request.as_slice())
            .collect();
        let answered = self.ask(line, &cip::several(&requests), SEVERAL).await?;
        let (status, data) = answered.map_err(|error| self.lost(line, error))?;
        self.go_online();
        match status.general {
            DONE | SOME_FAILED => {}
            refused => {
                // Nothing is known about any of them: each is asked for by itself.
                self.learned.is_single |= refused == UNKNOWN_SERVICE;
                self.io.statistics().failed(fault::of(status).code);
                self.cycles.again(group, members);
                return Ok(());
            }
        }
        let invalid = |what| CallError::Invalid(what);
        let parts = cip::answers(&data, members.len()).map_err(invalid);
        let parts = parts.map_err(|error| self.lost(line, error))?;
        let mut long = Vec::new();
        for (member, part) in members.iter().zip(parts) {
            let answer = cip::answer(part, READ).map_err(invalid);
            let answer = answer.map_err(|error| self.lost(line, error))?;
            match answer.status.general {
                MORE | TOO_LONG => {
                    self.learned.is_too_long(*member);
                    long.push(*member);
                }
                DONE => {
                    let payload = cip::payload(answer.data).map_err(invalid);
                    let payload = payload.map_err(|error| self.lost(line, error))?;
                    self.take(line, *member, Ok(payload));
                }
                _ => self.take(line, *member, Err(answer.status)),
            }
        }
        self.cycles.again(group, &long);
        self.io.emit(&mut self.readings);
        Ok(())
    }

    /// Reads one binding, part by part if it is long.
    pub(crate) async fn read(
        &mut self,
        line: &mut Line,
        index: usize,
    ) -> Result<Result<Payload, Status>, Halt> {
        let setup = self.setup;
        let binding = &setup.bindings[index];
        if answer_bytes(binding) > MESSAGE_MAX || self.learned.is_long(index) {
            return self.read_parts(line, index).await;
        }
        let answered = self.ask(line, &binding.request, READ).await?;
        let (status, data) = answered.map_err(|error| self.lost(line, error))?;
        match status.general {
            DONE => {
                let payload = cip::payload(&data).map_err(CallError::Invalid);
                Ok(Ok(payload.map_err(|error| self.lost(line, error))?))
            }
            MORE | TOO_LONG => {
                self.learned.is_too_long(index);
                self.read_parts(line, index).await
            }
            _ => Ok(Err(status)),
        }
    }

    async fn read_parts(
        &mut self,
        line: &mut Line,
        index: usize,
    ) -> Result<Result<Payload, Status>, Halt> {
        let setup = self.setup;
        let binding = &setup.bindings[index];
        let most = binding.format.bytes_max();
        let mut whole = Payload::default();
        for _ in 0..PARTS_MAX {
            let offset = u32::try_from(whole.bytes.len()).unwrap_or(u32::MAX);
            let request = cip::read_part(&binding.path, binding.format.count(), offset);
            let answered = self.ask(line, &request, READ_PART).await?;
            let (status, data) = answered.map_err(|error| self.lost(line, error))?;
            if !matches!(status.general, DONE | MORE) {
                return Ok(Err(status));
            }
            let part = cip::payload(&data).map_err(CallError::Invalid);
            let part = part.map_err(|error| self.lost(line, error))?;
            let is_first = whole.bytes.is_empty();
            let is_same = is_first || (part.code, part.handle) == (whole.code, whole.handle);
            let is_empty = part.bytes.is_empty();
            if !is_same || is_empty {
                let what = "the parts of a tag do not make what was asked for".to_owned();
                return Err(self.lost(line, CallError::Invalid(what)).into());
            }
            whole = Payload {
                bytes: [whole.bytes, part.bytes].concat(),
                ..part
            };
            // Longer than the endpoint can mean: a structure, perhaps. More of it helps nobody.
            if status.general == DONE || whole.bytes.len() > most {
                return Ok(Ok(whole));
            }
        }
        let what = format!("a tag comes in more than {PARTS_MAX} parts");
        Err(self.lost(line, CallError::Invalid(what)).into())
    }

    fn take(&mut self, line: &Line, index: usize, answer: Result<Payload, Status>) {
        let format = self.setup.bindings[index].format;
        let fault = match answer {
            Err(status) => fault::of(status),
            Ok(payload) => match decode(format, &payload) {
                Ok(value) => {
                    self.learned.refusals.answered(index);
                    self.readings.push(Reading::good(PointId::at(index), value));
                    return;
                }
                Err(mismatch) => Fault {
                    code: "type_mismatch",
                    message: mismatch.to_string(),
                    reason: mainstem_model::Reason::BadType,
                },
            },
        };
        self.io.statistics().failed(fault.code);
        let now = self.io.clock().monotonic();
        if self.learned.refusals.add(index, fault.reason, now) {
            let tag = self.setup.bindings[index].written.as_str();
            let (place, message) = (line.place(), fault.message.as_str());
            tracing::warn!(place, tag, "{message}");
        }
        self.readings
            .push(Reading::failed(PointId::at(index), fault.reason));
    }
}

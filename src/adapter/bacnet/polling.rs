//! Reading: several properties in one request, and one by one where that does not work.

use std::collections::BTreeMap;

use mainstem_adapter::Reading;
use mainstem_model::{Quality, Reason};

use crate::codec::service::{self, READ, READ_MULTIPLE, Target, Told};
use crate::codec::value::Raw;
use crate::data_type;
use crate::fault::{Fault, Refusal};
use crate::line::Line;
use crate::names::STATUS_FLAGS;
use crate::session::{Halt, Session, point};

impl Session<'_> {
    /// Reads the bindings of one batch.
    pub(crate) async fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        batch: Vec<usize>,
    ) -> Result<(), Halt> {
        let targets: Vec<Target> = batch
            .iter()
            .flat_map(|index| self.targets(*index))
            .collect();
        if targets.len() == 1 || self.learned.batch() == 1 {
            for index in batch {
                self.poll_single(line, index).await?;
            }
            return Ok(());
        }
        let mut body = Vec::new();
        service::read_multiple(&mut body, &targets);
        let answer = self.ask(line, READ_MULTIPLE, &body).await?;
        let refusal = match answer.map(|body| service::read_multiple_answer(&body)) {
            Ok(Ok(answers)) => {
                self.take(line, &batch, answers);
                return Ok(());
            }
            Ok(Err(_)) => Refusal::Nonsense,
            Err(refusal) => refusal,
        };
        self.divide(line, group, batch, targets.len(), refusal)
            .await
    }

    /// The device did not answer for several: for fewer it may.
    async fn divide(
        &mut self,
        line: &mut Line,
        group: usize,
        mut batch: Vec<usize>,
        properties: usize,
        refusal: Refusal,
    ) -> Result<(), Halt> {
        self.io.statistics().failed(refusal.fault().code);
        if refusal.is_unknown_service() {
            self.learned.reads_one_by_one();
        } else if refusal.is_about_length() {
            self.learned.too_many(properties);
        }
        if self.learned.batch() == 1 || batch.len() == 1 {
            let rest = batch.split_off(1);
            self.cycles.again(group, rest);
            return self.poll_single(line, batch[0]).await;
        }
        let second = batch.split_off(batch.len() / 2);
        self.cycles.again(group, second);
        self.cycles.again(group, batch);
        Ok(())
    }

    /// What is asked for on behalf of a binding.
    fn targets(&self, index: usize) -> impl Iterator<Item = Target> + use<> {
        let binding = &self.setup.bindings[index];
        let is_flagged =
            self.setup.config.status_flags && binding.has_flags() && self.learned.has_flags(index);
        let flags = Target {
            property: STATUS_FLAGS,
            index: None,
            ..binding.target
        };
        [Some(binding.target), is_flagged.then_some(flags)]
            .into_iter()
            .flatten()
    }

    async fn poll_single(&mut self, line: &mut Line, index: usize) -> Result<(), Halt> {
        let mut answers = Vec::new();
        for target in self.targets(index) {
            let told = self.read_one(line, target).await?;
            if let Err(refusal) = told
                && target.property != STATUS_FLAGS
            {
                self.fail(line, index, &refusal.fault());
                self.emit();
                return Ok(());
            }
            let told = told.map_err(|refusal| match refusal {
                Refusal::Error(class, code) => (class, code),
                _ => (0, 0),
            });
            answers.push((target, told));
        }
        self.take(line, &[index], answers);
        Ok(())
    }

    /// Reads one property.
    pub(crate) async fn read_one(
        &mut self,
        line: &mut Line,
        target: Target,
    ) -> Result<Result<Vec<Raw>, Refusal>, Halt> {
        let mut body = Vec::new();
        service::read(&mut body, &target);
        let answer = self.ask(line, READ, &body).await?;
        Ok(answer.and_then(|body| match service::read_answer(&body) {
            Ok((of, values)) if of == target => Ok(values),
            _ => Err(Refusal::Nonsense),
        }))
    }

    /// Hands over the answers for some bindings.
    fn take(&mut self, line: &Line, batch: &[usize], answers: Vec<(Target, Told)>) {
        let now = self.io.clock().monotonic();
        let answers: BTreeMap<Target, Told> = answers.into_iter().collect();
        for index in batch {
            let mut targets = self.targets(*index);
            self.read_at[*index] = Some(now);
            let value = targets.next().and_then(|target| answers.get(&target));
            let flags = targets.next().and_then(|target| answers.get(&target));
            if let Some(Err((class, code))) = flags
                && Refusal::Error(*class, *code).is_unknown_property()
            {
                self.learned.no_flags(*index);
            }
            let flags = flags.and_then(|flags| flags.as_ref().ok());
            match value {
                Some(Ok(values)) => self.deliver(line, *index, values, flags.map(Vec::as_slice)),
                Some(Err((class, code))) => {
                    self.fail(line, *index, &Refusal::Error(*class, *code).fault());
                }
                // The device has left out what it was asked for.
                None => self.fail(line, *index, &Refusal::Nonsense.fault()),
            }
        }
        self.emit();
    }

    /// Hands over a value, with the quality that the status flags give it.
    pub(crate) fn deliver(
        &mut self,
        line: &Line,
        index: usize,
        values: &[Raw],
        flags: Option<&[Raw]>,
    ) {
        let data_type = self.setup.bindings[index].data_type;
        let Some(value) = data_type::from_raw(data_type, values) else {
            let found: Vec<String> = values
                .iter()
                .take(3)
                .map(|raw| format!("{raw:.40?}"))
                .collect();
            let message = format!(
                "the device sent {} where {data_type:?} was expected: set the endpoint's \
                 `dataType` (json takes everything)",
                found.join(" ")
            );
            let fault = Fault {
                code: "unexpected_type",
                message,
                reason: Reason::BadType,
            };
            return self.fail(line, index, &fault);
        };
        self.learned.is_well(index);
        let quality = match self.setup.config.status_flags {
            true => flags.map_or(Quality::GOOD, quality),
            false => Quality::GOOD,
        };
        self.push(Reading {
            quality,
            ..Reading::good(point(index), value)
        });
    }

    fn fail(&mut self, line: &Line, index: usize, fault: &Fault) {
        self.io.statistics().failed(fault.code);
        if self.learned.complain(index, fault.code) {
            let endpoint = self.setup.bindings[index].place();
            let (place, message) = (line.place(), fault.message.as_str());
            tracing::warn!(place, endpoint, "{message}");
        }
        self.push(Reading::failed(point(index), fault.reason));
    }
}

/// The quality that status flags stand for: in-alarm, fault, overridden, out-of-service.
fn quality(flags: &[Raw]) -> Quality {
    let [Raw::Bits(flags)] = flags else {
        return Quality::GOOD;
    };
    let is_set = |at: usize| flags.get(at).copied().unwrap_or_default();
    if is_set(1) {
        Quality::of(Reason::DeviceError)
    } else if is_set(3) {
        Quality::of(Reason::OutOfService)
    } else if is_set(2) {
        Quality::of(Reason::LocalOverride)
    } else {
        Quality::GOOD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_flag_decides() {
        let of = |flags: [bool; 4]| quality(&[Raw::Bits(flags.into())]).reason;
        assert_eq!(of([true, false, false, false]), Reason::Ok);
        assert_eq!(of([true, false, true, false]), Reason::LocalOverride);
        assert_eq!(of([false, false, true, true]), Reason::OutOfService);
        assert_eq!(of([false, true, true, true]), Reason::DeviceError);
        assert_eq!(quality(&[Raw::Null]), Quality::GOOD);
        assert_eq!(quality(&[Raw::Bits(Vec::new())]), Quality::GOOD);
    }
}

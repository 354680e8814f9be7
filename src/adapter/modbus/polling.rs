//! Polls: a block is read, delivered, or divided until the culprit stands alone.

use std::sync::Arc;

use mainstem_adapter::Reading;
use mainstem_model::Reason;
use tokio_modbus::ExceptionCode;

use crate::block::{Block, Span};
use crate::exception::{Verdict, explain};
use crate::request::Data;
use crate::session::{Halt, Read, Session, point};

impl Session<'_> {
    /// Reads one block of a group.
    pub(crate) async fn poll(&mut self, group: usize, block: Arc<Block>) -> Result<(), Halt> {
        let setup = self.setup;
        let (unit, table) = (setup.groups[group].unit, setup.groups[group].table);
        match self.read(unit, table, block.span).await? {
            Read::Data(data) => {
                self.answered(unit);
                self.experience
                    .entry((unit, table))
                    .or_default()
                    .answered(&block);
                self.deliver(&block, &data);
            }
            Read::Silence => {
                if !self.unanswered(unit)? {
                    self.cycles.again(group, block);
                }
            }
            Read::Exception(exception) => self.refused(group, block, exception)?,
        }
        Ok(())
    }

    fn deliver(&mut self, block: &Block, data: &Data) {
        let setup = self.setup;
        for (index, span) in &block.members {
            let offset = usize::from(span.start - block.span.start);
            let format = setup.bindings[*index].format;
            if let Some(value) = data.value(offset, span.count, format) {
                self.readings.push(Reading::good(point(*index), value));
            }
        }
        self.io.emit(&mut self.readings);
    }

    fn refused(
        &mut self,
        group: usize,
        block: Arc<Block>,
        exception: ExceptionCode,
    ) -> Result<(), Halt> {
        let (unit, table) = (
            self.setup.groups[group].unit,
            self.setup.groups[group].table,
        );
        let verdict = explain(exception).verdict;
        if verdict == Verdict::UnitSilent {
            if !self.silent(unit)? {
                self.cycles.again(group, block);
            }
            return Ok(());
        }
        self.answered(unit);
        let learned = self.experience.entry((unit, table)).or_default();
        match verdict {
            Verdict::Address(reason) => self.divide(group, &block, reason),
            Verdict::Failure if learned.failed(block.span) => {
                self.divide(group, &block, Reason::DeviceError);
            }
            _ => self.fail(&block, Reason::DeviceError),
        }
        Ok(())
    }

    /// Looks for the addresses that made the device refuse a block.
    fn divide(&mut self, group: usize, block: &Block, reason: Reason) {
        let (unit, table) = (
            self.setup.groups[group].unit,
            self.setup.groups[group].table,
        );
        let now = self.io.clock().monotonic();
        let learned = self.experience.entry((unit, table)).or_default();
        let is_one_address = block.members.iter().all(|(_, span)| *span == block.span);
        if !is_one_address && let Some((left, right, cut)) = block.split() {
            learned.divided(block.span, cut);
            self.cycles.divide(group, left, right);
            return;
        }
        for member in &block.members {
            learned.refused(*member, reason, now);
        }
        let (place, unit, at) = (self.line.place(), self.units[unit].id, block.span.start);
        tracing::info!(place, unit, ?table, at, "the device refuses this address");
        self.fail(block, reason);
    }

    fn fail(&mut self, block: &Block, reason: Reason) {
        let failed = |(index, _): &(usize, Span)| Reading::failed(point(*index), reason);
        self.readings.extend(block.members.iter().map(failed));
        self.io.emit(&mut self.readings);
    }
}

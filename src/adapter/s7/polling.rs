//! Polls: items are read, delivered, or divided until the culprit stands alone.

use std::sync::Arc;

use mainstem_adapter::polled::Halt;
use mainstem_adapter::{PointId, Reading};
use mainstem_model::Reason;

use crate::block::{Block, Span};
use crate::codec::decode;
use crate::fault::{self, Fault};
use crate::line::Line;
use crate::session::{Session, item_max};

impl Session<'_> {
    /// Reads the items of one request.
    pub(crate) async fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        blocks: &[Arc<Block>],
    ) -> Result<(), Halt> {
        if let [block] = blocks
            && block.span.bytes() > item_max(line)
        {
            let answer = self.read_whole(line, block.span).await?;
            self.go_online();
            self.take(line, group, block, answer);
            self.io.emit(&mut self.readings);
            return Ok(());
        }
        let spans: Vec<Span> = blocks.iter().map(|block| block.span).collect();
        match self.read(line, &spans).await? {
            Ok(answers) => {
                self.go_online();
                for (block, answer) in blocks.iter().zip(answers) {
                    self.take(line, group, block, answer);
                }
                self.io.emit(&mut self.readings);
            }
            Err((class, code)) => self.refused(line, group, blocks, (class, code))?,
        }
        Ok(())
    }

    fn take(&mut self, line: &Line, group: usize, block: &Block, answer: Result<Vec<u8>, u8>) {
        match answer {
            Ok(bytes) => {
                self.learned.answered(block);
                self.deliver(block, &bytes);
            }
            Err(code) if block.is_joined() => {
                tracing::debug!(code, ?block.span, "an item for several addresses is refused");
                self.learned.divided(block);
                self.cycles.divide(group, block);
            }
            Err(code) => self.fail(line, block, &fault::item(code)),
        }
    }

    fn deliver(&mut self, block: &Block, bytes: &[u8]) {
        for (index, span) in &block.members {
            let unit = span.area.unit_bytes();
            let offset = usize::try_from(span.start - block.span.start).unwrap_or(usize::MAX);
            let start = offset.saturating_mul(unit);
            let part = bytes.get(start..start.saturating_add(span.bytes()));
            let format = self.setup.bindings[*index].format;
            let value = part.and_then(|part| decode(format, part));
            self.readings.push(match value {
                Some(value) => Reading::good(PointId::at(*index), value),
                None => Reading::failed(PointId::at(*index), Reason::BadType),
            });
        }
    }

    fn fail(&mut self, line: &Line, block: &Block, fault: &Fault) {
        let now = self.io.clock().monotonic();
        self.io.statistics().failed(fault.code);
        for (index, _) in &block.members {
            if self.learned.refused(*index, fault.reason, now) {
                let address = self.setup.bindings[*index].written.as_str();
                let (place, message) = (line.place(), fault.message.as_str());
                tracing::warn!(place, address, "{message}");
            }
            self.readings
                .push(Reading::failed(PointId::at(*index), fault.reason));
        }
    }

    /// The CPU refuses a whole request: its items are asked for one by one.
    fn refused(
        &mut self,
        line: &Line,
        group: usize,
        blocks: &[Arc<Block>],
        (class, code): (u8, u8),
    ) -> Result<(), Halt> {
        if fault::is_denied(class, code) {
            return Err(self.denied(line, class, code));
        }
        self.go_online();
        match blocks {
            [block] if block.is_joined() => {
                self.learned.divided(block);
                let singles = block.members.iter();
                let singles = singles.map(|member| Arc::new(Block::single(*member)));
                self.cycles.again(group, singles);
            }
            [block] => self.fail(line, block, &fault::request(class, code)),
            several => self.cycles.again(group, several.iter().cloned()),
        }
        self.io.emit(&mut self.readings);
        Ok(())
    }
}

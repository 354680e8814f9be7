//! Polls: variables are read together, between two looks at the PLC's count of changes, so that
//! none is read at a place where meanwhile another one is.

use mainstem_adapter::polled::Halt;
use mainstem_adapter::{PointId, Reading};

use crate::codec::decode;
use crate::commands::{self, Item, READ, READ_WRITE, bytes, read_several, several};
use crate::cycle::ITEMS_MAX;
use crate::fault::{self, Fault, NO_GROUP, NOT_SUPPORTED};
use crate::line::{CallError, Line};
use crate::resolving::{COUNT, Place};
use crate::session::Session;

/// Bytes of an answer that carries several variables.
const ANSWER_MAX: usize = 16 * 1024;

/// Variables that are read one after the other before writes get their turn.
const SINGLES_IN_A_ROW: usize = 20;

/// What the PLC says about each of several variables.
type Answers = Vec<Result<Vec<u8>, u32>>;

impl Session<'_> {
    /// Reads the variables of one request.
    pub(crate) async fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        members: Vec<usize>,
    ) -> Result<(), Halt> {
        self.resolve(line, &members).await?;
        let is_single = self.learned.is_single || !self.setup.config.batch_read_enabled;
        let most = if is_single {
            SINGLES_IN_A_ROW
        } else {
            ITEMS_MAX
        };
        let (asked, later) = self.fitting(&members, most);
        self.cycles.turns.again(group, later);
        if asked.is_empty() {
            self.io.emit(&mut self.readings);
            return Ok(());
        }
        let items: Vec<Item> = asked.iter().map(|(_, place)| place.item).collect();
        let read = match is_single || items.len() == 1 {
            true => self.read_each(line, &items).await?,
            false => self.read_together(line, &items).await?,
        };
        let Some(answers) = read else {
            // Nothing of it can be believed, or it has to be asked for in another way.
            let members = asked.iter().map(|(index, _)| *index);
            self.cycles.turns.again(group, members);
            self.io.emit(&mut self.readings);
            return Ok(());
        };
        for ((index, place), answer) in asked.into_iter().zip(answers) {
            self.take(line, index, place, answer);
        }
        self.io.emit(&mut self.readings);
        Ok(())
    }

    /// The bindings whose place is known and whose answers fit into one, and those for later.
    fn fitting(&self, members: &[usize], most: usize) -> (Vec<(usize, Place)>, Vec<usize>) {
        let mut asked: Vec<(usize, Place)> = Vec::new();
        let mut size = 0;
        for (at, index) in members.iter().enumerate() {
            let Some(place) = self.places.of(*index, &self.setup.bindings[*index]) else {
                continue;
            };
            size += 4 + place.item.size;
            if asked.len() == most || (size > ANSWER_MAX && !asked.is_empty()) {
                return (asked, members[at..].to_vec());
            }
            asked.push((*index, place));
        }
        (asked, Vec::new())
    }

    /// Reads in one request. `None` if the program changed, or the PLC cannot do that.
    async fn read_together(
        &mut self,
        line: &mut Line,
        items: &[Item],
    ) -> Result<Option<Answers>, Halt> {
        let counted = self.places.count;
        let framed: Vec<Item> = match counted {
            Some(_) => [&[COUNT], items, &[COUNT]].concat(),
            None => items.to_vec(),
        };
        let (request, most) = read_several(&framed);
        let data = self.ask(line, READ_WRITE, &request, most).await?;
        let data = data.map_err(|error| self.lost(line, error))?;
        let whole = bytes(&data, most).map_err(CallError::invalid);
        let whole = match whole.map_err(|error| self.lost(line, error))? {
            Ok(whole) => whole,
            Err(code) => {
                self.io.statistics().failed(fault::of(code).code);
                // Nothing is known about any of them: each is asked for by itself.
                self.learned.is_single = true;
                if !matches!(code, NOT_SUPPORTED | NO_GROUP) {
                    let place = line.place();
                    tracing::warn!(
                        place,
                        code,
                        "the PLC refuses to read several variables at once"
                    );
                }
                return Ok(None);
            }
        };
        let answers = several(whole, &framed).map_err(CallError::invalid);
        let mut answers = answers.map_err(|error| self.lost(line, error))?;
        if let Some(count) = counted {
            let last = answers.pop();
            let first = answers.remove(0);
            if first != Ok(&[count]) || last != Some(Ok(&[count])) {
                self.changed(line);
                return Ok(None);
            }
        }
        let owned = answers.into_iter().map(|answer| answer.map(<[u8]>::to_vec));
        Ok(Some(owned.collect()))
    }

    /// Reads one after the other. `None` if the program changed meanwhile.
    pub(crate) async fn read_each(
        &mut self,
        line: &mut Line,
        items: &[Item],
    ) -> Result<Option<Answers>, Halt> {
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let data = self
                .ask(line, READ, &commands::read(*item), item.size)
                .await?;
            let data = data.map_err(|error| self.lost(line, error))?;
            let read = bytes(&data, item.size).map_err(CallError::invalid);
            let read = read.map_err(|error| self.lost(line, error))?;
            answers.push(read.map(<[u8]>::to_vec));
        }
        if self.places.count.is_some() && self.count(line).await? != self.places.count {
            self.changed(line);
            return Ok(None);
        }
        Ok(Some(answers))
    }

    /// The program of the PLC changed, and with it the places of its variables.
    pub(crate) fn changed(&mut self, line: &Line) {
        let place = line.place();
        tracing::info!(
            place,
            "the program of the PLC changed; its symbols are looked up again"
        );
        self.io.statistics().failed("symbols_changed");
        self.places.forget();
        self.learned.refusals.hurry(self.io.clock().monotonic());
    }

    fn take(&mut self, line: &Line, index: usize, place: Place, answer: Result<Vec<u8>, u32>) {
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(code) => return self.fail(line, index, &fault::of(code)),
        };
        let format = self.setup.bindings[index].format;
        match decode(format, place.code, &bytes) {
            Some(value) => {
                self.learned.refusals.answered(index);
                self.readings.push(Reading::good(PointId::at(index), value));
            }
            None => {
                let message = format!("{} bytes came, which make no value of it", bytes.len());
                self.fail(line, index, &Fault::mismatch(message));
            }
        }
    }
}

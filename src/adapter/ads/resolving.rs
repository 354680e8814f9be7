//! Where the symbols are. A PLC moves its variables when its program is changed while it runs, and
//! counts such changes: what was found is believed as long as the count stays the same.

use std::time::Duration;

use mainstem_adapter::polled::Halt;
use mainstem_adapter::{PointId, Reading};
use mainstem_model::Monotonic;

use crate::binding::{Binding, Target};
use crate::commands::{
    self, INFO_OF, Item, READ, READ_WRITE, VERSION, bytes, read_write, several_infos,
};
use crate::fault::{self, Fault, NO_GROUP, NOT_SUPPORTED};
use crate::line::{CallError, Line};
use crate::session::Session;
use crate::symbol;

/// Bytes of what a PLC tells about a symbol at most; names, types and comments are short.
const INFO_MAX: usize = 1024;
/// Symbols asked for in one request.
const NAMES_MAX: usize = 50;
/// How long places are believed if the PLC does not count its changes.
const BELIEVED: Duration = Duration::from_secs(10);
/// The count of changes.
pub(crate) const COUNT: Item = Item {
    group: VERSION,
    offset: 0,
    size: 1,
};

/// A variable that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it is.
    pub(crate) item: Item,
    /// The code of its type; 0 where nobody tells.
    pub(crate) code: u32,
}

/// Where the symbols of a session are, as far as they were looked up.
pub(crate) struct Places {
    found: Vec<Option<Place>>,
    /// The PLC's count of changes when they were looked up.
    pub(crate) count: Option<u8>,
    until: Option<Monotonic>,
}

impl Places {
    /// Nothing is known yet.
    pub(crate) fn new(bindings: usize) -> Self {
        Self {
            found: vec![None; bindings],
            count: None,
            until: None,
        }
    }

    /// Forgets everything: the program has changed.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.found.len());
    }

    /// Where a binding is, if that is known.
    pub(crate) fn of(&self, index: usize, binding: &Binding) -> Option<Place> {
        match binding.target {
            Target::Fixed(item) => Some(Place { item, code: 0 }),
            Target::Symbol(_) => self.found.get(index).copied().flatten(),
        }
    }
}

impl Session<'_> {
    /// Looks up what is not known yet of these bindings. What cannot be found is reported.
    pub(crate) async fn resolve(&mut self, line: &mut Line, members: &[usize]) -> Result<(), Halt> {
        let setup = self.setup;
        let now = self.io.clock().monotonic();
        if self.places.until.is_some_and(|until| until <= now) {
            self.places.forget();
        }
        let mut names: Vec<(usize, &str)> = Vec::new();
        for index in members {
            let binding = &setup.bindings[*index];
            if let (Target::Symbol(name), None) = (&binding.target, self.places.of(*index, binding))
            {
                names.push((*index, name.as_str()));
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        if self.places.count.is_none() && !self.learned.is_uncounted {
            self.places.count = self.count(line).await?;
        }
        if self.learned.is_uncounted && self.places.until.is_none() {
            self.places.until = Some(now.after(BELIEVED));
        }
        for some in names.chunks(NAMES_MAX) {
            if !self.learned.names_single && some.len() > 1 && self.look_up(line, some).await? {
                continue;
            }
            for (index, name) in some {
                self.look_up_one(line, *index, name).await?;
            }
        }
        Ok(())
    }

    /// The PLC's count of changes, if it keeps one.
    pub(crate) async fn count(&mut self, line: &mut Line) -> Result<Option<u8>, Halt> {
        let data = self
            .ask(line, READ, &commands::read(COUNT), COUNT.size)
            .await?;
        let data = data.map_err(|error| self.lost(line, error))?;
        let read = bytes(&data, COUNT.size).map_err(CallError::invalid);
        match read.map_err(|error| self.lost(line, error))? {
            Ok(&[count]) => Ok(Some(count)),
            _ => {
                self.learned.is_uncounted = true;
                let place = line.place();
                tracing::info!(
                    place,
                    "the PLC does not count changes of its program; symbols are looked up every 10 s"
                );
                Ok(None)
            }
        }
    }

    /// Asks for several names at once; returns whether the PLC can do that.
    async fn look_up(&mut self, line: &mut Line, names: &[(usize, &str)]) -> Result<bool, Halt> {
        let words: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
        let (request, most) = commands::infos(&words, INFO_MAX);
        let data = self.ask(line, READ_WRITE, &request, most).await?;
        let data = data.map_err(|error| self.lost(line, error))?;
        let whole = bytes(&data, most).map_err(CallError::invalid);
        let whole = match whole.map_err(|error| self.lost(line, error))? {
            Ok(whole) => whole,
            Err(code) => {
                self.learned.names_single |= matches!(code, NOT_SUPPORTED | NO_GROUP);
                return Ok(false);
            }
        };
        let infos = several_infos(whole, names.len()).map_err(CallError::invalid);
        for ((index, _), info) in names
            .iter()
            .zip(infos.map_err(|error| self.lost(line, error))?)
        {
            self.place(line, *index, info)?;
        }
        Ok(true)
    }

    async fn look_up_one(&mut self, line: &mut Line, index: usize, name: &str) -> Result<(), Halt> {
        let item = Item {
            group: INFO_OF,
            offset: 0,
            size: INFO_MAX,
        };
        let request = read_write(item, &[name.as_bytes(), &[0]].concat());
        let data = self.ask(line, READ_WRITE, &request, INFO_MAX).await?;
        let data = data.map_err(|error| self.lost(line, error))?;
        let info = bytes(&data, INFO_MAX).map_err(CallError::invalid);
        let info = info.map_err(|error| self.lost(line, error))?;
        self.place(line, index, info)
    }

    /// Takes what the PLC tells about a name.
    fn place(&mut self, line: &Line, index: usize, info: Result<&[u8], u32>) -> Result<(), Halt> {
        let info = match info {
            Ok(info) => info,
            Err(code) => {
                self.fail(line, index, &fault::of(code));
                return Ok(());
            }
        };
        let read = symbol::entry(info).map_err(CallError::invalid);
        let (found, _) = read.map_err(|error| self.lost(line, error))?;
        let binding = &self.setup.bindings[index];
        match unlike(binding, &found) {
            Some(message) => self.fail(line, index, &Fault::mismatch(message)),
            None => {
                let (item, code) = (found.item, found.code);
                self.places.found[index] = Some(Place { item, code });
            }
        }
        Ok(())
    }

    /// A datapoint has no value, for a reason that is told once.
    pub(crate) fn fail(&mut self, line: &Line, index: usize, fault: &Fault) {
        self.io.statistics().failed(fault.code);
        let now = self.io.clock().monotonic();
        if self.learned.refusals.add(index, fault.reason, now) {
            let variable = self.setup.bindings[index].written();
            let (place, message) = (line.place(), fault.message.as_str());
            tracing::warn!(place, variable, "{message}");
        }
        self.readings
            .push(Reading::failed(PointId::at(index), fault.reason));
    }
}

/// Why a symbol is not what the endpoint says, if it is not.
fn unlike(binding: &Binding, found: &symbol::Symbol) -> Option<String> {
    use crate::data_type::DataType;
    let (type_name, size) = (&found.type_name, found.item.size);
    let kind = DataType::coded(found.code);
    let size_max = mainstem_model::limits::VALUE_BYTES_MAX;
    if size > size_max {
        return Some(format!(
            "it is a {type_name} of {size} bytes; a datapoint holds {size_max}"
        ));
    }
    let Some(wanted) = binding.format.data_type else {
        let is_number = kind.is_some_and(|kind| !kind.is_text() && kind.unit() == size);
        let message = format!(
            "it is a {type_name} of {size} bytes and no number: set `dataType` and `length`, or \
             name a member"
        );
        return (!is_number).then_some(message);
    };
    if kind.is_some_and(|kind| !wanted.may_be(kind)) {
        return Some(format!(
            "it is a {type_name}, not a {}: set `dataType` to its type",
            wanted.name()
        ));
    }
    let is_sized = match binding.format.size() {
        // A text of any length will do, as long as it is at least that long.
        _ if wanted.is_text() => size >= 2 * wanted.unit() && size.is_multiple_of(wanted.unit()),
        Some(expected) => expected == size,
        None => true,
    };
    (!is_sized).then(|| {
        format!(
            "it is a {type_name} of {size} bytes, and the endpoint says {} with length {}: check \
             `dataType` and `length`",
            wanted.name(),
            binding.format.length.unwrap_or(1)
        )
    })
}

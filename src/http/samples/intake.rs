//! Lines of a provider into the store: all complete lines of a part as one batch.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_model::{
    Definition, Name, Quality, Reason, Sample, Scalar, Timestamp, Value, ValueType,
};
use mainstem_security::Principal;
use mainstem_store::{PointId, SourceId, Store};
use mainstem_wire::api::SamplesAck;
use mainstem_wire::{LINE_BYTES_MAX, Line, NamedSample, decode_line, decode_row, parse_value};
use serde_json::value::RawValue;

/// Datapoints that one stream may name or number.
const NAMED_MAX: usize = 100_000;
/// How far ahead of the node's clock a stamp may be.
const AHEAD_MAX_MICROS: i64 = 60_000_000;

type Target = (PointId, ValueType);

/// What one request brings.
pub(super) struct Intake {
    store: Arc<Store>,
    principal: Arc<Principal>,
    source: SourceId,
    /// The body is one document: line feeds in it mean nothing.
    whole: bool,
    carry: Vec<u8>,
    numbered: HashMap<u32, Target>,
    named: HashMap<String, Target>,
    batch: Vec<(PointId, Sample)>,
    /// When the part came that is taken now.
    now: Timestamp,
    over: bool,
}

impl Intake {
    pub(super) fn new(
        store: &Arc<Store>,
        principal: &Arc<Principal>,
        source: SourceId,
        whole: bool,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            principal: Arc::clone(principal),
            source,
            whole,
            carry: Vec::new(),
            numbered: HashMap::new(),
            named: HashMap::new(),
            batch: Vec::new(),
            now: store.clock().now(),
            over: false,
        }
    }

    /// Whether nothing more is taken.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the lines that a part completes.
    pub(super) fn take(&mut self, part: &[u8]) -> SamplesAck {
        let mut ack = SamplesAck::default();
        self.now = self.store.clock().now();
        let end = match self.whole {
            true => None,
            false => memchr::memrchr(b'\n', part),
        };
        let (lines, rest) = part.split_at(end.map_or(0, |end| end + 1));
        if !lines.is_empty() {
            let mut carry = std::mem::take(&mut self.carry);
            carry.extend_from_slice(lines);
            for line in carry.split(|&byte| byte == b'\n') {
                self.line(line, &mut ack);
            }
            self.apply(&mut ack);
            carry.clear();
            self.carry = carry;
        }
        self.carry.extend_from_slice(rest);
        if self.carry.len() > LINE_BYTES_MAX {
            self.too_long(&mut ack);
        }
        ack
    }

    /// Takes what stands behind the last line feed.
    pub(super) fn end(&mut self) -> SamplesAck {
        let mut ack = SamplesAck::default();
        self.now = self.store.clock().now();
        let rest = std::mem::take(&mut self.carry);
        self.line(&rest, &mut ack);
        self.apply(&mut ack);
        ack
    }

    fn apply(&mut self, ack: &mut SamplesAck) {
        ack.applied = self.batch.len() as u64;
        // An empty batch too is a sign of life.
        self.store.apply(self.source, &mut self.batch);
    }

    fn too_long(&mut self, ack: &mut SamplesAck) {
        self.over = true;
        ack.error = Some(format!(
            "a line has at most {LINE_BYTES_MAX} bytes: the stream ends"
        ));
    }

    fn line(&mut self, line: &[u8], ack: &mut SamplesAck) {
        let line = line.trim_ascii();
        if line.is_empty() || self.over {
            return;
        }
        if line.len() > LINE_BYTES_MAX {
            return self.too_long(ack);
        }
        ack.lines += 1;
        match decode_line(line) {
            Ok(line) => self.frame(&line, ack),
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                refuse(ack, format!("{error}{cause}"));
            }
        }
    }

    fn frame(&mut self, line: &Line<'_>, ack: &mut SamplesAck) {
        for frame in &line.define {
            match self.define(&frame.name, frame.definition()) {
                Ok(_) if self.numbered.len() >= NAMED_MAX => {
                    refuse(
                        ack,
                        format!("a stream numbers at most {NAMED_MAX} datapoints"),
                    );
                }
                Ok(target) => drop(self.numbered.insert(frame.id, target)),
                Err(error) => refuse(ack, error),
            }
        }
        for (row, time, _) in decode_row(line) {
            let Some(&target) = self.numbered.get(&row.id) else {
                refuse(
                    ack,
                    format!("the number {} was not defined in this stream", row.id),
                );
                continue;
            };
            let stamp = (line.t != 0).then(|| Timestamp::from_micros(time));
            let quality = Quality::from_code(row.quality);
            let value = Some(row.value);
            if let Err(error) = self.sample(target, value, quality, stamp) {
                refuse(ack, format!("number {}: {error}", row.id));
            }
        }
        for sample in &line.samples {
            if let Err(error) = self.named(sample) {
                refuse(ack, format!("{}: {error}", sample.name));
            }
        }
        let gone: Vec<PointId> = line
            .remove
            .iter()
            .filter_map(|id| self.numbered.remove(id).map(|(point, _)| point))
            .collect();
        if !gone.is_empty() {
            self.named.retain(|_, (point, _)| !gone.contains(point));
            self.store.remove_points(&gone);
        }
    }

    fn named(&mut self, sample: &NamedSample<'_>) -> Result<(), String> {
        let target = match self.named.get(&*sample.name) {
            Some(target) => *target,
            None => self.find(&sample.name, sample.value)?,
        };
        let quality = sample.reason.map_or(Quality::GOOD, Quality::of);
        self.sample(target, sample.value, quality, sample.time)
    }

    /// A datapoint by name: known from before, or new with the type that its value suggests.
    fn find(&mut self, name: &str, value: Option<&RawValue>) -> Result<Target, String> {
        let known = self
            .store
            .point(name)
            .filter(|view| view.source == self.source);
        let target = match known {
            Some(view) => (view.id, view.definition.value_type),
            None => {
                let scalar = value.and_then(suggested);
                let scalar = scalar.ok_or("it is not defined, and no value suggests its type")?;
                self.define(name, Definition::new(scalar))?
            }
        };
        if self.named.len() >= NAMED_MAX {
            return Err(format!("a stream names at most {NAMED_MAX} datapoints"));
        }
        self.named.insert(name.to_owned(), target);
        Ok(target)
    }

    fn define(&mut self, name: &str, definition: Definition) -> Result<Target, String> {
        let name = Name::local(name).map_err(|error| error.to_string())?;
        let decision = self.principal.may_provide(name.as_str());
        if !decision.allowed {
            return Err(format!("{name} is not yours to provide: {}", decision.rule));
        }
        let value_type = definition.value_type;
        let defined = self.store.define(self.source, &name, definition);
        let id = defined.map_err(|error| error.to_string())?;
        // The name may have stood for another definition.
        if let Some(target) = self.named.get_mut(name.as_str()) {
            *target = (id, value_type);
        }
        Ok((id, value_type))
    }

    fn sample(
        &mut self,
        (point, value_type): Target,
        value: Option<&RawValue>,
        quality: Quality,
        stamp: Option<Timestamp>,
    ) -> Result<(), String> {
        let value = value.filter(|raw| raw.get() != "null");
        let value: Option<Value> = value
            .map(|raw| parse_value(raw, value_type))
            .transpose()
            .map_err(|error| error.to_string())?;
        let doubtful = stamp.is_some_and(|stamp| !stamp.is_plausible(self.now, AHEAD_MAX_MICROS));
        let quality = match doubtful {
            true => quality.worse(Quality::of(Reason::BadSourceTime)),
            false => quality,
        };
        let sample = Sample {
            value,
            quality,
            source_time: stamp,
        };
        self.batch.push((point, sample));
        Ok(())
    }
}

fn suggested(value: &RawValue) -> Option<Scalar> {
    Some(match value.get().as_bytes().first()? {
        b'"' => Scalar::Text,
        b't' | b'f' => Scalar::Bool,
        b'[' | b'{' => Scalar::Json,
        b'n' => return None,
        _ => Scalar::F64,
    })
}

fn refuse(ack: &mut SamplesAck, error: String) {
    ack.refused += 1;
    ack.error.get_or_insert(error);
}

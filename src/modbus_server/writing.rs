//! Writes go through the one write path of the node, with the rights of the server's role.

use std::net::IpAddr;

use mainstem_adapter::from_device;
use mainstem_model::{Space, Value};
use mainstem_registers::{Table, decode_bits, decode_words};
use mainstem_security::Principal;
use mainstem_service::ModbusNode;
use mainstem_wire::write_value;
use mainstem_write::{Entry, Request};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::exception::Exception;
use crate::limits::WRITE_BUDGET;
use crate::map::Cell;
use crate::outcome;
use crate::reading::scaling;
use crate::request::Span;
use crate::respond::Registers;

/// A datapoint and what it is to become.
struct Target {
    name: String,
    json: Box<RawValue>,
    /// Whether the role may and the limits allow it.
    is_fine: bool,
}

impl Registers {
    /// Writes some registers, or bits as 0 and 1. Each datapoint that is touched has to be meant as
    /// a whole. All are looked at before the first one is written; then they are written one after
    /// the other, and the first one that is not carried out ends it: Modbus has no word for half.
    pub(crate) async fn write(
        &self,
        (who, from): (&Principal, IpAddr),
        (unit, table): (u8, Table),
        span: Span,
        words: &[u16],
    ) -> Result<(), Exception> {
        let mut targets = self.targets(who, (unit, table), span, words)?;
        // What will be refused is asked for alone, so that its refusal is on record and nothing else
        // has happened.
        if let Some(at) = targets.iter().position(|target| !target.is_fine) {
            targets = vec![targets.swap_remove(at)];
        }
        let begun = Instant::now();
        for target in targets {
            let left = WRITE_BUDGET.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(Exception::ServerDeviceFailure);
            }
            let request = Request {
                space: Space::Datapoint,
                name: target.name,
                value: target.json,
                pulse: None,
                key: None,
                budget: left,
                entry: Entry::Client {
                    principal: who.clone(),
                    address: Some(from.to_string()),
                },
            };
            let submitted = self.writes.submit(request).await;
            let record = submitted.map_err(|refusal| outcome::refusal(&refusal))?;
            let record = match record.is_final() {
                true => Some(record),
                false => self.writes.wait(record.id, who, left).await,
            };
            let record = record.ok_or(Exception::Acknowledge)?;
            outcome::judge(&record.outcome)?;
        }
        Ok(())
    }

    /// Changes some bits of a register: those of `and` stay, the others become those of `or`.
    pub(crate) async fn mask(
        &self,
        who: (&Principal, IpAddr),
        unit: u8,
        address: u16,
        (and, or): (u16, u16),
    ) -> Result<(), Exception> {
        let table = Table::HoldingRegisters;
        let span = Span {
            start: address,
            count: 1,
        };
        let current = self.read(who, unit, table, span)?;
        // Bits of a value that nobody vouches for are not written back.
        self.vouched(who.0, unit, table, span)?;
        let current = current.first().copied().unwrap_or_default();
        let word = current & and | or & !and;
        self.write(who, (unit, table), span, &[word]).await
    }

    fn vouched(
        &self,
        who: &Principal,
        unit: u8,
        table: Table,
        span: Span,
    ) -> Result<(), Exception> {
        let cells = self.map.cells(unit, table, span);
        let Some(Some(Cell::Value { node, .. })) = cells.first() else {
            return Err(Exception::IllegalDataAddress);
        };
        let node = self.map.node(*node).ok_or(Exception::IllegalDataAddress)?;
        let found = self.store.find(&node.datapoint);
        let found = found.filter(|found| self.store.decide(&who.rights.read, found).allowed);
        let is_good = found.is_some_and(|found| found.view.quality.is_good());
        is_good.then_some(()).ok_or(Exception::ServerDeviceFailure)
    }

    fn targets(
        &self,
        who: &Principal,
        (unit, table): (u8, Table),
        span: Span,
        words: &[u16],
    ) -> Result<Vec<Target>, Exception> {
        let cells = self.map.cells(unit, table, span);
        let (mut at, mut targets) = (0, Vec::new());
        while let Some(cell) = cells.get(at) {
            let Some(Cell::Value { node, offset: 0 }) = *cell else {
                return Err(Exception::IllegalDataAddress);
            };
            let node = self.map.node(node).ok_or(Exception::IllegalDataAddress)?;
            let end = at + usize::from(node.count);
            // A part of a value is no value.
            let own = words.get(at..end).ok_or(Exception::IllegalDataAddress)?;
            targets.push(self.target(who, node, own)?);
            at = end;
        }
        Ok(targets)
    }

    fn target(
        &self,
        who: &Principal,
        node: &ModbusNode,
        words: &[u16],
    ) -> Result<Target, Exception> {
        if !node.is_writable {
            return Err(Exception::IllegalDataAddress);
        }
        let found = self.store.find(&node.datapoint);
        // Whoever owns it has not been heard of yet.
        let found = found.ok_or(Exception::GatewayTargetDevice)?;
        let definition = &found.view.definition;
        let value = from_device(decode(node, words), scaling(node), definition.value_type);
        let value = value.map_err(|_| Exception::IllegalDataValue)?;
        let is_within = definition.limits.unwrap_or_default().allow(&value);
        let is_fine = is_within && who.may_write_any(found.names()).allowed;
        let (mut json, wrong) = (Vec::new(), Exception::IllegalDataValue);
        write_value(&value, &mut json);
        let json = String::from_utf8(json).map_err(|_| wrong)?;
        Ok(Target {
            name: node.datapoint.clone(),
            json: RawValue::from_string(json).map_err(|_| wrong)?,
            is_fine,
        })
    }
}

fn decode(node: &ModbusNode, words: &[u16]) -> Value {
    if node.table.has_bits() {
        let bits: Vec<bool> = words.iter().map(|word| *word != 0).collect();
        return decode_bits(node.format, &bits);
    }
    decode_words(node.format, words)
}

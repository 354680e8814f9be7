//! The registers and coils of one unit: the plant as Modbus sees it, and a scratch area.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio_modbus::ExceptionCode;

use crate::clock::SharedPlant;
use crate::plant::{MachineState, Plant, PlantError, PlantSnapshot};

/// First address of the scratch area in the coils and in the holding registers.
const SCRATCH_START: u16 = 100;
/// Registers in the scratch area.
const SCRATCH_REGISTERS: usize = 64;
/// Coils in the scratch area.
const SCRATCH_COILS: usize = 32;
/// Holding register of the temperature setpoint.
const TEMPERATURE_SETPOINT: u16 = 0;
/// First of the two holding registers of the speed setpoint.
const SPEED_SETPOINT: u16 = 10;
/// Coil that switches the motor.
const MOTOR: u16 = 0;
/// Registers that hold the batch name, two characters each, filled with zeros.
const BATCH_REGISTERS: usize = 8;

/// The four address spaces of Modbus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Bits that can be written (function codes 1, 5, 15).
    Coils,
    /// Bits that can only be read (2).
    DiscreteInputs,
    /// Registers that can be written (3, 6, 16).
    HoldingRegisters,
    /// Registers that can only be read (4).
    InputRegisters,
}

/// One unit behind the server.
#[derive(Debug)]
pub(super) struct UnitImage {
    plant: SharedPlant,
    scratch: Mutex<Scratch>,
}

#[derive(Debug)]
struct Scratch {
    registers: [u16; SCRATCH_REGISTERS],
    coils: [bool; SCRATCH_COILS],
    writes: BTreeMap<(Table, u16), u64>,
}

impl UnitImage {
    pub(super) fn new(plant: SharedPlant) -> Self {
        Self {
            plant,
            scratch: Mutex::new(Scratch {
                registers: [0; SCRATCH_REGISTERS],
                coils: [false; SCRATCH_COILS],
                writes: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn write_count(&self, table: Table, address: u16) -> u64 {
        let scratch = self.scratch.lock();
        scratch.writes.get(&(table, address)).copied().unwrap_or(0)
    }

    /// Reads registers of one moment, so that the two halves of a value always fit together.
    pub(super) fn read_words(
        &self,
        table: Table,
        start: u16,
        count: u16,
    ) -> Result<Vec<u16>, ExceptionCode> {
        let snapshot = self.plant.snapshot();
        if table == Table::InputRegisters {
            let registers = input_registers(&snapshot);
            return read_block(start, count, |at| registers.get(usize::from(at)).copied());
        }
        let scratch = self.scratch.lock();
        read_block(start, count, |at| holding_register(&snapshot, &scratch, at))
    }

    pub(super) fn read_bits(
        &self,
        table: Table,
        start: u16,
        count: u16,
    ) -> Result<Vec<bool>, ExceptionCode> {
        let snapshot = self.plant.snapshot();
        if table == Table::DiscreteInputs {
            let running = snapshot.state == MachineState::Running;
            let inputs = [running, snapshot.state == MachineState::Fault];
            return read_block(start, count, |at| inputs.get(usize::from(at)).copied());
        }
        let scratch = self.scratch.lock();
        read_block(start, count, |at| match at {
            MOTOR => Some(snapshot.motor_on),
            _ => scratch.coils.get(scratch_index(at)?).copied(),
        })
    }

    /// Writes a block of holding registers: all of it or, with an exception, nothing.
    pub(super) fn write_words(&self, start: u16, words: &[u16]) -> Result<(), ExceptionCode> {
        let mut scratch = self.scratch.lock();
        let block = addresses(start, words.len())?;
        let snapshot = self.plant.snapshot();
        let known = |at: &u16| holding_register(&snapshot, &scratch, *at).is_some();
        if !block.iter().all(known) {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        let writes: BTreeMap<u16, u16> = block.iter().copied().zip(words.iter().copied()).collect();
        self.plant
            .with(|plant| command(plant, &writes))
            .map_err(|_| ExceptionCode::IllegalDataValue)?;
        for (at, word) in writes {
            if let Some(cell) = scratch_index(at).and_then(|at| scratch.registers.get_mut(at)) {
                *cell = word;
            }
            scratch.count(Table::HoldingRegisters, at);
        }
        Ok(())
    }

    /// Writes a block of coils: all of it or, with an exception, nothing.
    pub(super) fn write_bits(&self, start: u16, bits: &[bool]) -> Result<(), ExceptionCode> {
        let mut scratch = self.scratch.lock();
        let block = addresses(start, bits.len())?;
        let known = |at: &u16| {
            *at == MOTOR || scratch_index(*at).is_some_and(|index| index < SCRATCH_COILS)
        };
        if !block.iter().all(known) {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        for (at, bit) in block.into_iter().zip(bits.iter().copied()) {
            if at == MOTOR {
                self.plant.with(|plant| plant.set_motor(bit));
            } else if let Some(cell) = scratch_index(at).and_then(|at| scratch.coils.get_mut(at)) {
                *cell = bit;
            }
            scratch.count(Table::Coils, at);
        }
        Ok(())
    }
}

impl Scratch {
    fn count(&mut self, table: Table, address: u16) {
        *self.writes.entry((table, address)).or_insert(0) += 1;
    }
}

/// Hands the written setpoints to the plant. No block can touch both of them, because what lies
/// between is not mapped, so a refusal leaves nothing half done.
fn command(plant: &mut Plant, writes: &BTreeMap<u16, u16>) -> Result<(), PlantError> {
    if let Some(word) = writes.get(&TEMPERATURE_SETPOINT) {
        return plant.set_temperature_setpoint(f64::from(word.cast_signed()) / 10.0);
    }
    let (high, low) = (
        writes.get(&SPEED_SETPOINT),
        writes.get(&(SPEED_SETPOINT + 1)),
    );
    if high.is_none() && low.is_none() {
        return Ok(());
    }
    // A master that writes one half alone changes that half, as in any PLC.
    let [old_high, old_low] = f32_words(plant.snapshot().speed_setpoint);
    let high = u32::from(*high.unwrap_or(&old_high));
    let low = u32::from(*low.unwrap_or(&old_low));
    plant.set_speed_setpoint(f64::from(f32::from_bits((high << 16) | low)))
}

fn holding_register(snapshot: &PlantSnapshot, scratch: &Scratch, at: u16) -> Option<u16> {
    match at {
        TEMPERATURE_SETPOINT => Some(tenths(snapshot.temperature_setpoint)),
        SPEED_SETPOINT => Some(f32_words(snapshot.speed_setpoint)[0]),
        _ if at == SPEED_SETPOINT + 1 => Some(f32_words(snapshot.speed_setpoint)[1]),
        _ => scratch.registers.get(scratch_index(at)?).copied(),
    }
}

/// The input registers from address 0 on, without a hole.
fn input_registers(snapshot: &PlantSnapshot) -> Vec<u16> {
    let mut words = vec![tenths(snapshot.temperature)];
    words.extend(f32_words(snapshot.flow));
    words.extend(u32_words(snapshot.counter));
    words.push(u16::from(snapshot.state.code()));
    words.push((snapshot.pressure * 100.0).round() as u16);
    words.extend(f32_words(snapshot.speed));
    let energy = snapshot.energy.cast_unsigned();
    words.extend([48, 32, 16, 0].map(|shift| (energy >> shift) as u16));
    words.extend(text_words(&snapshot.batch));
    let [high, low] = f32_words(snapshot.flow);
    words.extend([low, high]);
    words
}

/// A temperature as int16 in tenths of a degree.
fn tenths(value: f64) -> u16 {
    ((value * 10.0).round() as i16).cast_unsigned()
}

/// A value as float32, the high word first.
fn f32_words(value: f64) -> [u16; 2] {
    u32_words((value as f32).to_bits())
}

fn u32_words(value: u32) -> [u16; 2] {
    [(value >> 16) as u16, value as u16]
}

fn text_words(text: &str) -> [u16; BATCH_REGISTERS] {
    let mut bytes = text.bytes().chain(std::iter::repeat(0));
    std::array::from_fn(|_| {
        let (high, low) = (bytes.next().unwrap_or(0), bytes.next().unwrap_or(0));
        u16::from_be_bytes([high, low])
    })
}

fn scratch_index(at: u16) -> Option<usize> {
    at.checked_sub(SCRATCH_START).map(usize::from)
}

fn addresses(start: u16, count: usize) -> Result<Vec<u16>, ExceptionCode> {
    (0..count)
        .map(|offset| u16::try_from(usize::from(start) + offset))
        .collect::<Result<_, _>>()
        .map_err(|_| ExceptionCode::IllegalDataAddress)
}

fn read_block<T>(
    start: u16,
    count: u16,
    cell: impl Fn(u16) -> Option<T>,
) -> Result<Vec<T>, ExceptionCode> {
    addresses(start, usize::from(count))?
        .into_iter()
        .map(cell)
        .collect::<Option<_>>()
        .ok_or(ExceptionCode::IllegalDataAddress)
}

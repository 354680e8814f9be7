//! What a client asks, out of the bytes behind the header. Pure.

use mainstem_registers::{
    READ_BITS_MAX, READ_REGISTERS_MAX, Table, WRITE_BITS_MAX, WRITE_REGISTERS_MAX,
};

use crate::exception::Exception;

/// Registers that function code 23 may write (section 6.17).
const READ_WRITE_REGISTERS_MAX: u16 = 121;
/// The only sort of function code 43 that is known here (section 6.21).
const MEI_DEVICE_IDENTIFICATION: u8 = 14;
/// What a coil is set to, by function code 5.
const ON: u16 = 0xFF00;
/// … and to this.
const OFF: u16 = 0;

/// Neighbouring addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first one.
    pub(crate) start: u16,
    /// How many; `start + count` is at most 65536.
    pub(crate) count: u16,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// 1 to 4.
    Read {
        /// Where.
        table: Table,
        /// What of it.
        span: Span,
    },
    /// 5, 6, 15, 16: registers, or a 0 or 1 for each bit.
    Write {
        /// Where.
        table: Table,
        /// From this address on.
        span: Span,
        /// What.
        words: Vec<u16>,
    },
    /// 22: bits of a register.
    Mask {
        /// The register.
        address: u16,
        /// Those that stay.
        and: u16,
        /// Those that are set where they do not stay.
        or: u16,
    },
    /// 23: writes, then reads.
    ReadWrite {
        /// What is read.
        read: Span,
        /// What is written.
        write: Span,
        /// The registers to write.
        words: Vec<u16>,
    },
    /// 43 / 14: who this is.
    Identify {
        /// 1 to 3: a class of objects; 4: one object.
        level: u8,
        /// The first object, or the only one.
        object: u8,
    },
}

/// Reads a request: its function code and what follows, without a byte more.
pub(crate) fn request(pdu: &[u8]) -> Result<Request, Exception> {
    let (function, data) = pdu.split_first().ok_or(Exception::IllegalFunction)?;
    match (*function, data) {
        (1, data) => read(Table::Coils, READ_BITS_MAX, data),
        (2, data) => read(Table::DiscreteInputs, READ_BITS_MAX, data),
        (3, data) => read(Table::HoldingRegisters, READ_REGISTERS_MAX, data),
        (4, data) => read(Table::InputRegisters, READ_REGISTERS_MAX, data),
        (5, [a, b, c, d]) => {
            let word = match u16::from_be_bytes([*c, *d]) {
                ON => 1,
                OFF => 0,
                _ => return Err(Exception::IllegalDataValue),
            };
            Ok(write_one(Table::Coils, [*a, *b], word))
        }
        (6, [a, b, c, d]) => {
            let word = u16::from_be_bytes([*c, *d]);
            Ok(write_one(Table::HoldingRegisters, [*a, *b], word))
        }
        (15, [a, b, c, d, count, bytes @ ..]) => {
            let span = span([*a, *b, *c, *d], WRITE_BITS_MAX)?;
            let words = bits(span, *count, bytes)?;
            let table = Table::Coils;
            Ok(Request::Write { table, span, words })
        }
        (16, [a, b, c, d, count, bytes @ ..]) => {
            let span = span([*a, *b, *c, *d], WRITE_REGISTERS_MAX)?;
            let words = registers(span, *count, bytes)?;
            let table = Table::HoldingRegisters;
            Ok(Request::Write { table, span, words })
        }
        (22, [a, b, c, d, e, f]) => Ok(Request::Mask {
            address: u16::from_be_bytes([*a, *b]),
            and: u16::from_be_bytes([*c, *d]),
            or: u16::from_be_bytes([*e, *f]),
        }),
        (23, [a, b, c, d, e, f, g, h, count, bytes @ ..]) => {
            let read = span([*a, *b, *c, *d], READ_REGISTERS_MAX)?;
            let write = span([*e, *f, *g, *h], READ_WRITE_REGISTERS_MAX)?;
            let words = registers(write, *count, bytes)?;
            Ok(Request::ReadWrite { read, write, words })
        }
        (43, [MEI_DEVICE_IDENTIFICATION, level, object]) => Ok(Request::Identify {
            level: *level,
            object: *object,
        }),
        (5 | 6 | 15 | 16 | 22 | 23, _) => Err(Exception::IllegalDataValue),
        _ => Err(Exception::IllegalFunction),
    }
}

fn read(table: Table, most: u16, data: &[u8]) -> Result<Request, Exception> {
    let data = data.try_into().map_err(|_| Exception::IllegalDataValue)?;
    let span = span(data, most)?;
    Ok(Request::Read { table, span })
}

fn write_one(table: Table, address: [u8; 2], word: u16) -> Request {
    Request::Write {
        table,
        span: Span {
            start: u16::from_be_bytes(address),
            count: 1,
        },
        words: vec![word],
    }
}

/// First the quantity is looked at, then the address, as section 6 of the specification has it.
fn span([a, b, c, d]: [u8; 4], most: u16) -> Result<Span, Exception> {
    let (start, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if !(1..=most).contains(&count) {
        return Err(Exception::IllegalDataValue);
    }
    if u32::from(start) + u32::from(count) > 0x1_0000 {
        return Err(Exception::IllegalDataAddress);
    }
    Ok(Span { start, count })
}

fn registers(span: Span, said: u8, bytes: &[u8]) -> Result<Vec<u16>, Exception> {
    let wanted = usize::from(span.count) * 2;
    if usize::from(said) != wanted || bytes.len() != wanted {
        return Err(Exception::IllegalDataValue);
    }
    let (pairs, _) = bytes.as_chunks::<2>();
    Ok(pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
}

fn bits(span: Span, said: u8, bytes: &[u8]) -> Result<Vec<u16>, Exception> {
    let count = usize::from(span.count);
    let wanted = count.div_ceil(8);
    if usize::from(said) != wanted || bytes.len() != wanted {
        return Err(Exception::IllegalDataValue);
    }
    let all = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |place| u16::from(byte >> place & 1)));
    Ok(all.take(count).collect())
}

#[cfg(test)]
mod tests;

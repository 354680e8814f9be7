//! Requests as tokio-modbus wants them, and what their responses must look like. The library's
//! own reading functions trust the device's lengths, so they are not used.

use std::borrow::Cow;

use mainstem_model::Value;
use mainstem_registers::{
    EncodeError, Format, Table, decode_bits, decode_words, encode_bits, encode_words,
};
use tokio_modbus::{Request, Response};

use crate::binding::WriteCode;
use crate::block::Span;

/// The content of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// Registers.
    Words(Vec<u16>),
    /// Coils or discrete inputs.
    Bits(Vec<bool>),
}

/// The request that reads a span.
pub(crate) fn read_request(table: Table, span: Span) -> Request<'static> {
    match table {
        Table::Coils => Request::ReadCoils(span.start, span.count),
        Table::DiscreteInputs => Request::ReadDiscreteInputs(span.start, span.count),
        Table::HoldingRegisters => Request::ReadHoldingRegisters(span.start, span.count),
        Table::InputRegisters => Request::ReadInputRegisters(span.start, span.count),
    }
}

/// The data in a response, if it is what was asked for; else what is wrong with it.
pub(crate) fn read_response(response: Response, count: u16) -> Result<Data, String> {
    let count = usize::from(count);
    match response {
        Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => {
            if words.len() == count {
                return Ok(Data::Words(words));
            }
            Err(format!(
                "{count} registers were asked for, {} arrived",
                words.len()
            ))
        }
        Response::ReadCoils(mut bits) | Response::ReadDiscreteInputs(mut bits) => {
            // Bits arrive in whole bytes.
            if bits.len() == count.next_multiple_of(8) {
                bits.truncate(count);
                return Ok(Data::Bits(bits));
            }
            Err(format!(
                "{count} bits were asked for, {} arrived",
                bits.len()
            ))
        }
        _ => Err("the answer is none to a read".to_owned()),
    }
}

impl Data {
    /// The value of a member of the block, by its distance from the block's first address.
    pub(crate) fn value(&self, offset: usize, count: u16, format: Format) -> Option<Value> {
        let range = offset..offset + usize::from(count);
        match self {
            Self::Words(words) => words.get(range).map(|words| decode_words(format, words)),
            Self::Bits(bits) => bits.get(range).map(|bits| decode_bits(format, bits)),
        }
    }

    /// The data of a value that is to be written.
    pub(crate) fn of(
        value: &Value,
        table: Table,
        count: u16,
        format: Format,
    ) -> Result<Self, EncodeError> {
        if table.has_bits() {
            encode_bits(format, value, count).map(Self::Bits)
        } else {
            encode_words(format, value, count).map(Self::Words)
        }
    }

    /// Puts one written bit into the register that holds it.
    pub(crate) fn merge_bit(&mut self, bit: u8, current: &Self) {
        if let (Self::Words(new), Self::Words(old)) = (self, current)
            && let (Some(new), Some(old)) = (new.first_mut(), old.first())
        {
            let mask = 1 << bit;
            *new = if *new == 0 { old & !mask } else { old | mask };
        }
    }

    /// The request that writes this.
    pub(crate) fn write_request(&self, code: WriteCode, start: u16) -> Request<'_> {
        let bit = || matches!(self, Self::Bits(bits) if bits.first() == Some(&true));
        let word = || match self {
            Self::Words(words) => words.first().copied().unwrap_or_default(),
            Self::Bits(_) => 0,
        };
        match (code, self) {
            (WriteCode::Coils, Self::Bits(bits)) => {
                Request::WriteMultipleCoils(start, Cow::Borrowed(bits))
            }
            (WriteCode::Registers, Self::Words(words)) => {
                Request::WriteMultipleRegisters(start, Cow::Borrowed(words))
            }
            (WriteCode::SingleCoil | WriteCode::Coils, _) => Request::WriteSingleCoil(start, bit()),
            (WriteCode::SingleRegister | WriteCode::Registers, _) => {
                Request::WriteSingleRegister(start, word())
            }
        }
    }
}

/// Whether a response confirms a write; the specification has the device repeat it.
pub(crate) fn confirms(request: &Request<'_>, response: &Response) -> bool {
    let same_count = |sent: usize, confirmed: u16| sent == usize::from(confirmed);
    match (request, response) {
        (Request::WriteSingleCoil(at, on), Response::WriteSingleCoil(to, is)) => {
            at == to && on == is
        }
        (Request::WriteSingleRegister(at, word), Response::WriteSingleRegister(to, is)) => {
            at == to && word == is
        }
        (Request::WriteMultipleCoils(at, bits), Response::WriteMultipleCoils(to, count)) => {
            at == to && same_count(bits.len(), *count)
        }
        (
            Request::WriteMultipleRegisters(at, words),
            Response::WriteMultipleRegisters(to, count),
        ) => at == to && same_count(words.len(), *count),
        _ => false,
    }
}

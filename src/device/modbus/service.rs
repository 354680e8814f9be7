//! Requests to answers: function codes, limits of the protocol, units and faults.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;
use tokio_modbus::server::Service;
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use super::Units;
use super::faults::ModbusFaults;
use super::image::{Table, UnitImage};

/// Most bits that one request may read.
const MAX_READ_BITS: usize = 2000;
/// Most registers that one request may read.
const MAX_READ_WORDS: usize = 125;
/// Most bits that one request may write.
const MAX_WRITE_BITS: usize = 1968;
/// Most registers that one request may write.
const MAX_WRITE_WORDS: usize = 123;

/// Answers the requests of one connection.
pub(super) struct UnitService {
    units: Units,
    faults: ModbusFaults,
}

impl UnitService {
    pub(super) fn new(units: Units, faults: ModbusFaults) -> Self {
        Self { units, faults }
    }
}

impl Service for UnitService {
    type Request = SlaveRequest<'static>;
    /// `None` is silence: the request is forgotten.
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = BoxFuture<'static, Result<Option<Response>, ExceptionCode>>;

    fn call(&self, asked: Self::Request) -> Self::Future {
        let (units, faults) = (self.units.clone(), self.faults.clone());
        async move {
            let delay = faults.answer_delay();
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let unit = asked.slave;
            if faults.is_frozen(unit) {
                return Ok(None);
            }
            faults.count_answer();
            let image = units.get(&unit).ok_or(ExceptionCode::GatewayTargetDevice)?;
            answer(image, unit, &asked.request, &faults).map(Some)
        }
        .boxed()
    }
}

fn answer(
    image: &UnitImage,
    unit: u8,
    request: &Request<'_>,
    faults: &ModbusFaults,
) -> Result<Response, ExceptionCode> {
    use Table::{Coils, DiscreteInputs, HoldingRegisters, InputRegisters};
    let admit = |table, start, count: usize, limit| {
        let quantity = within_limit(count, limit)?;
        match faults.exception(unit, table, start, quantity) {
            Some(exception) => Err(exception),
            None => Ok(quantity),
        }
    };
    match request {
        Request::ReadCoils(start, count) => {
            admit(Coils, *start, usize::from(*count), MAX_READ_BITS)?;
            image
                .read_bits(Coils, *start, *count)
                .map(Response::ReadCoils)
        }
        Request::ReadDiscreteInputs(start, count) => {
            admit(DiscreteInputs, *start, usize::from(*count), MAX_READ_BITS)?;
            let bits = image.read_bits(DiscreteInputs, *start, *count);
            bits.map(Response::ReadDiscreteInputs)
        }
        Request::ReadHoldingRegisters(start, count) => {
            admit(
                HoldingRegisters,
                *start,
                usize::from(*count),
                MAX_READ_WORDS,
            )?;
            let words = image.read_words(HoldingRegisters, *start, *count);
            words.map(Response::ReadHoldingRegisters)
        }
        Request::ReadInputRegisters(start, count) => {
            admit(InputRegisters, *start, usize::from(*count), MAX_READ_WORDS)?;
            let words = image.read_words(InputRegisters, *start, *count);
            words.map(Response::ReadInputRegisters)
        }
        Request::WriteSingleCoil(at, bit) => {
            admit(Coils, *at, 1, 1)?;
            image.write_bits(*at, &[*bit])?;
            Ok(Response::WriteSingleCoil(*at, *bit))
        }
        Request::WriteMultipleCoils(start, bits) => {
            let quantity = admit(Coils, *start, bits.len(), MAX_WRITE_BITS)?;
            image.write_bits(*start, bits)?;
            Ok(Response::WriteMultipleCoils(*start, quantity))
        }
        Request::WriteSingleRegister(at, word) => {
            admit(HoldingRegisters, *at, 1, 1)?;
            image.write_words(*at, &[*word])?;
            Ok(Response::WriteSingleRegister(*at, *word))
        }
        Request::WriteMultipleRegisters(start, words) => {
            let quantity = admit(HoldingRegisters, *start, words.len(), MAX_WRITE_WORDS)?;
            image.write_words(*start, words)?;
            Ok(Response::WriteMultipleRegisters(*start, quantity))
        }
        _ => Err(ExceptionCode::IllegalFunction),
    }
}

fn within_limit(count: usize, limit: usize) -> Result<u16, ExceptionCode> {
    if !(1..=limit).contains(&count) {
        return Err(ExceptionCode::IllegalDataValue);
    }
    u16::try_from(count).map_err(|_| ExceptionCode::IllegalDataValue)
}

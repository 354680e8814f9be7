//! From a request to its answer.

use std::net::IpAddr;
use std::sync::Arc;

use mainstem_registers::Table;
use mainstem_security::Principal;
use mainstem_service::{Gaps, NotGood};
use mainstem_store::Store;
use mainstem_write::WriteDesk;

use crate::answer;
use crate::exception::Exception;
use crate::identity::Identification;
use crate::map::Map;
use crate::refusals::Refusals;
use crate::request::{Request, request};

/// The registers of one server, and what stands behind them.
pub(crate) struct Registers {
    pub(crate) map: Map,
    pub(crate) not_good: NotGood,
    pub(crate) gaps: Gaps,
    pub(crate) store: Arc<Store>,
    pub(crate) writes: Arc<WriteDesk>,
    pub(crate) identification: Identification,
    pub(crate) refusals: Arc<Refusals>,
}

impl Registers {
    /// The answer to a request, and the exception if it is one.
    pub(crate) async fn respond(
        &self,
        who: &Principal,
        from: IpAddr,
        unit: u8,
        pdu: &[u8],
    ) -> (Vec<u8>, Option<Exception>) {
        let function = pdu.first().copied().unwrap_or_default();
        match self.carry_out((who, from), unit, pdu).await {
            Ok(answer) => (answer, None),
            Err(exception) => (answer::exception(function, exception), Some(exception)),
        }
    }

    async fn carry_out(
        &self,
        who: (&Principal, IpAddr),
        unit: u8,
        pdu: &[u8],
    ) -> Result<Vec<u8>, Exception> {
        let function = pdu.first().copied().unwrap_or_default();
        let asked = request(pdu)?;
        let unit = self.map.unit(unit).ok_or(Exception::GatewayTargetDevice)?;
        match asked {
            Request::Read { table, span } => {
                let words = self.read(who, unit, table, span)?;
                Ok(answer::read(function, table.has_bits(), &words))
            }
            Request::Write { table, span, words } => {
                self.write(who, (unit, table), span, &words).await?;
                Ok(answer::written(pdu))
            }
            Request::Mask { address, and, or } => {
                self.mask(who, unit, address, (and, or)).await?;
                Ok(answer::written(pdu))
            }
            Request::ReadWrite { read, write, words } => {
                let table = Table::HoldingRegisters;
                self.write(who, (unit, table), write, &words).await?;
                let words = self.read(who, unit, table, read)?;
                Ok(answer::read(function, false, &words))
            }
            Request::Identify { level, object } => self.identification.answer(level, object),
        }
    }
}

//! What ADS error codes mean, and what a person has to change. Pure.

use mainstem_model::Reason;

/// The service is not supported.
pub(crate) const NOT_SUPPORTED: u32 = 0x701;
/// There is no such index group.
pub(crate) const NO_GROUP: u32 = 0x702;

/// A refusal in a person's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A stable code for statistics and writes.
    pub(crate) code: &'static str,
    /// What happened and what to do.
    pub(crate) message: String,
    /// What it means for a datapoint.
    pub(crate) reason: Reason,
}

impl Fault {
    /// The symbol is something else than the endpoint says.
    pub(crate) fn mismatch(message: String) -> Self {
        Self {
            code: "type_mismatch",
            message,
            reason: Reason::BadType,
        }
    }
}

/// The PLC refuses a request.
pub(crate) fn of(code: u32) -> Fault {
    use Reason::{BadAddress, DeviceError};
    let (word, reason, message) = match code {
        0x710 | 0x70C => (
            "symbol_not_found",
            BadAddress,
            "the PLC has no such symbol: check the spelling with its POU or list in front \
             (`MAIN.fSpeed`, `GVL.nCount`), that AMS port `port` is that of the PLC with this \
             program, and that the program was downloaded with its symbols",
        ),
        NOT_SUPPORTED => (
            "not_supported",
            DeviceError,
            "the device does not know this service: check AMS port `port`",
        ),
        NO_GROUP => (
            "no_such_group",
            BadAddress,
            "the device has no such index group: check `indexGroup`",
        ),
        0x703 => (
            "no_such_offset",
            BadAddress,
            "the index group has no such offset: check `indexOffset` and `length`",
        ),
        0x704 => (
            "access_denied",
            DeviceError,
            "the PLC does not allow it: constants, inputs and variables with the attribute \
             `TcReadOnly` are only read",
        ),
        0x705 => (
            "wrong_size",
            Reason::BadType,
            "the variable has another size: check `dataType` and `length`",
        ),
        0x711 => (
            "symbols_changed",
            DeviceError,
            "the program of the PLC changed meanwhile: it is looked up again",
        ),
        0x707 | 0x708 | 0x712 => (
            "not_ready",
            DeviceError,
            "the PLC cannot do it in its present state: look whether it runs",
        ),
        other => {
            return Fault {
                code: "refused",
                message: format!("the PLC refuses it with ADS error {other:#x} ({other})"),
                reason: DeviceError,
            };
        }
    };
    Fault {
        code: word,
        message: message.to_owned(),
        reason,
    }
}

/// What is wrong on the way to the PLC: a stable code, and what to do.
pub(crate) fn way(code: u32) -> (&'static str, &'static str) {
    match code {
        0x06 => (
            "no_ams_port",
            "nothing listens at its AMS port: check `port` (851 for the first PLC of TwinCAT 3, 801 \
             of TwinCAT 2), and that TwinCAT is in run mode with a PLC program",
        ),
        0x07 => (
            "no_net_id",
            "its router does not know the AMS Net Id: check `netId` (TwinCAT icon, Router, Change \
             AMS NetId), and the route back to this machine",
        ),
        _ => ("ams_error", "look at the router of TwinCAT there"),
    }
}

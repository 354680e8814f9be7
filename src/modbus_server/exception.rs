//! The exception codes of section 7 of the specification, as this server uses them.

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exception {
    /// The function code is not known here.
    IllegalFunction = 1,
    /// An address has no node, only a part of a value is meant, or the role may not have it.
    IllegalDataAddress = 2,
    /// A quantity, a length or a value is not possible.
    IllegalDataValue = 3,
    /// The value is not good, or the outcome of a write is not known.
    ServerDeviceFailure = 4,
    /// The write goes on, and takes longer than a client waits.
    Acknowledge = 5,
    /// Too much is under way: come again.
    ServerDeviceBusy = 6,
    /// Whoever owns the datapoint cannot be reached, or there is no such unit.
    GatewayTargetDevice = 11,
}

impl Exception {
    /// The code on the wire.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The specification's word, for counters.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::IllegalFunction => "illegal_function",
            Self::IllegalDataAddress => "illegal_data_address",
            Self::IllegalDataValue => "illegal_data_value",
            Self::ServerDeviceFailure => "server_device_failure",
            Self::Acknowledge => "acknowledge",
            Self::ServerDeviceBusy => "server_device_busy",
            Self::GatewayTargetDevice => "gateway_target_device",
        }
    }
}

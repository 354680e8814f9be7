//! The exception codes of section 7 of the specification, and what each means here.

use mainstem_model::Reason;
use tokio_modbus::ExceptionCode;

/// What to make of an exception that answers a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An address or the length was not to its liking: a smaller block may do.
    Address(Reason),
    /// The device has a problem, perhaps with one address.
    Failure,
    /// It cannot serve this now, or not at all; dividing would not help.
    Unable,
    /// A gateway speaks: the unit behind it does not answer.
    UnitSilent,
}

/// An exception as people and statistics know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// The specification's word.
    pub(crate) name: String,
    /// The stable code for statistics.
    pub(crate) code: &'static str,
    /// What it means, in a few words.
    pub(crate) meaning: &'static str,
    /// What to make of it.
    pub(crate) verdict: Verdict,
}

type Row = (
    ExceptionCode,
    &'static str,
    &'static str,
    &'static str,
    Verdict,
);

const ROWS: [Row; 9] = [
    (
        ExceptionCode::IllegalFunction,
        "IllegalFunction",
        "illegal_function",
        "the device does not know the function code",
        Verdict::Unable,
    ),
    (
        ExceptionCode::IllegalDataAddress,
        "IllegalDataAddress",
        "illegal_data_address",
        "the device has no such address",
        Verdict::Address(Reason::BadAddress),
    ),
    (
        ExceptionCode::IllegalDataValue,
        "IllegalDataValue",
        "illegal_data_value",
        "the device does not take this value or length",
        Verdict::Address(Reason::DeviceError),
    ),
    (
        ExceptionCode::ServerDeviceFailure,
        "ServerDeviceFailure",
        "server_device_failure",
        "the device failed while it carried out the request",
        Verdict::Failure,
    ),
    (
        ExceptionCode::Acknowledge,
        "Acknowledge",
        "acknowledge",
        "the device has accepted the request and needs long for it",
        Verdict::Unable,
    ),
    (
        ExceptionCode::ServerDeviceBusy,
        "ServerDeviceBusy",
        "server_device_busy",
        "the device is busy with something that takes long",
        Verdict::Unable,
    ),
    (
        ExceptionCode::MemoryParityError,
        "MemoryParityError",
        "memory_parity_error",
        "the device's memory is damaged",
        Verdict::Unable,
    ),
    (
        ExceptionCode::GatewayPathUnavailable,
        "GatewayPathUnavailable",
        "gateway_path_unavailable",
        "the gateway has no way to this unit: it is misconfigured or overloaded",
        Verdict::UnitSilent,
    ),
    (
        ExceptionCode::GatewayTargetDevice,
        "GatewayTargetDevice",
        "gateway_target_device",
        "the unit behind the gateway did not answer",
        Verdict::UnitSilent,
    ),
];

/// Explains an exception code.
pub(crate) fn explain(exception: ExceptionCode) -> Exception {
    if let Some((_, name, code, meaning, verdict)) = ROWS.iter().find(|row| row.0 == exception) {
        return Exception {
            name: (*name).to_owned(),
            code,
            meaning,
            verdict: *verdict,
        };
    }
    Exception {
        name: format!("Exception{:02X}", u8::from(exception)),
        code: "exception",
        meaning: "the device's manual explains this code",
        verdict: Verdict::Unable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_specification_has_its_name() {
        let names = [
            (1, "IllegalFunction"),
            (2, "IllegalDataAddress"),
            (3, "IllegalDataValue"),
            (4, "ServerDeviceFailure"),
            (5, "Acknowledge"),
            (6, "ServerDeviceBusy"),
            (8, "MemoryParityError"),
            (10, "GatewayPathUnavailable"),
            (11, "GatewayTargetDevice"),
            (0x7F, "Exception7F"),
        ];
        for (code, name) in names {
            assert_eq!(explain(ExceptionCode::new(code)).name, name);
        }
    }
}

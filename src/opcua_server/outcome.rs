//! What became of a write, as an OPC UA status.

use mainstem_model::WriteState;
use mainstem_store::Outcome;
use mainstem_write::{Refusal, reason};
use opcua::types::StatusCode;

/// The status that a client gets for the outcome of its write.
pub(crate) fn status(outcome: &Outcome) -> StatusCode {
    match outcome.state {
        WriteState::Applied => StatusCode::Good,
        WriteState::Rejected => rejected(outcome.reason.as_deref().unwrap_or_default()),
        WriteState::Expired => StatusCode::BadTimeout,
        // It may have been carried out; nobody knows.
        WriteState::Unknown => StatusCode::BadRequestInterrupted,
        // It is on its way.
        _ => StatusCode::GoodCompletesAsynchronously,
    }
}

fn rejected(word: &str) -> StatusCode {
    match word {
        reason::POLICY => StatusCode::BadUserAccessDenied,
        reason::READ_ONLY => StatusCode::BadNotWritable,
        reason::TYPE => StatusCode::BadTypeMismatch,
        reason::LIMITS => StatusCode::BadOutOfRange,
        reason::NO_OWNER => StatusCode::BadNoCommunication,
        reason::BUSY => StatusCode::BadResourceUnavailable,
        reason::JOURNAL => StatusCode::BadOutOfMemory,
        reason::DEADLINE => StatusCode::BadTimeout,
        // What a device behind an OPC UA adapter said is said again.
        "BadTypeMismatch" => StatusCode::BadTypeMismatch,
        "BadOutOfRange" => StatusCode::BadOutOfRange,
        "BadNotWritable" => StatusCode::BadNotWritable,
        "BadUserAccessDenied" => StatusCode::BadUserAccessDenied,
        _ => StatusCode::BadDeviceFailure,
    }
}

/// The status of what did not even become a write.
pub(crate) fn refusal(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchPoint(_) | Refusal::NoSuchVariable(_) => StatusCode::BadNodeIdUnknown,
        Refusal::Stopping => StatusCode::BadServerHalted,
        Refusal::KeyReused { .. } | Refusal::IdReused(_) | Refusal::Malformed(_) => {
            StatusCode::BadInvalidArgument
        }
    }
}

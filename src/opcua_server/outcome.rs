//! What became of a write, as an OPC UA status.

use mainstem_model::WriteState;
use mainstem_store::Outcome;
use mainstem_write::{Refusal, reason};
use opcua::types::StatusCode;

// What links and adapters say (docs/WRITES.md).
const LINK_DOWN: &str = "link_down";
const LINK_LOST: &str = "link_lost";
const NO_CLOCK_MAPPING: &str = "no_clock_mapping";
const NOT_SENT: &str = "not_sent";
const NOT_SUPPORTED: &str = "not_supported";
const ONE_WAY: &str = "one_way";
const REMOVED: &str = "removed";
const EXPIRED: &str = "expired";

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
        reason::READ_ONLY | ONE_WAY => StatusCode::BadNotWritable,
        reason::TYPE => StatusCode::BadTypeMismatch,
        reason::LIMITS => StatusCode::BadOutOfRange,
        reason::UNKNOWN_NAME | REMOVED => StatusCode::BadNodeIdUnknown,
        reason::NO_OWNER | LINK_DOWN | LINK_LOST | NO_CLOCK_MAPPING | NOT_SENT => {
            StatusCode::BadNoCommunication
        }
        NOT_SUPPORTED => StatusCode::BadNotSupported,
        reason::BUSY => StatusCode::BadResourceUnavailable,
        reason::JOURNAL => StatusCode::BadOutOfMemory,
        reason::DEADLINE | EXPIRED => StatusCode::BadTimeout,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_the_status_that_says_what_to_do() {
        for (word, wanted) in [
            ("policy", StatusCode::BadUserAccessDenied),
            ("one_way", StatusCode::BadNotWritable),
            ("link_down", StatusCode::BadNoCommunication),
            ("not_sent", StatusCode::BadNoCommunication),
            ("removed", StatusCode::BadNodeIdUnknown),
            ("expired", StatusCode::BadTimeout),
            ("a word of the device", StatusCode::BadDeviceFailure),
        ] {
            let outcome = Outcome::because(WriteState::Rejected, word, "why");
            assert_eq!(status(&outcome), wanted, "{word}");
        }
    }
}

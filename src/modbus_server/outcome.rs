//! What became of a write, as an exception.

use mainstem_model::WriteState;
use mainstem_store::Outcome;
use mainstem_write::{Refusal, reason};

use crate::exception::Exception;

// What links and adapters say (docs/WRITES.md).
const LINK_DOWN: &str = "link_down";
const LINK_LOST: &str = "link_lost";
const NO_CLOCK_MAPPING: &str = "no_clock_mapping";
const NOT_SENT: &str = "not_sent";
const ONE_WAY: &str = "one_way";
const REMOVED: &str = "removed";

/// Whether a client may believe that its write was carried out, or what it is told instead.
pub(crate) fn judge(outcome: &Outcome) -> Result<(), Exception> {
    match outcome.state {
        WriteState::Applied => Ok(()),
        WriteState::Rejected => Err(rejected(outcome.reason.as_deref().unwrap_or_default())),
        // It may have been carried out; nobody knows.
        WriteState::Expired | WriteState::Unknown => Err(Exception::ServerDeviceFailure),
        // It is on its way.
        _ => Err(Exception::Acknowledge),
    }
}

fn rejected(word: &str) -> Exception {
    match word {
        reason::POLICY | reason::READ_ONLY | reason::UNKNOWN_NAME | ONE_WAY | REMOVED => {
            Exception::IllegalDataAddress
        }
        reason::TYPE | reason::LIMITS | "OutOfRange" | "TypeMismatch" | "IllegalDataValue" => {
            Exception::IllegalDataValue
        }
        reason::NO_OWNER | LINK_DOWN | LINK_LOST | NO_CLOCK_MAPPING | NOT_SENT => {
            Exception::GatewayTargetDevice
        }
        reason::BUSY => Exception::ServerDeviceBusy,
        _ => Exception::ServerDeviceFailure,
    }
}

/// The same for what did not even become a write.
pub(crate) fn refusal(refusal: &Refusal) -> Exception {
    match refusal {
        Refusal::NoSuchPoint(_) | Refusal::NoSuchVariable(_) => Exception::IllegalDataAddress,
        Refusal::Stopping => Exception::ServerDeviceBusy,
        Refusal::KeyReused { .. } | Refusal::IdReused(_) | Refusal::Malformed(_) => {
            Exception::IllegalDataValue
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_the_exception_that_says_what_to_do() {
        for (word, wanted) in [
            ("policy", Exception::IllegalDataAddress),
            ("limits", Exception::IllegalDataValue),
            ("link_down", Exception::GatewayTargetDevice),
            ("not_sent", Exception::GatewayTargetDevice),
            ("busy", Exception::ServerDeviceBusy),
            ("a word of the device", Exception::ServerDeviceFailure),
        ] {
            let outcome = Outcome::because(WriteState::Rejected, word, "why");
            assert_eq!(judge(&outcome), Err(wanted), "{word}");
        }
        let unknown = Outcome::because(WriteState::Unknown, "no_answer", "why");
        assert_eq!(judge(&unknown), Err(Exception::ServerDeviceFailure));
    }
}

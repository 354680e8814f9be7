//! What a controller's status codes mean, and what its user has to change. Pure.

use mainstem_model::Reason;

use crate::cip::Status;

const NO_TAG: &str = "the controller has no such tag: check the spelling, that a tag of a program \
    is given with `programName` (or as `Program:NAME.TAG`), that indices lie inside the array, and \
    that in Studio 5000 the tag's External Access is not None";
const NO_ACCESS: &str = "the controller does not allow it: in Studio 5000 set the tag's External \
    Access to Read/Write (constants and inputs stay read only), and check the key switch and the \
    controller's security";

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

fn fault(code: &'static str, reason: Reason, message: &str) -> Fault {
    Fault {
        code,
        message: message.to_owned(),
        reason,
    }
}

/// The controller refuses a request.
pub(crate) fn of(status: Status) -> Fault {
    use Reason::{BadAddress, BadType, DeviceError};
    match (status.general, status.extended) {
        (0x04 | 0x05, _) => fault("tag_not_found", BadAddress, NO_TAG),
        (0xFF, 0x2104 | 0x2105) => fault(
            "out_of_range",
            BadAddress,
            "the index or `length` goes over the end of the array: compare them with the tag",
        ),
        (0xFF, 0x2107) => fault(
            "type_mismatch",
            BadType,
            "the tag has another type than `tagType` says: set `tagType` to the tag's own",
        ),
        (0x0F, _) => fault("access_denied", DeviceError, NO_ACCESS),
        (0x0E, _) => fault("read_only", DeviceError, NO_ACCESS),
        (0x08, _) => fault(
            "not_supported",
            DeviceError,
            "the device does not know this service: it is no Logix controller, or too old for it",
        ),
        (0x0C | 0x10, _) => fault(
            "state_conflict",
            DeviceError,
            "the controller cannot do it in its present mode: look at its key switch and whether \
             it is being programmed",
        ),
        (0x02, _) => fault(
            "no_resources",
            DeviceError,
            "the controller has no resources left for it: poll less often, or close other clients",
        ),
        (general, extended) => Fault {
            code: "refused",
            message: format!(
                "the controller refuses it with status {general:#04x}, extended {extended:#06x}"
            ),
            reason: DeviceError,
        },
    }
}

/// Whether a message did not reach the controller because the way to it is wrong.
pub(crate) fn is_way(service: u8, status: Status) -> bool {
    service == crate::frame::HAND_ON && status.general == 0x01
}

/// What is wrong with the way.
pub(crate) fn way(status: Status) -> &'static str {
    match status.extended {
        0x0204 => "nothing answers at its end in time: check that a controller stands in that slot",
        0x0311 | 0x0312 => "there is no such port or slot on the way: check `slot` or `routePath`",
        0x0315 => "the way is not understood: check `routePath`, or set it to `direct`",
        _ => "check `slot` or `routePath`; a device without a rack wants `routePath: direct`",
    }
}

//! What a CPU's error codes mean, and what its user has to switch. Pure.

use mainstem_model::Reason;

const PUT_GET: &str = "the CPU does not allow it: in TIA Portal open the CPU's properties, \
    Protection & Security, Connection mechanisms, tick \"Permit access with PUT/GET communication \
    from remote partner\", check that the access level is full access, and download the hardware \
    configuration";
const OPTIMISED: &str = "in TIA Portal open the block's properties, Attributes, and untick \
    \"Optimized block access\" (optimised blocks have no absolute addresses), compile and download";

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

/// The CPU refuses one item.
pub(crate) fn item(code: u8) -> Fault {
    let (code, message, reason) = match code {
        0x01 => (
            "hardware_fault",
            "the CPU reports a hardware fault at this address".to_owned(),
            Reason::DeviceError,
        ),
        0x03 => ("access_denied", PUT_GET.to_owned(), Reason::DeviceError),
        0x05 => (
            "address_out_of_range",
            format!(
                "the CPU has no such address: the block or area is shorter, or the block is \
                 optimised; then {OPTIMISED}"
            ),
            Reason::BadAddress,
        ),
        0x06 => (
            "type_not_supported",
            "the CPU does not support this access in this area".to_owned(),
            Reason::DeviceError,
        ),
        0x07 => (
            "type_inconsistent",
            "the CPU says that type and length do not fit each other".to_owned(),
            Reason::DeviceError,
        ),
        0x0A => (
            "no_such_object",
            format!(
                "the CPU has no such block: check its number, and that it was downloaded; if it \
                 is there, {OPTIMISED}"
            ),
            Reason::BadAddress,
        ),
        other => (
            "item_refused",
            format!("the CPU refuses this address with code {other:#04x}"),
            Reason::DeviceError,
        ),
    };
    Fault {
        code,
        message,
        reason,
    }
}

/// The CPU refuses a whole request.
pub(crate) fn request(class: u8, code: u8) -> Fault {
    let (code, message) = if is_denied(class, code) {
        ("access_denied", PUT_GET.to_owned())
    } else {
        let message = format!("the CPU refuses the request with error {class:#04x} {code:#04x}");
        ("request_refused", message)
    };
    Fault {
        code,
        message,
        reason: Reason::DeviceError,
    }
}

/// Whether the CPU lets nobody in: with PUT/GET off an S7-1200 or S7-1500 answers every read and
/// write with one of these, where it is not a matter of the address.
pub(crate) fn is_denied(class: u8, code: u8) -> bool {
    matches!(
        (class, code),
        (0x81 | 0x83, 0x04) | (0xD2, 0x41) | (0xD6, _)
    )
}

//! What a device's refusals mean, and what to do about them. Pure.

use mainstem_model::Reason;

const OBJECT: &str = "the device has no such object: check `objectType` and `objectInstance`; \
    `mainstem adapters browse` lists what it has";
const PROPERTY: &str = "the object has no such property: check `property`";
const INDEX: &str = "the property has no such element: check `index`, or leave it out";
const WRITE_ACCESS: &str = "the device does not let this property be written; the present-value of \
    an input can only be written while its out-of-service is true";
const TYPE: &str = "the device wants another type of value: set the endpoint's `dataType`";
const RANGE: &str = "the value is outside the range that the device accepts";

/// How a device says that it does not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Class and code.
    Error(u32, u32),
    /// It does not understand the request.
    Reject(u8),
    /// It has given up.
    Abort(u8),
    /// It has answered something that makes no sense.
    Nonsense,
}

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

impl Refusal {
    /// Whether the answer would have been too long.
    pub(crate) fn is_about_length(self) -> bool {
        // Buffer overflow, segmentation not supported, out of resources, message too long.
        matches!(self, Self::Reject(1 | 7) | Self::Abort(1 | 4 | 9 | 11))
    }

    /// Whether the device does not know the service at all.
    pub(crate) fn is_unknown_service(self) -> bool {
        // Unrecognized service; service request denied; optional functionality not supported.
        matches!(self, Self::Reject(9) | Self::Error(5, 29 | 45))
    }

    /// Whether there is no such property.
    pub(crate) fn is_unknown_property(self) -> bool {
        matches!(self, Self::Error(_, 32))
    }

    /// What it means.
    pub(crate) fn fault(self) -> Fault {
        let (code, message, reason) = match self {
            Self::Error(class, code) => return error(class, code),
            Self::Reject(reason) => (
                "rejected",
                format!(
                    "the device does not understand the request: {}",
                    reject_text(reason)
                ),
                Reason::DeviceError,
            ),
            Self::Abort(_) if self.is_about_length() => (
                "answer_too_long",
                "the answer does not fit into one message and the device cannot divide it: read \
                 single elements by `index`"
                    .to_owned(),
                Reason::DeviceError,
            ),
            Self::Abort(reason) => (
                "aborted",
                format!("the device gave up the request: {}", abort_text(reason)),
                Reason::DeviceError,
            ),
            Self::Nonsense => (
                "invalid_answer",
                "the device answered with something that is no BACnet".to_owned(),
                Reason::DeviceError,
            ),
        };
        Fault {
            code,
            message,
            reason,
        }
    }
}

fn error(class: u32, code: u32) -> Fault {
    let (name, message, reason) = match code {
        31 => ("unknown_object", OBJECT, Reason::BadAddress),
        32 => ("unknown_property", PROPERTY, Reason::BadAddress),
        42 | 50 => ("invalid_index", INDEX, Reason::BadAddress),
        27 => (
            "read_access_denied",
            "the device does not let it be read",
            Reason::DeviceError,
        ),
        40 => ("write_access_denied", WRITE_ACCESS, Reason::DeviceError),
        37 => ("value_out_of_range", RANGE, Reason::DeviceError),
        9 | 47 => ("invalid_data_type", TYPE, Reason::DeviceError),
        3 => (
            "device_busy",
            "the device is busy: give it a longer `interval`",
            Reason::DeviceError,
        ),
        18 => (
            "no_space",
            "the device has no room left",
            Reason::DeviceError,
        ),
        43..=45 => (
            "not_supported",
            "the device does not support it",
            Reason::DeviceError,
        ),
        29 => (
            "request_denied",
            "the device denies the request",
            Reason::DeviceError,
        ),
        _ => {
            return Fault {
                code: "error",
                message: format!("the device answers with error class {class} code {code}"),
                reason: Reason::DeviceError,
            };
        }
    };
    Fault {
        code: name,
        message: message.to_owned(),
        reason,
    }
}

fn reject_text(reason: u8) -> String {
    let text = match reason {
        1 => "it is too long",
        2 => "its parts contradict each other",
        3 => "a part has another type than it expects",
        4 => "a tag is not where it should be",
        5 => "something is missing",
        6 => "a part is out of range",
        7 => "it has too many parts",
        8 => "it knows no such word",
        9 => "it does not know this service",
        other => return format!("reason {other}"),
    };
    text.to_owned()
}

fn abort_text(reason: u8) -> String {
    let text = match reason {
        2 => "it did not expect it now",
        3 => "something more important came",
        5 | 6 => "it wants security that is not spoken here",
        8 => "it took too long",
        10 => "it waited too long",
        other => return format!("reason {other}"),
    };
    text.to_owned()
}

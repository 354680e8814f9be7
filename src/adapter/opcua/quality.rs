//! Status codes of the server as qualities of this program (part 4, 7.39; part 8, 6.3).

use mainstem_model::{Quality, Reason, Status};

/// Severity and sub-code; what stands below are flags.
const SUB_CODE: u32 = 0xFFFF_0000;
/// Flag of a data value: the server's queue was full and values were dropped.
const OVERFLOW: u32 = 0x0000_0480;

/// The quality of a status code.
pub(crate) fn of_status(status: u32) -> Quality {
    let reason = match status & SUB_CODE {
        0x0096_0000 => Reason::LocalOverride,
        0x4094_0000 => Reason::UncertainRange,
        // BadNodeIdInvalid, BadNodeIdUnknown, BadAttributeIdInvalid, BadIndexRangeInvalid,
        // BadIndexRangeNoData, BadNotReadable.
        0x8033_0000 | 0x8034_0000 | 0x8035_0000 | 0x8036_0000 | 0x8037_0000 | 0x803A_0000 => {
            Reason::BadAddress
        }
        // BadCommunicationError, BadTimeout, BadNoCommunication, BadNotConnected: what the server
        // itself talks to does not answer.
        0x8005_0000 | 0x800A_0000 | 0x8031_0000 | 0x808A_0000 => Reason::DeviceDown,
        0x8032_0000 => Reason::Waiting,
        0x8089_0000 => Reason::NotConfigured,
        0x808B_0000 | 0x808C_0000 => Reason::DeviceError,
        0x808D_0000 => Reason::OutOfService,
        0x8074_0000 => Reason::BadType,
        _ => match status >> 30 {
            0 => Reason::Ok,
            1 => Reason::UncertainSource,
            _ => Reason::BadSource,
        },
    };
    Quality::of(reason)
}

/// Whether the value beside a status may be shown at all.
pub(crate) fn has_value(quality: Quality) -> bool {
    quality.status != Status::Bad
}

/// Whether the server had to drop values.
pub(crate) fn overflowed(status: u32) -> bool {
    status >> 30 != 2 && status & OVERFLOW == OVERFLOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_keeps_the_severity_of_its_code() {
        for high in 0..=u16::MAX {
            let code = u32::from(high) << 16;
            let expected = match high >> 14 {
                0 => Status::Good,
                1 => Status::Uncertain,
                _ => Status::Bad,
            };
            assert_eq!(of_status(code).status, expected, "{code:#010x}");
        }
    }

    #[test]
    fn known_codes_have_their_reasons() {
        assert_eq!(of_status(0), Quality::GOOD);
        assert_eq!(of_status(0x0000_0480), Quality::GOOD);
        assert_eq!(of_status(0x4000_0000).reason, Reason::UncertainSource);
        assert_eq!(of_status(0x8000_0000).reason, Reason::BadSource);
        assert_eq!(of_status(0x8034_0000).reason, Reason::BadAddress);
        assert_eq!(of_status(0x808C_0000).reason, Reason::DeviceError);
        assert!(overflowed(0x0000_0480));
        assert!(!overflowed(0x0000_0400));
    }
}

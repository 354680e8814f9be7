//! How far a value can be trusted, and why not further.

use serde::{Deserialize, Serialize};

/// The three grades, ordered from best to worst.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// To be trusted.
    #[default]
    Good,
    /// Perhaps not what the device has now.
    Uncertain,
    /// Not to be used.
    Bad,
}

/// A quality: its grade and the reason for it. Two bytes, copied freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Quality {
    /// The grade.
    pub status: Status,
    /// The reason, which fixes the OPC UA status code.
    pub reason: Reason,
}

macro_rules! reasons {
    ($($variant:ident $code:literal $text:literal $opcua:literal $status:ident $doc:literal;)*) => {
        /// Why a quality is what it is. Each maps to one OPC UA status code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        #[repr(u8)]
        pub enum Reason {
            $(#[doc = $doc] $variant = $code,)*
            /// A reason that a newer node sent and this one does not know.
            #[default]
            Other = 255,
        }

        impl Reason {
            /// Every reason known here.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// The stable word used in the API and between nodes.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $text,)* Reason::Other => "other" }
            }

            /// Reads the stable word; what is not known becomes [`Reason::Other`].
            pub fn parse(text: &str) -> Self {
                match text { $($text => Reason::$variant,)* _ => Reason::Other }
            }

            /// The OPC UA status code (part 4, 7.39, and part 8).
            pub fn opcua_status(self) -> u32 {
                match self { $(Reason::$variant => $opcua,)* Reason::Other => 0x8000_0000 }
            }

            /// The grade that this reason stands for by itself.
            pub fn status(self) -> Status {
                match self { $(Reason::$variant => Status::$status,)* Reason::Other => Status::Bad }
            }

            /// The reason of a code, as rows between nodes carry it.
            pub fn from_code(code: u8) -> Self {
                match code { $($code => Reason::$variant,)* _ => Reason::Other }
            }
        }
    };
}

reasons! {
    Ok 0 "ok" 0x0000_0000 Good "Nothing is wrong.";
    LocalOverride 1 "local_override" 0x0096_0000 Good "An operator has set the value by hand.";
    Restarted 16 "restarted" 0x4090_0000 Uncertain "Kept from before a restart; its source has not confirmed it yet.";
    LinkQuiet 17 "link_quiet" 0x408F_0000 Uncertain "The link to the node below is silent.";
    Stale 18 "stale" 0x4090_0000 Uncertain "Not confirmed within the time that its provider promised.";
    Frozen 19 "frozen" 0x4090_0000 Uncertain "The life datapoint of its source no longer changes.";
    BadSourceTime 20 "bad_source_time" 0x4092_0000 Uncertain "The source's time stamp cannot be right; ordered by the time of receipt.";
    ClockDrift 21 "clock_drift" 0x4092_0000 Uncertain "The clock of the node it comes from is off by more than the limit.";
    Reconnecting 22 "reconnecting" 0x408F_0000 Uncertain "The connection to the device was just lost.";
    Catching 23 "catching_up" 0x408F_0000 Uncertain "The link is back and its backlog is not applied yet.";
    UncertainSource 24 "uncertain_source" 0x4000_0000 Uncertain "The device itself says that the value is uncertain.";
    UncertainRange 25 "out_of_range" 0x4094_0000 Uncertain "Outside the engineering limits of the sensor.";
    LinkDown 32 "link_down" 0x8031_0000 Bad "There is no communication with the node below.";
    AdapterDown 33 "adapter_down" 0x8031_0000 Bad "There is no connection to the device.";
    DeviceDown 34 "device_down" 0x8005_0000 Bad "The device behind the gateway does not answer.";
    BadAddress 35 "bad_address" 0x8034_0000 Bad "The device has no such address.";
    DeviceError 36 "device_error" 0x808B_0000 Bad "The device answered with an error.";
    BadType 37 "bad_type" 0x8074_0000 Bad "What the device sent does not have the type of the datapoint.";
    Waiting 38 "waiting" 0x8032_0000 Bad "No value has arrived yet.";
    OutOfService 39 "out_of_service" 0x808D_0000 Bad "Switched off on purpose.";
    NotConfigured 40 "misconfigured" 0x8089_0000 Bad "The configuration of the source is wrong.";
    BadSource 41 "bad_source" 0x8000_0000 Bad "The device itself says that the value is bad.";
    Stopped 42 "stopped" 0x808D_0000 Bad "The node or the part that provides it was stopped.";
    NotRecorded 43 "not_recorded" 0x809D_0000 Bad "Samples came faster than they could be recorded, and were lost.";
}

impl Quality {
    /// Good, nothing to add.
    pub const GOOD: Self = Self {
        status: Status::Good,
        reason: Reason::Ok,
    };

    /// The quality that a reason stands for.
    pub fn of(reason: Reason) -> Self {
        Self {
            status: reason.status(),
            reason,
        }
    }

    /// The worse of two; of equals the first.
    pub fn worse(self, other: Self) -> Self {
        if other.status > self.status {
            other
        } else {
            self
        }
    }

    /// Whether the value can be trusted.
    pub fn is_good(self) -> bool {
        self.status == Status::Good
    }

    /// One number for rows between nodes: the grade in the upper byte, the reason in the lower.
    pub fn code(self) -> u16 {
        u16::from(self.status as u8) << 8 | u16::from(self.reason as u8)
    }

    /// The quality of such a number. A grade that is not known counts as bad.
    pub fn from_code(code: u16) -> Self {
        let [grade, reason] = code.to_be_bytes();
        let status = match grade {
            0 => Status::Good,
            1 => Status::Uncertain,
            _ => Status::Bad,
        };
        Self {
            status,
            reason: Reason::from_code(reason),
        }
    }
}

impl Status {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), reason);
            let quality = Quality::of(reason);
            assert_eq!(Quality::from_code(quality.code()), quality);
        }
        assert_eq!(Reason::parse("from_the_future"), Reason::Other);
        assert_eq!(Quality::GOOD.code(), 0);
    }

    #[test]
    fn the_worse_wins() {
        let quiet = Quality::of(Reason::LinkQuiet);
        let down = Quality::of(Reason::LinkDown);
        assert_eq!(quiet.worse(down), down);
        assert_eq!(down.worse(quiet), down);
        assert_eq!(Quality::GOOD.worse(quiet), quiet);
    }
}

//! The bytes of BACnet/IP. Pure: no clock, no socket, no randomness.

pub(crate) mod apdu;
pub(crate) mod describe;
pub(crate) mod moment;
pub(crate) mod network;
pub(crate) mod reassembly;
pub(crate) mod service;
pub(crate) mod tag;
pub(crate) mod text;
pub(crate) mod value;

#[cfg(test)]
mod tests;

/// What came is not what the standard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// An object of a device: its type and its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId {
    /// The number of the object's type, up to 1023.
    pub(crate) kind: u16,
    /// The number among the objects of its type, up to 4194303.
    pub(crate) instance: u32,
}

/// The largest object type.
pub(crate) const KIND_MAX: u16 = 1023;
/// The largest instance; as the number of a device it stands for "whichever you are".
pub(crate) const INSTANCE_MAX: u32 = 0x3F_FFFF;
/// The object type of devices.
pub(crate) const DEVICE: u16 = 8;

impl ObjectId {
    /// As it stands in messages.
    pub(crate) fn to_bits(self) -> u32 {
        u32::from(self.kind) << 22 | (self.instance & INSTANCE_MAX)
    }

    /// From a message.
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self {
            // Ten bits are left.
            kind: u16::try_from(bits >> 22).unwrap_or(KIND_MAX),
            instance: bits & INSTANCE_MAX,
        }
    }
}

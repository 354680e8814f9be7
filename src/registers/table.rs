//! The four address spaces of a unit (section 4.3 of the specification).

/// An address space.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Table {
    /// Bits that can be written.
    Coils,
    /// Bits.
    DiscreteInputs,
    /// Registers that can be written.
    HoldingRegisters,
    /// Registers.
    InputRegisters,
}

impl Table {
    /// Whether it holds bits.
    #[must_use]
    pub fn has_bits(self) -> bool {
        matches!(self, Self::Coils | Self::DiscreteInputs)
    }

    /// Whether clients may write it at all.
    #[must_use]
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Coils | Self::HoldingRegisters)
    }
}

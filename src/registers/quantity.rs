//! How much one request may carry, by the *Modbus Application Protocol Specification V1.1b3*.

/// Registers in one answer (section 6.3).
pub const READ_REGISTERS_MAX: u16 = 125;
/// Bits in one answer (section 6.1).
pub const READ_BITS_MAX: u16 = 2000;
/// Registers in one write (section 6.12).
pub const WRITE_REGISTERS_MAX: u16 = 123;
/// Bits in one write (section 6.11).
pub const WRITE_BITS_MAX: u16 = 1968;

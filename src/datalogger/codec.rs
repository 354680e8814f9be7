//! How rows become bytes: a cheap form for rows that were just appended ([`staged`]) and a
//! compressed one for rows that are settled ([`block`]). Pure: no clock, no file. What is damaged
//! is refused, never guessed; the checksums stand beside the bytes, with whoever stores them.

pub(crate) mod block;
mod bytes;
mod floats;
pub(crate) mod hidden;
mod ints;
mod pack;
mod runs;
pub(crate) mod slot;
pub(crate) mod staged;
mod values;

pub(crate) use values::TEXT_BYTES_MAX;

#[cfg(test)]
pub(crate) mod tests;

/// Bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What reading bytes gives.
pub(crate) type Decoded<T> = Result<T, Malformed>;

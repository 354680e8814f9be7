//! Values in Modbus registers and bits: types, orders of words and bytes, both ways. Pure. Shared
//! by the client (`mainstem-adapter-modbus`) and the server (`mainstem-modbus-server`).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod codec;
mod data_type;
mod quantity;
mod short_type;
mod table;

pub use codec::{EncodeError, decode_bits, decode_words, encode_bits, encode_words};
pub use data_type::{DataType, Format, Number, Order, words};
pub use quantity::{READ_BITS_MAX, READ_REGISTERS_MAX, WRITE_BITS_MAX, WRITE_REGISTERS_MAX};
pub use short_type::{Endian, ShortType};
pub use table::Table;

//! The shapes that leave the node: the frame grammar between nodes and readers, the JSON of every
//! value, and the documents of the API. Conversions to the model are explicit.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
mod cursor;
mod decimal;
mod decode;
mod encode;
mod event;
mod frame;
mod value_json;

pub use cursor::{Cursor, CursorError, Epoch};
pub use decode::{DecodeError, Line, Rows, decode_line, decode_row};
pub use encode::{FrameWriter, RowOut};
pub use event::{EVENT_HOPS_MAX, EventFrame, FEATURE_EVENTS};
pub use frame::{
    AliasFrame, Beat, BeatAnswer, DefineFrame, FEATURE_PULSE, GapFrame, HelloFrame, NamedSample,
    SourceFrame, StatusFrame,
};
pub use value_json::{json_depth, parse_value, to_json_value, write_value};

/// The protocol version that this build speaks; see `api-spec/remote-protocol.md`.
pub const PROTOCOL: u32 = 1;
/// Bytes of one line between nodes; a longer one ends the stream.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Rows in one frame made by this node.
pub const ROWS_PER_FRAME_MAX: usize = 1024;
/// Definitions in one frame made by this node: with the longest texts, each byte of them escaped,
/// the line stays below [`LINE_BYTES_MAX`].
pub const DEFINES_PER_FRAME_MAX: usize = 128;
/// Aliases in one frame made by this node.
pub const ALIASES_PER_FRAME_MAX: usize = 128;

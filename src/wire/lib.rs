//! The shapes that leave the node: the frame grammar between nodes and readers, the JSON of every
//! value, and the documents of the API. Conversions to the model are explicit.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
mod cursor;
mod decimal;
mod decode;
mod digest;
mod encode;
mod event;
mod frame;
mod log;
mod value_json;
mod variable;

pub use cursor::{Cursor, CursorError, Epoch};
pub use decode::{DecodeError, Line, Rows, decode_line, decode_row};
pub use digest::{
    DIGEST_BUCKETS_MAX, DigestBody, DigestError, Digests, FEATURE_DIGEST, Hasher, Same, SameFrame,
    hash_definition, hash_name, hash_source, hash_type,
};
pub use encode::{FrameWriter, RowOut};
pub use event::{EVENT_HOPS_MAX, EventFrame, FEATURE_EVENTS};
pub use frame::{
    AliasFrame, Beat, BeatAnswer, DefineFrame, FEATURE_DOCTOR, FEATURE_PACING, FEATURE_PULSE,
    GapFrame, HelloFrame, NamedSample, SourceFrame, StatusFrame,
};
pub use log::{
    FEATURE_LOGGERS, LOG_BYTES_MAX, LOG_FRAME_BYTES_MAX, LOG_FRAMES, LOG_WANT_ROWS_MAX,
    LOG_WANTS_MAX, LogGone, LogLine, LogRanges, LogRow, LogRows, LogSeries, LogWant, LogWants,
    LogWatch, log_key,
};
pub use value_json::{json_depth, parse_value, to_json_value, write_value};
pub use variable::{FEATURE_VARIABLES, VariableFrame};

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

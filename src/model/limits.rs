//! Every limit of the data model in one place. A limit of one room stands in that room.

/// Bytes in one segment of a name.
pub const SEGMENT_BYTES_MAX: usize = 64;
/// Segments of a name made at this node.
pub const LOCAL_SEGMENTS_MAX: usize = 8;
/// Bytes of a name made at this node.
pub const LOCAL_NAME_BYTES_MAX: usize = 160;
/// Segments of a name with all its prefixes.
pub const SEGMENTS_MAX: usize = 16;
/// Bytes of a name with all its prefixes.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of one value: the text, the bytes, the JSON text, or the sum over an array.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Segments of a GUI variable's name at the least: object and attribute.
pub const VARIABLE_SEGMENTS_MIN: usize = 2;
/// Nesting of a JSON value.
pub const VALUE_DEPTH_MAX: usize = 32;
/// Nodes in the path of a source; what comes through more is pruned.
pub const PATH_HOPS_MAX: usize = 8;
/// Bytes of a unit.
pub const UNIT_BYTES_MAX: usize = 32;
/// Bytes of a description.
pub const DESCRIPTION_BYTES_MAX: usize = 512;

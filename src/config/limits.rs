//! What a file may cost.

/// Bytes of a node file.
pub(crate) const FILE_BYTES_MAX: u64 = 4 << 20;
/// Nesting of lists and maps, before and after expansion.
pub(crate) const DEPTH_MAX: usize = 32;
/// Values in a file, after aliases, `!ref` and `!merge` were expanded.
pub(crate) const NODES_MAX: usize = 250_000;
/// Bytes of one text after `!sub`.
pub(crate) const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a file that holds a secret.
pub(crate) const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Problems that are listed; the rest is counted.
pub(crate) const PROBLEMS_MAX: usize = 500;

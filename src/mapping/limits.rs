//! What mappings can cost at most.

use std::time::Duration;

/// The longest time that one expression may take.
pub const EXPRESSION_TIME: Duration = Duration::from_millis(100);
/// The deepest nesting of an expression's evaluation.
pub const STACK_LEVELS_MAX: usize = 3000;
/// The longest sequence that an expression may make.
pub const SEQUENCE_MAX: usize = 20_000;
/// The longest text that `$pad` makes, in characters.
pub const PAD_CHARS_MAX: f64 = 65_536.0;
/// The largest number of which `$formatInteger` makes words or Roman numerals.
pub(crate) const FORMAT_INTEGER_MAX: f64 = 1e6;
/// The largest payload that goes through rules, in bytes.
pub const INPUT_BYTES_MAX: usize = 1 << 20;
/// The largest payload that rules may make, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Topics of which one way of a mapping remembers something; the one unused longest goes first.
pub const TOPICS_MAX: usize = 10_000;
/// Labels that `collect` keeps.
pub const LABELS_MAX: usize = 10_000;
/// Bytes of the payloads that `collect` keeps.
pub const COLLECT_BYTES_MAX: usize = 4 << 20;
/// Messages that `burst` gathers where its rule names no number.
pub const BURST_MAX: usize = 10_000;
/// Messages that are handed to a thread at once.
pub const BATCH_MAX: usize = 64;
/// Messages that wait for one way of a mapping; what comes beyond them is dropped and counted.
pub const WAITING_MAX: usize = 4096;
/// Threads that run rules.
pub const WORKERS_MAX: usize = 4;
/// Batches that wait for one thread; who brings more waits.
pub(crate) const JOBS_MAX: usize = 256;
/// The stack of such a thread: it is only used where values are nested deeply.
pub(crate) const WORKER_STACK_BYTES: usize = 64 << 20;
/// Messages of this node itself that a way takes in one second where it may feed itself.
pub const LOOP_RATE_MAX: u32 = 1000;
/// Errors of one mapping that are logged in one minute; the others are counted.
pub(crate) const LOGGED_PER_MINUTE: u32 = 5;
/// The longest text of an error that is kept.
pub(crate) const ERROR_CHARS_MAX: usize = 512;

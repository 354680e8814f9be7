//! The stable codes that this node gives to writes that it refuses or loses. A device's own codes
//! and those of the nodes below pass unchanged.

/// The principal may not write this datapoint.
pub const POLICY: &str = "policy";
/// The datapoint cannot be written at all.
pub const READ_ONLY: &str = "read_only";
/// The value is not of the datapoint's type.
pub const TYPE: &str = "type";
/// The value is outside the datapoint's limits.
pub const LIMITS: &str = "limits";
/// Nothing at this node carries out writes for the datapoint.
pub const NO_OWNER: &str = "no_owner";
/// Too many writes are open, here or for the device.
pub const BUSY: &str = "busy";
/// The write could not be committed, so it was not carried out.
pub const JOURNAL: &str = "journal";
/// The write passed more nodes than a path has.
pub const TOO_FAR: &str = "too_far";
/// The deadline passed before the write was handed over.
pub const DEADLINE: &str = "deadline";
/// The deadline passed after the write was handed over, without an outcome.
pub const NO_ANSWER: &str = "no_answer";
/// Whoever had the write gave it up without an outcome.
pub const LOST: &str = "lost";
/// The node stopped or crashed while the write was open.
pub const RESTARTED: &str = "restarted";
/// The request itself is not right; in explanations only.
pub const MALFORMED: &str = "malformed";
/// There is no such datapoint for who asks; in explanations only.
pub const UNKNOWN_NAME: &str = "unknown_name";

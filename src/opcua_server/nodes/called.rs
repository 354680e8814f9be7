//! What became of a call of a method.

use opcua::types::{StatusCode, Variant};

/// What became of a call.
pub(super) struct Called {
    pub(super) status: StatusCode,
    /// A status for each argument, where one is wrong.
    pub(super) arguments: Vec<StatusCode>,
    pub(super) outputs: Vec<Variant>,
}

impl Called {
    /// A status and nothing else.
    pub(super) fn of(status: StatusCode) -> Self {
        Self {
            status,
            arguments: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

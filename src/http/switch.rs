//! Switching a running part: a person with the right asks, it is noted, and the answer is empty.

use http::StatusCode;

use crate::Api;
use crate::auth::Caller;
use crate::parts::{PartError, Parts};
use crate::problem::{Code, Problem};

/// What is asked of which kind of part.
pub(crate) struct Switch {
    pub(crate) part: &'static str,
    pub(crate) verb: &'static str,
}

impl Switch {
    /// Does it for who may administer the node, and notes it whatever came of it.
    pub(crate) fn by(
        &self,
        api: &Api,
        caller: &Caller,
        name: &str,
        act: impl FnOnce(&dyn Parts) -> Result<(), PartError>,
    ) -> Result<StatusCode, Problem> {
        caller.need_admin()?;
        let done = act(&*api.parts);
        let outcome = if done.is_ok() { "done" } else { "refused" };
        api.note(
            caller,
            &format!("{}.{}", self.part, self.verb),
            name,
            outcome,
        );
        match done {
            Ok(()) => Ok(StatusCode::NO_CONTENT),
            Err(PartError::Unknown) => Err(unknown(self.part, name)),
            Err(error @ PartError::Busy(_)) => Err(Problem::new(Code::Conflict, error.to_string())),
        }
    }
}

/// There is no part of that name.
pub(crate) fn unknown(part: &str, name: &str) -> Problem {
    Problem::new(Code::UnknownName, format!("there is no {part} {name:?}"))
}

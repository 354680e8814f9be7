//! What can go wrong with tokens.

use std::io;
use std::path::PathBuf;

use super::{ADMIN_TOKEN_FILE, NAME_BYTES_MAX, TOKENS_MAX};

/// Why tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A file cannot be read.
    #[error("cannot read {path}: check that it belongs to the user that runs mainstem")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written; nothing was changed.
    #[error("cannot write {path}: check the disk's space and the folder's owner")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tokens' file is damaged.
    #[error(
        "{path} is damaged: restore it from a backup, or remove it to void all tokens and have a \
         new {ADMIN_TOKEN_FILE} made at the next start"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: serde_json::Error,
    },
    /// There is no such role.
    #[error("there is no role {0:?}: use admin, viewer, concentrator or one of the node file")]
    Role(String),
    /// A name that is empty, too long or taken.
    #[error("{0:?} cannot be a token's name: it has 1 to {NAME_BYTES_MAX} bytes and is not in use")]
    Name(String),
    /// There are too many already.
    #[error("there are {TOKENS_MAX} tokens already: revoke one first")]
    Full,
}

/// Why a token is not accepted. What is wrong with it is for the node's own audit, not for
/// whoever tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such token.
    #[error("the token is not valid")]
    Unknown,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// Its role is not in the configuration any more.
    #[error("the token's role does not exist any more")]
    NoRole,
    /// Too many failures from this address. A valid token is accepted nevertheless.
    #[error("too many failed logins: try again in {0} seconds")]
    Throttled(u64),
}

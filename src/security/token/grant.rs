//! What a token grants, and how it is listed.

use mainstem_model::{Name, Timestamp};

use super::Hash;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is, unique in the node.
    pub name: String,
    /// The role that it has.
    pub role: String,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The prefix below which its holder provides samples.
    pub provide: Option<Name>,
}

/// A token that the configuration declares, by the hash of its text.
#[derive(Clone, Debug)]
pub struct DeclaredToken {
    pub(crate) token: NewToken,
    pub(crate) hash: Hash,
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOrigin {
    /// It was made by the node and can be revoked.
    Node,
    /// It is declared in the configuration and ends there.
    Configuration,
}

/// A token as it is listed; its text is nowhere.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    /// The part of the token that may be shown.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// Its role.
    pub role: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// The prefix below which its holder provides samples.
    pub provide: Option<Name>,
    /// When it was last accepted since the start of the node.
    pub last_used: Option<Timestamp>,
    /// Where it comes from.
    pub origin: TokenOrigin,
}

impl DeclaredToken {
    /// The hash of a token's text.
    pub(crate) fn hash_of(text: &str) -> Hash {
        Hash::of(text)
    }

    /// Reads a hash; otherwise what was expected.
    pub(crate) fn parse_hash(text: &str) -> Result<Hash, &'static str> {
        text.parse()
    }

    /// What it is listed by: it has no public part.
    pub(super) fn id(&self) -> String {
        format!("config:{}", self.token.name)
    }
}

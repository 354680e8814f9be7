//! What a token grants, and how it is listed.

use mainstem_model::{Name, Timestamp};

use super::Hash;
use crate::AddressList;

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
    /// From where its holder may come.
    pub from: AddressList,
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
    /// From where its holder may come.
    pub from: AddressList,
    /// When it was last accepted since the start of the node.
    pub last_used: Option<Timestamp>,
    /// Where it comes from.
    pub origin: TokenOrigin,
}

impl DeclaredToken {
    /// A token whose text is known.
    pub fn from_text(token: NewToken, text: &str) -> Self {
        Self {
            token,
            hash: Hash::of(text),
        }
    }

    /// A token by `sha256:` and the hexadecimal digits of its text's hash; otherwise what was
    /// expected.
    pub fn from_hash(token: NewToken, hash: &str) -> Result<Self, &'static str> {
        Ok(Self {
            token,
            hash: hash.parse()?,
        })
    }

    /// What it is listed by: it has no public part.
    pub(super) fn id(&self) -> String {
        format!("config:{}", self.token.name)
    }
}

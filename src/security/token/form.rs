//! What a token looks like, and its hash.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "ms_";
const ID_DIGITS: usize = 8;
const SECRET_BYTES: usize = 32;
/// Base64 characters of the secret part.
const SECRET_CHARACTERS: usize = 43;

/// The SHA-256 of a token's whole text, written `sha256:<64 hex digits>`. The text holds 256
/// random bits, so a slow hash would add nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Compares in a time that does not depend on where the two differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(hidden)")
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected sha256: and 64 hex digits";
        let digits = text.strip_prefix("sha256:").ok_or(EXPECTED)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| EXPECTED)?;
        Ok(Self(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A new token: its public id and its whole text.
pub(super) fn fresh() -> (String, String) {
    let id = hex::encode(rand::random::<[u8; ID_DIGITS / 2]>());
    let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>());
    let text = format!("{PREFIX}{id}_{secret}");
    (id, text)
}

/// The public id in a text that has the form of a token.
pub(super) fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let formed = id.len() == ID_DIGITS && secret.len() == SECRET_CHARACTERS;
    formed.then_some(id)
}

//! The file that holds the hashes of the tokens.

use std::fs;
use std::io;
use std::path::Path;

use mainstem_journal::atomic_write;
use mainstem_model::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Hash, NewToken, PRIVATE, TokenError, fresh, id_of};
use crate::AddressList;

/// A token that the node has made.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) hash: Hash,
    pub(super) created: Timestamp,
    pub(super) token: NewToken,
}

impl Stored {
    pub(super) fn make(token: NewToken, created: Timestamp) -> (Self, String) {
        let (id, text) = fresh();
        (
            Self {
                id,
                hash: Hash::of(&text),
                created,
                token,
            },
            text,
        )
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    tokens: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    name: String,
    role: String,
    hash: Hash,
    created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provide: Option<Name>,
    #[serde(default, skip_serializing_if = "AddressList::is_everywhere")]
    from: AddressList,
}

pub(super) fn load(path: &Path) -> Result<Option<Vec<Stored>>, TokenError> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    let content: Content =
        serde_json::from_slice(&bytes).map_err(|source| TokenError::Damaged {
            path: path.to_owned(),
            source,
        })?;
    let stored = content.tokens.into_iter().map(|line| {
        let Line {
            id,
            name,
            role,
            hash,
            created,
            expires,
            provide,
            from,
        } = line;
        Stored {
            id,
            hash,
            created,
            token: NewToken {
                name,
                role,
                expires,
                provide,
                from,
            },
        }
    });
    Ok(Some(stored.collect()))
}

pub(super) fn save(path: &Path, stored: &[Stored]) -> Result<(), TokenError> {
    let tokens = stored.iter().map(|stored| {
        let NewToken {
            name,
            role,
            expires,
            provide,
            from,
        } = stored.token.clone();
        let (id, hash, created) = (stored.id.clone(), stored.hash.clone(), stored.created);
        Line {
            id,
            name,
            role,
            hash,
            created,
            expires,
            provide,
            from,
        }
    });
    let failed = |source| TokenError::Write {
        path: path.to_owned(),
        source,
    };
    let content = Content {
        tokens: tokens.collect(),
    };
    let bytes = serde_json::to_vec_pretty(&content).map_err(|error| failed(error.into()))?;
    atomic_write(path, &bytes, PRIVATE).map_err(failed)
}

/// The id of the token whose text lies in a file.
pub(super) fn waiting(path: &Path) -> Result<Option<String>, TokenError> {
    let bytes = read(path)?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| id_of(text.trim()).map(str::to_owned)))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, TokenError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TokenError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

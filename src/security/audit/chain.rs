//! The chain: each record holds the hash of the one before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::AuditRecord;

/// Bytes of one text of a record; longer ones are cut.
pub(super) const TEXT_BYTES_MAX: usize = 1024;
/// Bytes of one line. Each byte of a text takes at most six in JSON.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// The hash of a record, and what stands before the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) sequence: u64,
    pub(super) hash: [u8; 32],
}

impl Link {
    pub(super) const FIRST: Self = Self {
        sequence: 0,
        hash: [0; 32],
    };
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    at: Timestamp,
    principal: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    action: String,
    target: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
    prev: String,
}

/// Adds a record, with its line end, and returns the link to it.
pub(super) fn append(previous: Link, record: &AuditRecord, out: &mut Vec<u8>) -> io::Result<Link> {
    let line = Line {
        seq: previous.sequence + 1,
        at: record.at,
        principal: bounded(&record.principal),
        address: record.address.as_deref().map(bounded),
        action: bounded(&record.action),
        target: bounded(&record.target),
        outcome: bounded(&record.outcome),
        detail: bounded(&record.detail),
        prev: hex::encode(previous.hash),
    };
    let start = out.len();
    serde_json::to_writer(&mut *out, &line)?;
    let link = Link {
        sequence: line.seq,
        hash: Sha256::digest(&out[start..]).into(),
    };
    out.push(b'\n');
    Ok(link)
}

fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

/// The link to the record in a line; nothing if it is none.
pub(super) fn link_to(line: &[u8]) -> Option<Link> {
    let parsed: Line = serde_json::from_slice(line).ok()?;
    Some(Link {
        sequence: parsed.seq,
        hash: Sha256::digest(line).into(),
    })
}

/// What a file of the trail holds, when its chain is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The number of its first record; 0 if it has none.
    pub first: u64,
    /// The number of its last record.
    pub last: u64,
    /// The hash that its first record names: that of the last record of the file before.
    pub previous: String,
    /// The hash of its last record, which the first of the next file must name.
    pub hash: String,
}

/// Where a chain is broken.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The file cannot be read.
    #[error("cannot read the audit trail {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record does not continue the one before it.
    #[error("{path}, line {line}: {reason}; this record or the one before it was changed")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first line that does not fit, from 1.
        line: u64,
        /// What does not fit.
        reason: &'static str,
    },
}

/// Checks one file of the trail and names the first record that does not fit.
///
/// A chain shows changes before its end; that its end was cut off, only the next file or a copy
/// of [`Chain::hash`] kept elsewhere can show.
pub fn verify(path: &Path) -> Result<Chain, ChainError> {
    let failed = |source| ChainError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut chain: Option<(Chain, Link)> = None;
    for number in 1.. {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(failed)?;
        if line.is_empty() {
            break;
        }
        let broken = |reason| ChainError::Broken {
            path: path.to_owned(),
            line: number,
            reason,
        };
        let body = line
            .strip_suffix(b"\n")
            .ok_or_else(|| broken("the record is not complete"))?;
        let before = chain.as_ref().map(|(_, link)| *link);
        let (parsed, link) = follow(body, before).map_err(broken)?;
        let start = chain.map_or((parsed.seq, parsed.prev), |(known, _)| {
            (known.first, known.previous)
        });
        let hash = hex::encode(link.hash);
        chain = Some((
            Chain {
                first: start.0,
                last: link.sequence,
                previous: start.1,
                hash,
            },
            link,
        ));
    }
    let none = hex::encode(Link::FIRST.hash);
    let empty = || Chain {
        first: 0,
        last: 0,
        previous: none.clone(),
        hash: none.clone(),
    };
    Ok(chain.map_or_else(empty, |(chain, _)| chain))
}

fn follow(body: &[u8], before: Option<Link>) -> Result<(Line, Link), &'static str> {
    let parsed: Line = serde_json::from_slice(body).map_err(|_| "the line is no record")?;
    let link = Link {
        sequence: parsed.seq,
        hash: Sha256::digest(body).into(),
    };
    // The first record of a file names one of the file before; that of all names none.
    let before = match before {
        Some(before) => before,
        None if parsed.seq == 1 => Link::FIRST,
        None => return Ok((parsed, link)),
    };
    if parsed.seq != before.sequence + 1 {
        return Err("the record's number does not follow");
    }
    if parsed.prev != hex::encode(before.hash) {
        return Err("the record does not hold the hash of the one before it");
    }
    Ok((parsed, link))
}

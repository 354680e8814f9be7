//! A reader's place in a node's feed, and the epoch that it belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One life of a feed. The counter is persisted and grows with every start; the random part tells
/// apart two lives that a restored backup gave the same counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct Epoch {
    /// Starts of this node so far.
    pub counter: u32,
    /// Fresh random bits of this start.
    pub random: u64,
}

/// A place in the feed of one node, valid only there. Opaque to readers: its text is not to be
/// taken apart by anybody but the node that issued it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The feed's life.
    pub epoch: Epoch,
    /// The last entry that was read.
    pub sequence: u64,
    /// A hash of what the reader asked to see.
    pub filter: u32,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this API: read without `since` to get one")]
pub struct CursorError;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:016x}", self.counter, self.random)
    }
}

impl FromStr for Epoch {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (counter, random) = text.split_once('-').ok_or(CursorError)?;
        Ok(Self {
            counter: u32::from_str_radix(counter, 16).map_err(|_| CursorError)?,
            random: u64::from_str_radix(random, 16).map_err(|_| CursorError)?,
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}-{:x}", self.epoch, self.sequence, self.filter)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.rsplitn(3, '-');
        let mut hex = || {
            parts
                .next()
                .and_then(|part| u64::from_str_radix(part, 16).ok())
        };
        let filter = hex()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or(CursorError)?;
        let sequence = hex().ok_or(CursorError)?;
        let epoch = parts.next().ok_or(CursorError)?.parse()?;
        Ok(Self {
            epoch,
            sequence,
            filter,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back() {
        let epoch = Epoch {
            counter: 7,
            random: u64::MAX - 1,
        };
        let cursor = Cursor {
            epoch,
            sequence: u64::MAX,
            filter: 0xdead_beef,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "-", "1-2", "1-2-3", "x-1-2-3", "1-2-3-1ffffffff"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}

//! Digests of datapoints, by which two nodes find out what they have in common. Both ends work them
//! out from what they have, so the algorithm is part of the protocol (section 22).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mainstem_model::{Definition, NodeId, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The feature of a node that leaves out of a snapshot what the reader has already.
pub const FEATURE_DIGEST: &str = "digest";
/// Buckets of one comparison.
pub const DIGEST_BUCKETS_MAX: usize = 4096;

/// Fewer save nothing: so many are a kilobyte.
const BUCKETS_MIN: usize = 64;
/// Datapoints per bucket that a reader aims at.
const BUCKET_POINTS: usize = 16;
const START: u64 = 0x6d61_696e_7374_656d;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of words and texts. It is for chance, not against malice: who lies about what it has
/// harms only its own copy.
#[derive(Clone, Copy, Debug)]
pub struct Hasher(u64);

impl Hasher {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(START)
    }

    /// With a word of 64 bits.
    #[must_use]
    pub fn word(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(FACTOR);
        Self(mixed ^ (mixed >> 32))
    }

    /// With bytes: their count, then words of eight, the last one filled with zeros.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut hasher = self.word(bytes.len() as u64);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            hasher = hasher.word(u64::from_le_bytes(word));
        }
        hasher
    }

    /// With a value.
    #[must_use]
    pub fn value(self, value: Option<&Value>) -> Self {
        let Some(value) = value else {
            return self.word(0);
        };
        match value {
            Value::Bool(value) => self.word(1).word(u64::from(*value)),
            Value::Int(value) => self.word(2).word(value.cast_unsigned()),
            Value::UInt(value) => self.word(3).word(*value),
            // There are many NaN, and one on the wire.
            Value::F32(value) if value.is_nan() => self.word(4).word(u64::MAX),
            Value::F32(value) => self.word(4).word(u64::from(value.to_bits())),
            Value::F64(value) if value.is_nan() => self.word(5).word(u64::MAX),
            Value::F64(value) => self.word(5).word(value.to_bits()),
            Value::Text(text) => self.word(6).bytes(text.as_bytes()),
            Value::Bytes(bytes) => self.word(7).bytes(bytes),
            Value::Time(time) => self.word(8).word(time.micros().cast_unsigned()),
            Value::Json(text) => self.word(9).bytes(text.as_bytes()),
            Value::Array(items) => items
                .iter()
                .fold(self.word(10).word(items.len() as u64), |hasher, item| {
                    hasher.value(Some(item))
                }),
        }
    }

    /// The hash.
    pub fn end(self) -> u64 {
        self.word(0).word(0).0
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of a name; the last bits of it are the number of the name's bucket.
pub fn hash_name(name: &str) -> u64 {
    Hasher::new().bytes(name.as_bytes()).end()
}

/// The hash of a source: its node and name below its parent's hash, 0 for none.
pub fn hash_source(parent: u64, node: NodeId, name: &str) -> u64 {
    let (high, low) = node.0.as_u64_pair();
    let hasher = Hasher::new().word(parent).word(high).word(low);
    hasher.bytes(name.as_bytes()).end()
}

/// The hash of a type.
pub fn hash_type(definition: &Definition) -> u64 {
    let word = definition.value_type.to_string();
    Hasher::new().bytes(word.as_bytes()).end()
}

/// The hash of a definition.
pub fn hash_definition(definition: &Definition) -> u64 {
    let bound = |hasher: Hasher, bound: Option<f64>| match bound {
        Some(bound) => hasher.word(1).word(bound.to_bits()),
        None => hasher.word(0),
    };
    let hasher = Hasher::new()
        .word(hash_type(definition))
        .bytes(definition.unit.as_deref().unwrap_or_default().as_bytes())
        .bytes(
            definition
                .description
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        )
        .bytes(definition.access.as_str().as_bytes());
    match definition.limits {
        Some(limits) => bound(bound(hasher.word(1), limits.min), limits.max).end(),
        None => hasher.word(0).end(),
    }
}

/// What one end has, by buckets: the sum of the hashes of the datapoints in each.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Digests {
    /// Of numbers, names, sources and definitions.
    pub define: Vec<u64>,
    /// Of the latest samples.
    pub rows: Vec<u64>,
}

/// Digests as a body of `POST /api/v1/changes`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DigestBody {
    /// How many buckets: a power of two, at most 4096.
    #[schema(minimum = 1, maximum = 4096)]
    pub buckets: u32,
    /// The digests of definitions: 8 bytes for each bucket, little endian, as base64.
    #[schema(max_length = 43_692)]
    pub define: String,
    /// The digests of samples, likewise.
    #[schema(max_length = 43_692)]
    pub rows: String,
}

/// Which buckets are equal at both ends, and so left out: a bit for each, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameFrame {
    /// How many buckets.
    pub buckets: u32,
    /// Those whose definitions are left out, as base64.
    pub define: String,
    /// Those whose rows are left out.
    pub rows: String,
}

/// Digests that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No number of buckets.
    #[error("{0} buckets: a power of two is expected, {DIGEST_BUCKETS_MAX} at most")]
    Buckets(u32),
    /// Not base64, or of another length.
    #[error("`{0}` is not the base64 of what {1} buckets have")]
    Length(&'static str, u32),
}

impl Digests {
    /// Nothing in so many buckets.
    pub fn empty(buckets: usize) -> Self {
        Self {
            define: vec![0; buckets],
            rows: vec![0; buckets],
        }
    }

    /// How many buckets a reader with so many datapoints asks for.
    pub fn buckets_for(points: usize) -> usize {
        let wanted = (points / BUCKET_POINTS).next_power_of_two();
        wanted.clamp(BUCKETS_MIN, DIGEST_BUCKETS_MAX)
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.define.len()
    }

    /// The bucket of a name, by its hash.
    pub fn bucket(&self, hash: u64) -> usize {
        bucket_of(hash, self.buckets())
    }

    /// As a body.
    pub fn to_body(&self) -> DigestBody {
        let text = |words: &[u64]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            STANDARD.encode(bytes)
        };
        DigestBody {
            buckets: u32::try_from(self.buckets()).unwrap_or(0),
            define: text(&self.define),
            rows: text(&self.rows),
        }
    }

    /// From a body.
    pub fn from_body(body: &DigestBody) -> Result<Self, DigestError> {
        let buckets = checked(body.buckets)?;
        let words = |text: &str, member| {
            let bytes = exactly(text, buckets * 8);
            let bytes = bytes.ok_or(DigestError::Length(member, body.buckets))?;
            let words = bytes.chunks_exact(8).map(|word| {
                word.iter()
                    .rev()
                    .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
            });
            Ok(words.collect())
        };
        Ok(Self {
            define: words(&body.define, "define")?,
            rows: words(&body.rows, "rows")?,
        })
    }

    /// Which buckets are equal in both.
    pub fn same(&self, other: &Self) -> Same {
        let equal =
            |ours: &[u64], theirs: &[u64]| ours.iter().zip(theirs).map(|(a, b)| a == b).collect();
        Same {
            define: equal(&self.define, &other.define),
            rows: equal(&self.rows, &other.rows),
        }
    }
}

/// Which buckets are equal.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Same {
    /// In their definitions.
    pub define: Vec<bool>,
    /// In their samples.
    pub rows: Vec<bool>,
}

impl Same {
    /// Whether the definition and the sample of a name are in buckets that are equal.
    pub fn of(&self, name: &str) -> (bool, bool) {
        let bucket = bucket_of(hash_name(name), self.define.len());
        let is = |bits: &[bool]| bits.get(bucket).copied().unwrap_or(false);
        (is(&self.define), is(&self.rows))
    }

    /// As a member of a line.
    pub fn to_frame(&self) -> SameFrame {
        let text = |bits: &[bool]| {
            let byte = |bits: &[bool]| {
                let bit = |sum, bit: &bool| (sum << 1) | u8::from(*bit);
                bits.iter().rev().fold(0, bit)
            };
            STANDARD.encode(bits.chunks(8).map(byte).collect::<Vec<u8>>())
        };
        SameFrame {
            buckets: u32::try_from(self.define.len()).unwrap_or(0),
            define: text(&self.define),
            rows: text(&self.rows),
        }
    }

    /// From a member of a line.
    pub fn from_frame(frame: &SameFrame) -> Result<Self, DigestError> {
        let buckets = checked(frame.buckets)?;
        let bits = |text: &str, member| {
            let bytes = exactly(text, buckets.div_ceil(8));
            let bytes = bytes.ok_or(DigestError::Length(member, frame.buckets))?;
            let bit = |at: usize| bytes[at / 8] >> (at % 8) & 1 == 1;
            Ok((0..buckets).map(bit).collect())
        };
        Ok(Self {
            define: bits(&frame.define, "define")?,
            rows: bits(&frame.rows, "rows")?,
        })
    }
}

/// The number of buckets is a power of two.
fn bucket_of(hash: u64, buckets: usize) -> usize {
    usize::try_from(hash & (buckets as u64).wrapping_sub(1)).unwrap_or(0)
}

fn checked(buckets: u32) -> Result<usize, DigestError> {
    let count = usize::try_from(buckets).unwrap_or(usize::MAX);
    if count.is_power_of_two() && count <= DIGEST_BUCKETS_MAX {
        return Ok(count);
    }
    Err(DigestError::Buckets(buckets))
}

fn exactly(text: &str, length: usize) -> Option<Vec<u8>> {
    // Looked at before anything is decoded, so that a long text costs nothing.
    if text.len() != length.div_ceil(3) * 4 {
        return None;
    }
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(buckets: usize) -> Digests {
        let word = |at: usize| hash_name(&at.to_string());
        Digests {
            define: (0..buckets).map(word).collect(),
            rows: (0..buckets).map(|at| word(at + buckets)).collect(),
        }
    }

    #[test]
    fn digests_come_back() {
        for buckets in [1, 2, 8, 64, DIGEST_BUCKETS_MAX] {
            let sent = digests(buckets);
            assert_eq!(Digests::from_body(&sent.to_body()).as_ref(), Ok(&sent));
            let mut other = sent.clone();
            other.rows[buckets / 2] ^= 1;
            other.define[0] ^= 1 << 63;
            let same = sent.same(&other);
            assert_eq!(Same::from_frame(&same.to_frame()).as_ref(), Ok(&same));
            let differing = |bits: &[bool]| bits.iter().filter(|bit| !**bit).count();
            assert_eq!((differing(&same.define), differing(&same.rows)), (1, 1));
        }
    }

    #[test]
    fn what_is_too_many_or_of_another_length_is_refused() {
        for buckets in [0, 3, 4095, 8192, u32::MAX] {
            let mut body = digests(4).to_body();
            body.buckets = buckets;
            assert_eq!(
                Digests::from_body(&body),
                Err(DigestError::Buckets(buckets))
            );
        }
        for text in ["", "AAAA", "!!!!", &"A".repeat(1 << 20)] {
            let mut body = digests(4).to_body();
            body.rows = text.to_owned();
            let length = Err(DigestError::Length("rows", 4));
            assert_eq!(Digests::from_body(&body), length);
        }
    }

    /// The numbers stand in the protocol's text: another implementation checks itself by them.
    #[test]
    fn hashes_are_those_of_the_text() {
        assert_eq!(format!("{:016x}", hash_name("")), "5ee17f145fb0ade5");
        let name = format!("{:016x}", hash_name("plc.temperature"));
        assert_eq!(name, "27356b2693f5a612");
    }
}

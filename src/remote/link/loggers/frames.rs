//! Bytes of an answer as whole frames, with what is left over kept for the next chunk. Pure.

use bytes::{Buf, Bytes, BytesMut};
use mainstem_wire::LOG_FRAME_BYTES_MAX;

/// Length and checksum before the content.
const HEAD_BYTES: usize = 8;

/// Splits an answer into frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    carry: BytesMut,
}

/// A frame that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Frames {
    /// Takes a chunk in.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.carry.extend_from_slice(chunk);
    }

    /// The next whole frame, its head included.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        if self.carry.len() < HEAD_BYTES {
            return Ok(None);
        }
        let mut head = &self.carry[..HEAD_BYTES];
        let length = head.get_u32_le() as usize;
        if length > LOG_FRAME_BYTES_MAX {
            return Err(TooLong);
        }
        let whole = self.carry.len() >= HEAD_BYTES + length;
        Ok(whole.then(|| self.carry.split_to(HEAD_BYTES + length).freeze()))
    }

    /// Whether nothing is left over.
    pub(super) fn is_empty(&self) -> bool {
        self.carry.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_wherever_they_are_cut() {
        let mut text = Vec::new();
        for length in [0_u32, 1, 300, 7] {
            text.extend_from_slice(&length.to_le_bytes());
            text.extend_from_slice(&[0; 4]);
            text.extend(std::iter::repeat_n(
                length.to_le_bytes()[0],
                length as usize,
            ));
        }
        for size in 1..text.len() {
            let (mut frames, mut lengths) = (Frames::default(), Vec::new());
            for chunk in text.chunks(size) {
                frames.push(chunk);
                while let Some(frame) = frames.next().unwrap() {
                    lengths.push(frame.len() - HEAD_BYTES);
                }
            }
            assert_eq!(lengths, [0, 1, 300, 7], "chunks of {size}");
            assert!(frames.is_empty());
        }
        let mut frames = Frames::default();
        frames.push(&[0xff; 8]);
        assert_eq!(frames.next(), Err(TooLong));
    }
}

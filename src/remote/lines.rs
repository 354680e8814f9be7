//! Bytes of a stream as lines, with what is left over kept for the next chunk.

use std::io;

use mainstem_wire::LINE_BYTES_MAX;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// Bytes that one step of decompression may give.
const STEP_BYTES: usize = 64 * 1024;

/// Splits a stream into whole lines.
pub(crate) struct Lines {
    carry: Vec<u8>,
    decoder: Option<Decoder<'static>>,
}

/// Why a stream's bytes cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinesError {
    /// No line feed in sight.
    #[error("the remote sends a line of more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The compressed stream is damaged.
    #[error("the remote's compressed stream is damaged")]
    Compressed(#[source] io::Error),
}

impl Lines {
    /// For a plain or a compressed stream.
    pub(crate) fn new(is_compressed: bool) -> Result<Self, LinesError> {
        let decoder = is_compressed.then(Decoder::new).transpose();
        Ok(Self {
            carry: Vec::new(),
            decoder: decoder.map_err(LinesError::Compressed)?,
        })
    }

    /// Gives each whole line to a visitor. What is not whole yet waits.
    pub(crate) fn push<E: From<LinesError>>(
        &mut self,
        chunk: &[u8],
        mut visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(mut decoder) = self.decoder.take() else {
            return self.split(chunk, &mut visit);
        };
        let mut input = InBuffer::around(chunk);
        let mut step = vec![0; STEP_BYTES];
        loop {
            let mut output = OutBuffer::around(step.as_mut_slice());
            decoder
                .run(&mut input, &mut output)
                .map_err(LinesError::Compressed)?;
            let written = output.pos();
            if written > 0 {
                self.split(&step[..written], &mut visit)?;
            }
            if input.pos() == chunk.len() && written < STEP_BYTES {
                break;
            }
        }
        self.decoder = Some(decoder);
        Ok(())
    }

    fn split<E: From<LinesError>>(
        &mut self,
        chunk: &[u8],
        visit: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(last) = memchr::memrchr(b'\n', chunk) else {
            return self.keep(chunk);
        };
        let (mut whole, rest) = chunk.split_at(last + 1);
        if !self.carry.is_empty() {
            let first = memchr::memchr(b'\n', whole).unwrap_or(last);
            self.carry.extend_from_slice(&whole[..first]);
            let line = std::mem::take(&mut self.carry);
            visit(&line)?;
            self.carry = line;
            self.carry.clear();
            whole = &whole[first + 1..];
        }
        for line in memchr::memchr_iter(b'\n', whole).scan(0, |from, at| {
            let line = &whole[*from..at];
            *from = at + 1;
            Some(line)
        }) {
            if !line.is_empty() {
                visit(line)?;
            }
        }
        self.keep(rest)
    }

    fn keep<E: From<LinesError>>(&mut self, rest: &[u8]) -> Result<(), E> {
        if self.carry.len() + rest.len() > LINE_BYTES_MAX {
            return Err(LinesError::TooLong.into());
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(lines: &mut Lines, chunks: &[&[u8]]) -> Result<Vec<String>, LinesError> {
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |line| {
                found.push(String::from_utf8(line.to_vec()).unwrap());
                Ok::<(), LinesError>(())
            })?;
        }
        Ok(found)
    }

    #[test]
    fn lines_come_whole_wherever_they_are_cut() {
        let text = b"{\"a\":1}\n\n{\"bb\":2}\n{\"c\":3}\n";
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            let mut lines = Lines::new(false).unwrap();
            let found = collect(&mut lines, &chunks).unwrap();
            let found: Vec<&String> = found.iter().filter(|line| !line.is_empty()).collect();
            assert_eq!(
                found,
                ["{\"a\":1}", "{\"bb\":2}", "{\"c\":3}"],
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::new(false).unwrap();
        let chunk = vec![b'x'; LINE_BYTES_MAX];
        assert!(collect(&mut lines, &[&chunk]).is_ok());
        assert!(collect(&mut lines, &[b"x"]).is_err());
    }

    #[test]
    fn a_compressed_stream_is_read_as_it_comes() {
        let text: String = (0..10_000).map(|i| format!("{{\"line\":{i}}}\n")).collect();
        let packed = zstd::bulk::compress(text.as_bytes(), 1).unwrap();
        let mut lines = Lines::new(true).unwrap();
        let chunks: Vec<&[u8]> = packed.chunks(7).collect();
        assert_eq!(collect(&mut lines, &chunks).unwrap().len(), 10_000);
        assert!(collect(&mut Lines::new(true).unwrap(), &[b"garbage"]).is_err());
    }

    #[test]
    fn a_bomb_stays_small() {
        let packed = zstd::bulk::compress(&vec![b'x'; 64 << 20], 1).unwrap();
        let mut lines = Lines::new(true).unwrap();
        assert!(matches!(
            collect(&mut lines, &[&packed]),
            Err(LinesError::TooLong)
        ));
    }
}

//! Bytes into records, in any pieces: a line each, or several where a quoted cell goes over lines.

/// Bytes of one record.
pub(super) const RECORD_BYTES_MAX: usize = 256 << 10;

/// What a body is made of so far.
#[derive(Default)]
pub(super) struct Split {
    carry: Vec<u8>,
    /// Whether quotes join lines, as in tables.
    quotes: bool,
    is_quoted: bool,
    /// Lines ended so far.
    lines: u64,
    /// The line with which the record began that is being read.
    began: u64,
    /// Whether the rest of a record that is too long is passed over.
    skips: bool,
}

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The number of its first line, from 1.
    pub(super) line: u64,
    /// Its bytes without the line feed; nothing if there were too many.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Split {
    pub(super) fn new(quotes: bool) -> Self {
        Self {
            quotes,
            ..Self::default()
        }
    }

    /// Lines read.
    pub(super) fn lines(&self) -> u64 {
        self.lines + u64::from(!self.carry.is_empty())
    }

    /// Takes a piece and appends the records that it ends.
    pub(super) fn take(&mut self, piece: &[u8], records: &mut Vec<Record>) {
        let mut from = 0;
        for at in memchr::memchr2_iter(b'\n', b'"', piece) {
            if piece[at] == b'"' {
                self.is_quoted ^= self.quotes;
                continue;
            }
            self.lines += 1;
            if !self.is_quoted {
                self.keep(&piece[from..at]);
                from = at + 1;
                records.push(self.end());
            }
        }
        self.keep(&piece[from..]);
    }

    /// What stands behind the last line feed.
    pub(super) fn rest(&mut self, records: &mut Vec<Record>) {
        if !self.carry.is_empty() || self.skips {
            self.lines += 1;
            let record = self.end();
            records.push(record);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.carry.len() + bytes.len() > RECORD_BYTES_MAX {
            (self.skips, self.carry) = (true, Vec::new());
        }
        if !self.skips {
            self.carry.extend_from_slice(bytes);
        }
    }

    fn end(&mut self) -> Record {
        let line = self.began + 1;
        self.began = self.lines;
        self.is_quoted = false;
        let mut bytes = std::mem::take(&mut self.carry);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Record {
            line,
            bytes: (!std::mem::take(&mut self.skips)).then_some(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_give_the_same_records() {
        let body = b"a,b\r\n1,\"x\ny\"\"z\"\n\n2,3";
        let wanted = [(1, "a,b"), (2, "1,\"x\ny\"\"z\""), (4, ""), (5, "2,3")];
        for length in 1..body.len() {
            let (mut split, mut records) = (Split::new(true), Vec::new());
            body.chunks(length)
                .for_each(|piece| split.take(piece, &mut records));
            split.rest(&mut records);
            let told: Vec<_> = records
                .into_iter()
                .map(|record| {
                    (
                        record.line,
                        String::from_utf8(record.bytes.unwrap()).unwrap(),
                    )
                })
                .collect();
            let told: Vec<_> = told
                .iter()
                .map(|(line, text)| (*line, text.as_str()))
                .collect();
            assert_eq!(told, wanted, "{length}");
            assert_eq!(split.lines(), 5);
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_told_and_passed_over() {
        let (mut split, mut records) = (Split::new(true), Vec::new());
        let long = vec![b'x'; RECORD_BYTES_MAX + 1];
        split.take(&long, &mut records);
        split.take(b"yz\nnext\n", &mut records);
        assert_eq!(
            records[0],
            Record {
                line: 1,
                bytes: None
            }
        );
        assert_eq!(
            records[1],
            Record {
                line: 2,
                bytes: Some(b"next".to_vec())
            }
        );
    }
}

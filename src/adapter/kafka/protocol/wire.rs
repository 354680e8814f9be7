//! Numbers, texts and lists as Kafka writes them.

/// What came is not what the protocol has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

const SHORT: Malformed = Malformed("the answer ends too early");

/// Reads from bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, Malformed> {
        self.array().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// A text, or null.
    pub(crate) fn nullable_text(&mut self) -> Result<Option<&'a str>, Malformed> {
        let length = self.i16()?;
        let Ok(length) = usize::try_from(length) else {
            return Ok(None);
        };
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a text is no UTF-8"))?;
        Ok(Some(text))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        self.nullable_text()?.ok_or(Malformed("a text is missing"))
    }

    /// Bytes; null counts as none.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.i32()?).unwrap_or(0);
        self.take(length)
    }

    /// How many items a list has; null counts as none. No item is empty, so that more than there
    /// are bytes cannot be.
    pub(crate) fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.i32()?).unwrap_or(0);
        match count <= self.rest.len() {
            true => Ok(count),
            false => Err(Malformed("a list has more items than the answer has bytes")),
        }
    }

    /// A number of variable length, zigzag.
    pub(crate) fn varint(&mut self) -> Result<i64, Malformed> {
        let mut raw = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.array::<1>()?[0];
            raw |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()));
            }
        }
        Err(Malformed("a number is longer than a number can be"))
    }

    /// Bytes behind a variable length; -1 is null.
    pub(crate) fn var_bytes(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// Appends what goes to a broker.
pub(crate) trait Write {
    fn put(&mut self, bytes: &[u8]);

    fn put_i8(&mut self, number: i8) {
        self.put(&number.to_be_bytes());
    }

    fn put_i16(&mut self, number: i16) {
        self.put(&number.to_be_bytes());
    }

    fn put_i32(&mut self, number: i32) {
        self.put(&number.to_be_bytes());
    }

    fn put_i64(&mut self, number: i64) {
        self.put(&number.to_be_bytes());
    }

    /// A length or count. What is sent is bounded far below what does not fit.
    fn put_len(&mut self, length: usize) {
        self.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    }

    fn put_text(&mut self, text: &str) {
        self.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        self.put(text.as_bytes());
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_len(bytes.len());
        self.put(bytes);
    }

    fn put_varint(&mut self, number: i64) {
        let mut raw = ((number << 1) ^ (number >> 63)).cast_unsigned();
        while raw >= 0x80 {
            self.put(&[(raw & 0x7f) as u8 | 0x80]);
            raw >>= 7;
        }
        self.put(&[raw as u8]);
    }

    fn put_var_bytes(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.put_varint(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
                self.put(bytes);
            }
            None => self.put_varint(-1),
        }
    }
}

impl Write for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Write};

    #[test]
    fn numbers_of_variable_length_come_back() {
        for number in [0, 1, -1, 63, 64, -64, -65, 300, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            bytes.put_varint(number);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.varint(), Ok(number));
            assert_eq!(reader.remaining(), 0);
        }
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
    }

    #[test]
    fn lists_are_no_longer_than_the_answer() {
        assert!(Reader::new(&[0x7f, 0xff, 0xff, 0xff, 1]).count().is_err());
        assert_eq!(Reader::new(&[0xff; 4]).count(), Ok(0));
        assert!(Reader::new(&[0, 0, 0, 9, 1]).bytes().is_err());
        assert!(Reader::new(&[0, 2, 0xff, 0xff]).text().is_err());
    }
}

//! A stream of documents, one part after the other, however its bytes arrive. Pure.

/// Bytes of the longest document.
pub(super) const PART_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of what stands before a document.
const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Characters of a boundary.
const BOUNDARY_MAX: usize = 200;

/// What came is no such stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub(super) &'static str);

/// The parts of a stream.
#[derive(Debug)]
pub(super) struct Parts {
    boundary: Vec<u8>,
    bytes: Vec<u8>,
    /// The length of the part that has begun, once its header has been read.
    body: Option<Body>,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Of(usize),
    /// Up to the next boundary.
    Unknown,
}

impl Parts {
    /// For a stream with this `Content-Type`.
    pub(super) fn new(content_type: &str) -> Result<Self, Broken> {
        let lower = content_type.to_ascii_lowercase();
        let at = lower.find("boundary=");
        let at = at.filter(|_| lower.starts_with("multipart/"));
        let at = at.ok_or(Broken("the answer is no stream of parts"))?;
        let text = content_type[at + "boundary=".len()..].split(';').next();
        let text = text.unwrap_or_default().trim().trim_matches('"');
        if text.is_empty() || text.len() > BOUNDARY_MAX {
            return Err(Broken("the stream names no boundary"));
        }
        Ok(Self {
            boundary: format!("--{}", text.trim_start_matches("--")).into_bytes(),
            bytes: Vec::new(),
            body: None,
        })
    }

    /// Takes bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.bytes.len() + bytes.len() > PART_BYTES_MAX + HEADER_BYTES_MAX {
            return Err(Broken("a document of the stream is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole document.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let body = match self.body {
            Some(body) => body,
            None => match self.header()? {
                Some(body) => *self.body.insert(body),
                None => return Ok(None),
            },
        };
        let length = match body {
            Body::Of(length) if self.bytes.len() >= length => length,
            Body::Of(_) => return Ok(None),
            Body::Unknown => match find(&self.bytes, &self.boundary) {
                Some(length) => length,
                None => return Ok(None),
            },
        };
        self.body = None;
        let rest = self.bytes.split_off(length);
        Ok(Some(std::mem::replace(&mut self.bytes, rest)))
    }

    fn header(&mut self) -> Result<Option<Body>, Broken> {
        let Some(begin) = find(&self.bytes, &self.boundary) else {
            return match self.bytes.len() > HEADER_BYTES_MAX {
                true => Err(Broken("the stream has no boundary where one is due")),
                false => Ok(None),
            };
        };
        let head = &self.bytes[begin + self.boundary.len()..];
        let end = find(head, b"\r\n\r\n").map(|end| (end, end + 4));
        let end = end.or_else(|| find(head, b"\n\n").map(|end| (end, end + 2)));
        let Some((end, behind)) = end else {
            return match head.len() > HEADER_BYTES_MAX {
                true => Err(Broken("what stands before a document is too long")),
                false => Ok(None),
            };
        };
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let body = match length.map(|length| length.trim().parse::<usize>()) {
            None => Body::Unknown,
            Some(Ok(length)) if length <= PART_BYTES_MAX => Body::Of(length),
            Some(_) => return Err(Broken("a document of the stream is too long")),
        };
        let used = begin + self.boundary.len() + behind;
        self.bytes.drain(..used);
        Ok(Some(body))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/x-mixed-replace;boundary=abc";

    fn all(type_of: &str, stream: &[u8], step: usize) -> Result<Vec<Vec<u8>>, Broken> {
        let (mut parts, mut found) = (Parts::new(type_of)?, Vec::new());
        for chunk in stream.chunks(step) {
            parts.push(chunk)?;
            while let Some(part) = parts.next()? {
                found.push(part);
            }
        }
        Ok(found)
    }

    #[test]
    fn parts_come_in_any_pieces() {
        let stream =
            b"--abc\r\nContent-type: text/xml\r\nContent-length: 5\r\n\r\n<a/>\n\r\n\r\n--abc\r\n\
            Content-length: 4\r\n\r\n<b/>\r\n--abc--\r\n";
        for step in 1..stream.len() {
            let found = all(TYPE, stream, step).unwrap();
            assert_eq!(found, [b"<a/>\n".to_vec(), b"<b/>".to_vec()], "{step}");
        }
    }

    #[test]
    fn a_part_without_a_length_ends_at_the_next() {
        let stream = b"--abc\n\n<a/>\n--abc\n\n<b/>\n--abc\n";
        assert_eq!(
            all(TYPE, stream, 3).unwrap(),
            [b"<a/>\n".to_vec(), b"<b/>\n".to_vec()]
        );
    }

    #[test]
    fn streams_without_measure_are_refused() {
        assert!(Parts::new("text/xml").is_err());
        assert!(Parts::new("multipart/x-mixed-replace").is_err());
        assert!(all(TYPE, &[b'x'; 100_000], 1000).is_err());
        assert!(all(TYPE, b"--abc\nContent-length: 99999999999\n\n", 7).is_err());
        assert!(all(TYPE, b"--abc\nContent-length: -1\n\n", 7).is_err());
        let long = [b"--abc\n".to_vec(), vec![b'h'; 50_000]].concat();
        assert!(all(TYPE, &long, 1000).is_err());
        let endless = [b"--abc\n\n".to_vec(), vec![b'x'; PART_BYTES_MAX + 9000]].concat();
        assert!(all(TYPE, &endless, 100_000).is_err());
    }
}

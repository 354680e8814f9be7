//! The CIP services of Logix controllers: requests, and what their answers hold. Pure.

use crate::codec::Payload;
use crate::data_type::STRUCTURE;

/// Reads a tag.
pub(crate) const READ: u8 = 0x4C;
/// Reads a part of a tag that is longer than an answer.
pub(crate) const READ_PART: u8 = 0x52;
/// Writes a tag.
pub(crate) const WRITE: u8 = 0x4D;
/// Changes bits of an integer, at once.
pub(crate) const MODIFY: u8 = 0x4E;
/// Several requests in one.
pub(crate) const SEVERAL: u8 = 0x0A;
/// Reads one attribute of an object.
pub(crate) const ATTRIBUTE: u8 = 0x0E;
/// The bit that tells an answer from a request.
const ANSWER: u8 = 0x80;
/// Done.
pub(crate) const DONE: u8 = 0x00;
/// The answer did not fit; of a part: there is more.
pub(crate) const MORE: u8 = 0x06;
/// One of several requests failed.
pub(crate) const SOME_FAILED: u8 = 0x1E;
/// Bytes of a request for several, and for each of them, that are no request.
pub(crate) const SEVERAL_OVERHEAD: (usize, usize) = (8, 2);
/// Bytes of an answer that are no data: service, status; and type and handle of what was read.
pub(crate) const ANSWER_OVERHEAD: usize = 8;

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The general status.
    pub(crate) general: u8,
    /// The first word of the extended status, or 0.
    pub(crate) extended: u16,
}

/// An answer, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The service it belongs to.
    pub(crate) service: u8,
    /// How it ended.
    pub(crate) status: Status,
    /// What follows.
    pub(crate) data: &'a [u8],
}

fn request(service: u8, path: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut request = vec![service];
    request.extend(path);
    for part in parts {
        request.extend(*part);
    }
    request
}

/// The request to read elements of a tag.
pub(crate) fn read(path: &[u8], count: u16) -> Vec<u8> {
    request(READ, path, &[&count.to_le_bytes()])
}

/// The request to read elements of a tag from a byte on.
pub(crate) fn read_part(path: &[u8], count: u16, offset: u32) -> Vec<u8> {
    request(
        READ_PART,
        path,
        &[&count.to_le_bytes(), &offset.to_le_bytes()],
    )
}

/// The request to write elements; of a structure its handle goes with the type.
pub(crate) fn write(path: &[u8], code: u16, handle: u16, count: u16, bytes: &[u8]) -> Vec<u8> {
    let handle = handle.to_le_bytes();
    let handle: &[u8] = if code == STRUCTURE { &handle } else { &[] };
    request(
        WRITE,
        path,
        &[&code.to_le_bytes(), handle, &count.to_le_bytes(), bytes],
    )
}

/// The request to change bits.
pub(crate) fn modify(path: &[u8], or: &[u8], and: &[u8]) -> Vec<u8> {
    let size = u16::try_from(or.len()).unwrap_or(u16::MAX);
    request(MODIFY, path, &[&size.to_le_bytes(), or, and])
}

/// The request for the vendor of whatever stands there: a sign of life.
pub(crate) fn identity() -> Vec<u8> {
    request(ATTRIBUTE, &[3, 0x20, 1, 0x24, 1, 0x30, 1], &[])
}

/// Several requests in one.
pub(crate) fn several(requests: &[&[u8]]) -> Vec<u8> {
    let count = u16::try_from(requests.len()).unwrap_or(u16::MAX);
    let mut offset = 2 + 2 * requests.len();
    let mut whole = request(SEVERAL, &[2, 0x20, 2, 0x24, 1], &[&count.to_le_bytes()]);
    for one in requests {
        whole.extend(u16::try_from(offset).unwrap_or(u16::MAX).to_le_bytes());
        offset += one.len();
    }
    whole.extend(requests.concat());
    whole
}

/// Takes an answer apart. `service` is what was asked for.
pub(crate) fn answer(bytes: &[u8], service: u8) -> Result<Answer<'_>, String> {
    let [said, _, general, words, rest @ ..] = bytes else {
        return Err("the answer is too short".to_owned());
    };
    let said = said ^ ANSWER;
    if said != service && said != crate::frame::HAND_ON {
        return Err("the answer belongs to another service".to_owned());
    }
    let extended = match rest {
        [low, high, ..] if *words > 0 => u16::from_le_bytes([*low, *high]),
        _ => 0,
    };
    let data = rest.get(usize::from(*words) * 2..);
    Ok(Answer {
        service: said,
        status: Status {
            general: *general,
            extended,
        },
        data: data.ok_or("the status in the answer is longer than the answer")?,
    })
}

/// The answers in an answer to several requests, each still whole.
pub(crate) fn answers(data: &[u8], count: usize) -> Result<Vec<&[u8]>, String> {
    let word = |at: usize| {
        data.get(at..at + 2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
    };
    if word(0).map(usize::from) != Some(count) {
        return Err("the answer is for another number of requests".to_owned());
    }
    let first = 2 + 2 * count;
    let mut starts = Vec::with_capacity(count + 1);
    for index in 0..count {
        let start = word(2 + 2 * index).map(usize::from);
        let least = starts.last().copied().unwrap_or(first);
        let start = start.filter(|start| *start >= least);
        starts.push(start.ok_or("the places of the answers make no sense")?);
    }
    starts.push(data.len());
    let parts = starts.windows(2).map(|ends| data.get(ends[0]..ends[1]));
    let parts: Option<Vec<_>> = parts.collect();
    parts.ok_or_else(|| "an answer lies outside its frame".to_owned())
}

/// The type and the elements in what a read answers.
pub(crate) fn payload(data: &[u8]) -> Result<Payload, String> {
    let (code, rest) = data.split_first_chunk().ok_or("the answer has no type")?;
    let code = u16::from_le_bytes(*code);
    if code != STRUCTURE {
        return Ok(Payload {
            code,
            handle: 0,
            bytes: rest.to_vec(),
        });
    }
    let (handle, rest) = rest
        .split_first_chunk()
        .ok_or("the structure has no handle")?;
    Ok(Payload {
        code,
        handle: u16::from_le_bytes(*handle),
        bytes: rest.to_vec(),
    })
}

/// One line about a message, whatever it is.
pub(crate) fn describe(message: &[u8]) -> String {
    let Some(service) = message.first().copied() else {
        return "an empty message".to_owned();
    };
    let name = match service & !ANSWER {
        READ => "read tag",
        READ_PART => "read tag, a part",
        WRITE => "write tag",
        MODIFY => "change bits",
        SEVERAL => "several requests",
        ATTRIBUTE => "read an attribute",
        crate::symbols::LIST => "list tags",
        _ => "another service",
    };
    if service & ANSWER != 0 {
        let status = message.get(2).copied().unwrap_or_default();
        return format!("{name}: status {status:#04x}, {} bytes", message.len());
    }
    // What can be read of a request's path are the names in it.
    let words = message.get(1).copied().map_or(0, usize::from);
    let path = message.get(2..2 + words * 2).unwrap_or_default();
    let letters = path
        .iter()
        .copied()
        .filter(u8::is_ascii_graphic)
        .map(char::from);
    format!(
        "{name} {}, {} bytes",
        letters.collect::<String>(),
        message.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_requests_and_their_answers() {
        let (a, b) = (read(&[1, 0x91, 0], 1), read(&[1, 0x91, 1], 2));
        let whole = several(&[&a, &b]);
        assert_eq!(whole[..12], [0x0A, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 12, 0]);
        assert_eq!(whole[12..], [a, b].concat());
        let data = [2, 0, 6, 0, 10, 0, 0xCC, 0, 0, 0, 0xCC, 0, 5, 0];
        let parts = answers(&data, 2).unwrap();
        assert_eq!(answer(parts[1], READ).unwrap().status.general, 5);
        for wrong in [[3, 0, 6, 0], [2, 0, 0, 0], [2, 0, 90, 0]] {
            let mut data = data;
            data[..4].copy_from_slice(&wrong);
            assert!(answers(&data, 2).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_answer_has_a_status_and_an_extended_one() {
        let bytes = [0xCC, 0, 0xFF, 1, 0x05, 0x21, 9];
        let found = answer(&bytes, READ).unwrap();
        let status = Status {
            general: 0xFF,
            extended: 0x2105,
        };
        assert_eq!((found.status, found.data), (status, &[9][..]));
        assert!(answer(&bytes, WRITE).is_err());
        assert!(answer(&[0xCC, 0, 1, 9, 0], READ).is_err());
        assert!(answer(&[0xCC, 0], READ).is_err());
    }

    #[test]
    fn a_structure_is_written_with_its_handle() {
        let text = write(&[1, 0x91, 0], STRUCTURE, 0x0FCE, 1, &[7]);
        assert_eq!(text, [0x4D, 1, 0x91, 0, 0xA0, 2, 0xCE, 0x0F, 1, 0, 7]);
        let read = payload(&[0xA0, 2, 0xCE, 0x0F, 7]).unwrap();
        assert_eq!((read.handle, read.bytes), (0x0FCE, vec![7]));
        assert!(payload(&[0xA0, 2, 0xCE]).is_err());
    }
}

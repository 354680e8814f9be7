//! The commands of ADS: requests, and what their answers hold. Pure.

/// Reads.
pub(crate) const READ: u16 = 2;
/// Writes.
pub(crate) const WRITE: u16 = 3;
/// Tells the state of the PLC.
pub(crate) const STATE: u16 = 4;
/// Writes and reads in one.
pub(crate) const READ_WRITE: u16 = 9;
/// A handle for a name.
pub(crate) const HANDLE_OF: u32 = 0xF003;
/// The variable of a handle.
pub(crate) const BY_HANDLE: u32 = 0xF005;
/// Gives a handle back.
pub(crate) const RELEASE: u32 = 0xF006;
/// Counts the changes of the PLC's symbols.
pub(crate) const VERSION: u32 = 0xF008;
/// What the PLC knows about a name.
pub(crate) const INFO_OF: u32 = 0xF009;
/// All symbols.
pub(crate) const UPLOAD: u32 = 0xF00B;
/// How many symbols there are.
pub(crate) const UPLOAD_INFO: u32 = 0xF00F;
/// Several reads in one.
pub(crate) const READ_SEVERAL: u32 = 0xF080;
/// Several times writing and reading in one.
pub(crate) const READ_WRITE_SEVERAL: u32 = 0xF082;

/// A place in the PLC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The index group.
    pub(crate) group: u32,
    /// The index offset.
    pub(crate) offset: u32,
    /// Bytes.
    pub(crate) size: usize,
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

fn place(item: Item) -> Vec<u8> {
    let ends = [
        item.group.to_le_bytes(),
        item.offset.to_le_bytes(),
        long(item.size),
    ];
    ends.concat()
}

/// The data of a request to read.
pub(crate) fn read(item: Item) -> Vec<u8> {
    place(item)
}

/// The data of a request to write.
pub(crate) fn write(group: u32, offset: u32, bytes: &[u8]) -> Vec<u8> {
    let size = bytes.len();
    let item = Item {
        group,
        offset,
        size,
    };
    [&place(item), bytes].concat()
}

/// The data of a request to write `bytes` and read what `item` says.
pub(crate) fn read_write(item: Item, bytes: &[u8]) -> Vec<u8> {
    [&place(item), &long(bytes.len())[..], bytes].concat()
}

/// The data of a request for several places, and how long its answer is at most.
pub(crate) fn read_several(items: &[Item]) -> (Vec<u8>, usize) {
    let places: Vec<u8> = items.iter().flat_map(|item| place(*item)).collect();
    let size = items.iter().map(|item| 4 + item.size).sum();
    let whole = Item {
        group: READ_SEVERAL,
        offset: u32::try_from(items.len()).unwrap_or(u32::MAX),
        size,
    };
    (read_write(whole, &places), size)
}

/// The data of a request for what is known about several names, and how long its answer is at most.
pub(crate) fn infos(names: &[&str], each: usize) -> (Vec<u8>, usize) {
    let mut heads = Vec::new();
    let mut bytes = Vec::new();
    for name in names {
        let item = Item {
            group: INFO_OF,
            offset: 0,
            size: each,
        };
        heads.extend(place(item));
        heads.extend(long(name.len() + 1));
        bytes.extend(name.as_bytes());
        bytes.push(0);
    }
    let size = names.len() * (8 + each);
    let whole = Item {
        group: READ_WRITE_SEVERAL,
        offset: u32::try_from(names.len()).unwrap_or(u32::MAX),
        size,
    };
    (read_write(whole, &[heads, bytes].concat()), size)
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    let four = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

/// What is wrong, or that nothing is.
pub(crate) fn result(data: &[u8]) -> Result<Result<&[u8], u32>, String> {
    let code = number(data, 0).ok_or("the answer is too short")?;
    Ok(match code {
        0 => Ok(data.get(4..).unwrap_or_default()),
        code => Err(code),
    })
}

/// What was read, which is at most as long as was asked for.
pub(crate) fn bytes(data: &[u8], most: usize) -> Result<Result<&[u8], u32>, String> {
    let rest = match result(data)? {
        Ok(rest) => rest,
        Err(code) => return Ok(Err(code)),
    };
    let length = number(rest, 0).and_then(|length| usize::try_from(length).ok());
    let bytes = rest.get(4..).unwrap_or_default();
    match length == Some(bytes.len()) && bytes.len() <= most {
        true => Ok(Ok(bytes)),
        false => Err("the lengths in the answer contradict each other".to_owned()),
    }
}

/// What was read of each of several places. Some PLCs leave room for what failed, some do not;
/// the length tells.
pub(crate) fn several<'a>(
    data: &'a [u8],
    items: &[Item],
) -> Result<Vec<Result<&'a [u8], u32>>, String> {
    let codes: Option<Vec<u32>> = (0..items.len()).map(|at| number(data, 4 * at)).collect();
    let codes = codes.ok_or("the answer ends before its items do")?;
    let mut rest = data.get(4 * items.len()..).unwrap_or_default();
    let all: usize = items.iter().map(|item| item.size).sum();
    let good = items.iter().zip(&codes).filter(|(_, code)| **code == 0);
    let good: usize = good.map(|(item, _)| item.size).sum();
    let has_room = rest.len() == all;
    if !has_room && rest.len() != good {
        return Err(format!("{all} bytes were asked for, {} came", rest.len()));
    }
    let mut answers = Vec::with_capacity(items.len());
    for (item, code) in items.iter().zip(codes) {
        let is_there = code == 0 || has_room;
        let (own, others) = rest.split_at(if is_there { item.size } else { 0 });
        rest = others;
        answers.push(if code == 0 { Ok(own) } else { Err(code) });
    }
    Ok(answers)
}

/// What is known about each of several names.
pub(crate) fn several_infos(data: &[u8], count: usize) -> Result<Vec<Result<&[u8], u32>>, String> {
    let cut = || "the answer ends before its items do".to_owned();
    let mut rest = data.get(8 * count..).ok_or_else(cut)?;
    let mut answers = Vec::with_capacity(count);
    for at in 0..count {
        let code = number(data, 8 * at).ok_or_else(cut)?;
        let length = number(data, 8 * at + 4).ok_or_else(cut)?;
        let length = usize::try_from(length).map_err(|_| cut())?;
        let (own, others) = rest.split_at_checked(length).ok_or_else(cut)?;
        rest = others;
        answers.push(if code == 0 { Ok(own) } else { Err(code) });
    }
    Ok(answers)
}

/// One line about a command, whatever its data is.
pub(crate) fn describe(command: u16, is_answer: bool, data: &[u8]) -> String {
    let name = match command {
        READ => "read",
        WRITE => "write",
        STATE => "state",
        READ_WRITE => "read and write",
        _ => "another command",
    };
    match (is_answer, number(data, 0), number(data, 4)) {
        (true, Some(code), _) => format!("{name}: result {code:#x}, {} bytes", data.len()),
        (false, Some(group), Some(offset)) => {
            format!("{name} {group:#x}:{offset:#x}, {} bytes", data.len())
        }
        _ => format!("{name}, {} bytes", data.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(size: usize) -> Item {
        Item {
            group: 0x4020,
            offset: 8,
            size,
        }
    }

    #[test]
    fn several_places_with_room_for_what_failed_and_without() {
        let items = [item(1), item(2), item(1)];
        let (request, size) = read_several(&items);
        assert_eq!((request.len(), size), (16 + 36, 16));
        assert_eq!(
            request[..16],
            [0x80, 0xF0, 0, 0, 3, 0, 0, 0, 16, 0, 0, 0, 36, 0, 0, 0]
        );
        let codes = [0, 0, 0, 0, 0x10, 7, 0, 0, 0, 0, 0, 0];
        let expected = vec![Ok(&[7][..]), Err(0x710), Ok(&[9][..])];
        let with_room = [&codes[..], &[7, 0, 0, 9]].concat();
        assert_eq!(several(&with_room, &items), Ok(expected.clone()));
        let without = [&codes[..], &[7, 9]].concat();
        assert_eq!(several(&without, &items), Ok(expected));
        for wrong in [&codes[..], &codes[..9], &[&codes[..], &[1, 2, 3]].concat()] {
            assert!(several(wrong, &items).is_err());
        }
    }

    #[test]
    fn what_was_read_is_as_long_as_it_says_and_no_longer_than_asked() {
        assert_eq!(bytes(&[0, 0, 0, 0, 1, 0, 0, 0, 5], 1), Ok(Ok(&[5][..])));
        assert_eq!(bytes(&[6, 7, 0, 0], 1), Ok(Err(0x706)));
        let wrong: [&[u8]; 4] = [
            &[],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 0, 0, 0, 5],
            &[0, 0, 0, 0, 2, 0, 0, 0, 5, 5],
        ];
        for wrong in wrong {
            assert!(bytes(wrong, 1).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn several_names_have_answers_of_their_own_length() {
        let (request, size) = infos(&["a", "bc"], 100);
        assert_eq!((request.len(), size), (16 + 32 + 5, 216));
        assert_eq!(request[48..], *b"a\0bc\0");
        let heads = [0, 0, 0, 0, 2, 0, 0, 0, 0x10, 7, 0, 0, 0, 0, 0, 0];
        let data = [&heads[..], &[8, 9]].concat();
        assert_eq!(
            several_infos(&data, 2),
            Ok(vec![Ok(&[8, 9][..]), Err(0x710)])
        );
        for end in 0..data.len() {
            assert!(several_infos(&data[..end], 2).is_err());
        }
    }
}

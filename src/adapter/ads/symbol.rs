//! What a PLC tells about a symbol. Pure.

use crate::commands::Item;

/// Bytes of an entry before its texts.
const HEADER: usize = 30;

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// Where it is.
    pub(crate) item: Item,
    /// The code of its type.
    pub(crate) code: u32,
    /// Its name.
    pub(crate) name: String,
    /// Its type as the program has it.
    pub(crate) type_name: String,
    /// The programmer's word about it.
    pub(crate) comment: String,
}

/// Reads an entry; returns what follows it.
pub(crate) fn entry(data: &[u8]) -> Result<(Symbol, &[u8]), String> {
    let cut = || "what the PLC tells about a symbol is cut off".to_owned();
    let head = data.get(..HEADER).ok_or_else(cut)?;
    let long = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let word = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let mut at = HEADER;
    let mut texts = [const { String::new() }; 3];
    for (text, length) in texts.iter_mut().zip([word(24), word(26), word(28)]) {
        // Each text is followed by a zero; the last one is not believed to have one.
        let bytes = data.get(at..at + length).ok_or_else(cut)?;
        *text = bytes.iter().copied().map(char::from).collect();
        at += length + 1;
    }
    let length = usize::try_from(long(0)).map_err(|_| cut())?;
    if length < at - 1 {
        return Err("a symbol's entry is shorter than its texts".to_owned());
    }
    let [name, type_name, comment] = texts;
    let item = Item {
        group: long(4),
        offset: long(8),
        size: usize::try_from(long(12)).map_err(|_| cut())?,
    };
    let symbol = Symbol {
        item,
        code: long(16),
        name,
        type_name,
        comment,
    };
    Ok((symbol, data.get(length..).unwrap_or_default()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn encoded(name: &str, type_name: &str, item: Item, code: u32) -> Vec<u8> {
        let length = HEADER + name.len() + type_name.len() + 3;
        let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let short = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let mut entry = long(length).to_vec();
        entry.extend(item.group.to_le_bytes());
        entry.extend(item.offset.to_le_bytes());
        entry.extend(long(item.size));
        entry.extend(code.to_le_bytes());
        entry.extend([0; 4]);
        entry.extend(short(name.len()));
        entry.extend(short(type_name.len()));
        entry.extend([0, 0]);
        entry.extend(name.as_bytes());
        entry.push(0);
        entry.extend(type_name.as_bytes());
        entry.extend([0, 0]);
        entry
    }

    #[test]
    fn entries_follow_each_other() {
        let item = Item {
            group: 0x4040,
            offset: 17,
            size: 4,
        };
        let one = encoded("MAIN.fSpeed", "REAL", item, 4);
        let two = [one.clone(), one.clone()].concat();
        let (symbol, rest) = entry(&two).unwrap();
        assert_eq!((symbol.item, symbol.code), (item, 4));
        assert_eq!((&*symbol.name, &*symbol.type_name), ("MAIN.fSpeed", "REAL"));
        assert_eq!(rest, one);
        assert_eq!(entry(rest).unwrap().1, [0; 0]);
        for end in 0..one.len() - 2 {
            assert!(entry(&one[..end]).is_err(), "{end}");
        }
        let mut short = one;
        short[0] = 31;
        assert!(entry(&short).is_err());
    }
}

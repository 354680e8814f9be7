//! The list of tags that a controller keeps: its symbols, page by page. Pure.

use crate::data_type::{DataType, WORD_OF_BOOLS};
use crate::path::TagPath;

/// Reads attributes of many objects.
pub(crate) const LIST: u8 = 0x55;
/// What is asked of each symbol: its name, its type, and how long its dimensions are.
const WANTED: [u16; 3] = [1, 2, 8];
/// Bytes of a symbol beside its name.
const BESIDE: usize = 4 + 2 + 2 + 12;
/// Says that the type is a structure.
const IS_STRUCTURE: u16 = 0x8000;
/// Says that the controller made the symbol for itself.
const IS_SYSTEM: u16 = 0x1000;

/// One tag, as the controller tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// The number by which the list goes on.
    pub(crate) instance: u32,
    /// Its name.
    pub(crate) name: String,
    code: u16,
    sizes: [u32; 3],
}

/// The request for the symbols from a number on, of the controller or of a program.
pub(crate) fn request(program: Option<&TagPath>, from: u16) -> Vec<u8> {
    let scope = program.map_or_else(|| vec![0], TagPath::encode);
    let mut path = scope[1..].to_vec();
    path.extend([0x20, 0x6B, 0x25, 0]);
    path.extend(from.to_le_bytes());
    let words = u8::try_from(path.len() / 2).unwrap_or(u8::MAX);
    let mut request = vec![LIST, words];
    request.extend(path);
    let count = u16::try_from(WANTED.len()).unwrap_or(u16::MAX);
    request.extend(count.to_le_bytes());
    request.extend(WANTED.iter().flat_map(|attribute| attribute.to_le_bytes()));
    request
}

/// The symbols on a page.
pub(crate) fn page(mut data: &[u8]) -> Result<Vec<Symbol>, String> {
    let cut = || "the list of tags ends in the middle of one".to_owned();
    let mut symbols = Vec::new();
    while !data.is_empty() {
        let long = |at: usize| {
            let four = data.get(at..at + 4)?;
            Some(u32::from_le_bytes(four.try_into().ok()?))
        };
        let instance = long(0).ok_or_else(cut)?;
        let length = usize::try_from(long(4).ok_or_else(cut)? & 0xFFFF).map_err(|_| cut())?;
        let entry = data.get(..BESIDE + length).ok_or_else(cut)?;
        let (name, rest) = entry[6..].split_at(length);
        let size =
            |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        symbols.push(Symbol {
            instance,
            name: name.iter().copied().map(char::from).collect(),
            code: u16::from_le_bytes([rest[0], rest[1]]),
            sizes: [size(2), size(6), size(10)],
        });
        data = &data[entry.len()..];
    }
    Ok(symbols)
}

impl Symbol {
    /// The program that this symbol stands for, if it does.
    pub(crate) fn program(&self) -> Option<&str> {
        self.name.strip_prefix("Program:")
    }

    /// Whether it is of the controller's own making, or no tag at all.
    pub(crate) fn is_hidden(&self) -> bool {
        let kinds = ["Program:", "Routine:", "Task:", "Map:", "Cxn:", "UDI:"];
        self.code & IS_SYSTEM != 0
            || self.name.starts_with("__")
            || kinds.iter().any(|kind| self.name.starts_with(kind))
    }

    /// The elements along each dimension.
    pub(crate) fn dimensions(&self) -> &[u32] {
        &self.sizes[..usize::from(self.code >> 13 & 3)]
    }

    /// The type, if it is an elementary one.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        let is_structure = self.code & IS_STRUCTURE != 0;
        // Of a BOOL the higher bits tell its place in a word.
        let code = if self.code & 0xFF == 0xC1 {
            0xC1
        } else {
            self.code & 0x0FFF
        };
        DataType::coded(code).filter(|_| !is_structure)
    }

    /// Whether it is an array of BOOL.
    pub(crate) fn is_packed(&self) -> bool {
        self.data_type()
            .is_some_and(|found| found.code == WORD_OF_BOOLS)
            && self.dimensions().len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_the_manual_has_it() {
        // Publication 1756-PM020F, page 46, with the sizes of arrays (attribute 8) beside.
        let request_ = request(None, 0);
        assert_eq!(
            request_,
            [0x55, 3, 0x20, 0x6B, 0x25, 0, 0, 0, 3, 0, 1, 0, 2, 0, 8, 0]
        );
        let program = TagPath::parse(None, "Program:Main").unwrap();
        let scoped = request(Some(&program), 300);
        assert_eq!(scoped[..4], [0x55, 10, 0x91, 12]);
        assert_eq!(scoped[16..22], [0x20, 0x6B, 0x25, 0, 0x2C, 1]);
    }

    #[test]
    fn the_answers_of_the_manual_are_read() {
        // The same, pages 46 and 48, each with the three sizes that are not asked for there.
        let published: [&[u8]; 3] = [
            b"\x12\x03\0\0\x0D\0CipReadData10\xFF\x8F",
            b"\x51\x0E\0\0\x06\0counts\x82\xCF",
            b"\xE8\x08\0\0\x13\0Program:MainProgram\x68\x10",
        ];
        let data: Vec<u8> = published.map(|entry| [entry, &[0; 12]].concat()).concat();
        let symbols = page(&data).unwrap();
        let shown = symbols
            .iter()
            .map(|symbol| (symbol.instance, symbol.name.as_str()));
        let expected = [
            (0x312, "CipReadData10"),
            (0xE51, "counts"),
            (0x8E8, "Program:MainProgram"),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert!(symbols.iter().all(|symbol| symbol.data_type().is_none()));
        assert_eq!(symbols[1].dimensions().len(), 2);
        assert_eq!(symbols[2].program(), Some("MainProgram"));
    }

    fn entry(instance: u32, name: &str, code: u16, sizes: [u32; 3]) -> Vec<u8> {
        let length = u16::try_from(name.len()).unwrap();
        let mut entry = instance.to_le_bytes().to_vec();
        entry.extend(length.to_le_bytes());
        entry.extend(name.as_bytes());
        entry.extend(code.to_le_bytes());
        entry.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        entry
    }

    #[test]
    fn a_page_is_read_and_what_is_cut_off_is_refused() {
        let data = [
            entry(2, "Speed", 0x00CA, [0; 3]),
            entry(7, "Levels", 0x20C3, [12, 0, 0]),
            entry(9, "Recipe", 0x8FCE, [0; 3]),
            entry(11, "Flags", 0x20D3, [2, 0, 0]),
            entry(12, "Bit", 0x03C1, [0; 3]),
            entry(13, "Program:Main", 0x1068, [0; 3]),
            entry(14, "__hidden", 0x00C4, [0; 3]),
        ]
        .concat();
        let symbols = page(&data).unwrap();
        let types = symbols
            .iter()
            .map(|symbol| symbol.data_type().map(|found| found.name));
        let expected = [
            Some("REAL"),
            Some("INT"),
            None,
            Some("DWORD"),
            Some("BOOL"),
            None,
            Some("DINT"),
        ];
        assert_eq!(types.collect::<Vec<_>>(), expected);
        assert_eq!(symbols[1].dimensions(), [12]);
        assert!(symbols[3].is_packed() && !symbols[1].is_packed());
        assert_eq!(symbols[5].program(), Some("Main"));
        assert!(symbols[5].is_hidden() && symbols[6].is_hidden() && !symbols[0].is_hidden());
        for end in 1..25 {
            assert!(page(&data[..end]).is_err(), "{end}");
        }
        assert!(page(&[0xFF; 64]).is_err());
    }
}

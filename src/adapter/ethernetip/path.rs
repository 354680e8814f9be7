//! The name of a tag, and its path as requests carry it. Pure.

/// The longest name of one segment, as controllers have it.
const NAME_MAX: usize = 40;
/// Dimensions that an array has at most.
const DIMENSIONS_MAX: usize = 3;
/// The highest bit of the longest integer.
const BIT_MAX: u8 = 63;
/// Says that a name follows.
const SYMBOL: u8 = 0x91;

/// A tag, a member or an element of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagPath {
    segments: Vec<Segment>,
    /// The bit of an integer, if the name ends with one.
    pub(crate) bit: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Name(String),
    Element(u32),
}

impl TagPath {
    /// Reads `Program:Main.Recipe.Step[3,1].Flags.5`.
    pub(crate) fn parse(program: Option<&str>, text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut bit = None;
        if let Some(program) = program {
            let name = program.strip_prefix("Program:").unwrap_or(program);
            segments.push(Segment::Name(format!("Program:{}", checked(name, false)?)));
        }
        let parts: Vec<&str> = text.trim().split('.').collect();
        for (place, part) in parts.iter().enumerate() {
            let is_last = place + 1 == parts.len();
            if place > 0 && is_last && part.bytes().all(|byte| byte.is_ascii_digit()) {
                let number = part.parse().ok().filter(|bit| *bit <= BIT_MAX);
                bit = Some(number.ok_or_else(|| format!("`{part}` is no bit: 0 to {BIT_MAX}"))?);
                continue;
            }
            let (name, indices) = part
                .split_once('[')
                .map_or((*part, None), |(name, rest)| (name, Some(rest)));
            // The tags of modules and programs have colons in their first part.
            segments.push(Segment::Name(checked(name, place == 0)?.to_owned()));
            if let Some(indices) = indices {
                segments.extend(elements(part, indices)?);
            }
        }
        Ok(Self { segments, bit })
    }

    /// The same array in words of 32 BOOL: the path to the word, and the bit in it. `None` if this
    /// is no element of an array with one dimension.
    pub(crate) fn word(mut self) -> Option<(Self, u8)> {
        let [.., Segment::Name(_), Segment::Element(index)] = self.segments.as_mut_slice() else {
            return None;
        };
        let bit = u8::try_from(*index % 32).ok()?;
        *index /= 32;
        self.bit.is_none().then_some((self, bit))
    }

    /// The number of words and the words.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut path = vec![0];
        for segment in &self.segments {
            match segment {
                Segment::Name(name) => {
                    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
                    path.extend([SYMBOL, length]);
                    path.extend(name.as_bytes());
                    if name.len() % 2 == 1 {
                        path.push(0);
                    }
                }
                Segment::Element(index) => match (u8::try_from(*index), u16::try_from(*index)) {
                    (Ok(index), _) => path.extend([0x28, index]),
                    (_, Ok(index)) => {
                        path.extend([0x29, 0]);
                        path.extend(index.to_le_bytes());
                    }
                    _ => {
                        path.extend([0x2A, 0]);
                        path.extend(index.to_le_bytes());
                    }
                },
            }
        }
        path[0] = u8::try_from((path.len() - 1) / 2).unwrap_or(u8::MAX);
        path
    }
}

fn checked(name: &str, has_colons: bool) -> Result<&str, String> {
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let rest = letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || has_colons && c == ':');
    match first && rest && name.len() <= NAME_MAX {
        true => Ok(name),
        false => Err(format!(
            "`{name}` is no name: a letter or `_`, then letters, digits and `_`, at most \
             {NAME_MAX} of them"
        )),
    }
}

fn elements(part: &str, indices: &str) -> Result<Vec<Segment>, String> {
    let wrong = || format!("`{part}` is no element: as `Level[3]` or `Grid[1,2,3]`");
    let inner = indices.strip_suffix(']').ok_or_else(wrong)?;
    let numbers = inner.split(',').map(|number| number.trim().parse().ok());
    let found: Option<Vec<u32>> = numbers.collect();
    let found = found.filter(|found| found.len() <= DIMENSIONS_MAX);
    let found = found.ok_or_else(wrong)?;
    Ok(found.into_iter().map(Segment::Element).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(program: Option<&str>, text: &str) -> Vec<u8> {
        TagPath::parse(program, text).unwrap().encode()
    }

    #[test]
    fn paths_are_as_the_manual_has_them() {
        // The examples of Rockwell's publication 1756-PM020: a tag, an element, a program's tag.
        assert_eq!(encoded(None, "rate"), b"\x03\x91\x04rate");
        assert_eq!(encoded(None, "parts[4]"), b"\x05\x91\x05parts\0\x28\x04");
        let far = [
            &b"\x08\x91\x05array\0\x29\0\x10\x27\x2A\0"[..],
            &[0, 0, 1, 0],
        ]
        .concat();
        assert_eq!(&encoded(None, "array[10000,65536]")[1..], &far[1..]);
        let scoped = encoded(Some("Main"), "x");
        assert_eq!(scoped, b"\x09\x91\x0CProgram:Main\x91\x01x\0");
        assert_eq!(scoped, encoded(None, "Program:Main.x"));
        assert_eq!(scoped, encoded(Some("Program:Main"), "x"));
        assert_eq!(
            encoded(None, "Local:1:I.Data.3"),
            b"\x09\x91\x09Local:1:I\0\x91\x04Data"
        );
    }

    #[test]
    fn bits_are_apart_and_words_hold_thirty_two() {
        assert_eq!(TagPath::parse(None, "a.b.17").unwrap().bit, Some(17));
        let (word, bit) = TagPath::parse(None, "flags[70]").unwrap().word().unwrap();
        assert_eq!((word.encode(), bit), (encoded(None, "flags[2]"), 6));
        assert!(TagPath::parse(None, "flags").unwrap().word().is_none());
        assert!(TagPath::parse(None, "flags[1,2]").unwrap().word().is_none());
        let wrong = [
            "",
            "1a",
            "a..b",
            "a[",
            "a[x]",
            "a[1,2,3,4]",
            "a.64",
            "a b",
            "ä",
            "a.5.b",
        ];
        for text in wrong {
            assert!(TagPath::parse(None, text).is_err(), "{text}");
        }
    }
}

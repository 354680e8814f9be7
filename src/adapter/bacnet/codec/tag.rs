//! Tags: what every value is wrapped in.

use super::Malformed;

/// How deep values may be nested.
const DEPTH_MAX: usize = 8;

/// What a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Its number says the type.
    Application,
    /// Its number says the place.
    Context,
    /// What follows belongs together, up to the closing one.
    Opening,
    /// The end of what belongs together.
    Closing,
}

/// A tag with its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) class: Class,
    pub(crate) number: u8,
    /// The bytes behind it; of a boolean of its own none.
    pub(crate) content: &'a [u8],
    /// What stands where the length does: the value of a boolean.
    pub(crate) inline: u8,
}

/// Reads tags one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Tags<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next tag without taking it.
    pub(crate) fn peek(&self) -> Option<Tag<'a>> {
        let mut ahead = *self;
        ahead.next().ok()
    }

    /// The next tag.
    pub(crate) fn next(&mut self) -> Result<Tag<'a>, Malformed> {
        let first = self.byte()?;
        let number = match first >> 4 {
            15 => self.byte()?,
            short => short,
        };
        let (is_context, inline) = (first & 8 != 0, first & 7);
        let class = match (is_context, inline) {
            (true, 6) => Class::Opening,
            (true, 7) => Class::Closing,
            (true, _) => Class::Context,
            (false, 6 | 7) => return Err(Malformed("a tag of no class")),
            (false, _) => Class::Application,
        };
        let is_boolean = class == Class::Application && number == 1;
        let content = match class {
            Class::Opening | Class::Closing => &[][..],
            _ if is_boolean => &[][..],
            _ => {
                let length = self.length(inline)?;
                self.take(length)?
            }
        };
        Ok(Tag {
            class,
            number,
            content,
            inline,
        })
    }

    /// The next tag, which has to be the one at a place.
    pub(crate) fn context(&mut self, number: u8) -> Result<&'a [u8], Malformed> {
        let tag = self.next()?;
        match tag.class == Class::Context && tag.number == number {
            true => Ok(tag.content),
            false => Err(Malformed("another part was expected")),
        }
    }

    /// The content of the next tag if it is the one at a place.
    pub(crate) fn optional(&mut self, number: u8) -> Result<Option<&'a [u8]>, Malformed> {
        match self.peek() {
            Some(tag) if tag.class == Class::Context && tag.number == number => {
                self.context(number).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether the next tag opens or closes a place.
    pub(crate) fn at(&self, class: Class, number: u8) -> bool {
        self.peek()
            .is_some_and(|tag| tag.class == class && tag.number == number)
    }

    /// What stands between the opening tag of a place, which is next, and its closing one.
    pub(crate) fn group(&mut self, number: u8) -> Result<&'a [u8], Malformed> {
        let opening = self.next()?;
        if opening.class != Class::Opening || opening.number != number {
            return Err(Malformed("a group was expected"));
        }
        let begin = self.rest;
        let mut open = 1_usize;
        loop {
            let before = self.rest.len();
            let tag = self.next()?;
            match tag.class {
                Class::Opening if open == DEPTH_MAX => {
                    return Err(Malformed("values are nested too deep"));
                }
                Class::Opening => open += 1,
                Class::Closing => open -= 1,
                Class::Application | Class::Context => {}
            }
            if open == 0 {
                let is_own = tag.number == number;
                let end = begin.len() - before;
                let inner = begin.get(..end).filter(|_| is_own);
                return inner.ok_or(Malformed("a group is closed by another's tag"));
            }
        }
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed("it ends early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let split = self.rest.split_at_checked(length);
        let (taken, rest) = split.ok_or(Malformed("a length leads past the end"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn length(&mut self, inline: u8) -> Result<usize, Malformed> {
        if inline < 5 {
            return Ok(usize::from(inline));
        }
        let width = match self.byte()? {
            254 => 2,
            255 => 4,
            short => return Ok(usize::from(short)),
        };
        let bytes = self.take(width)?;
        let number = unsigned(bytes).and_then(|number| usize::try_from(number).ok());
        number.ok_or(Malformed("a length of no sense"))
    }
}

/// An unsigned integer of one to eight bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Option<u64> {
    let is_sized = (1..=8).contains(&bytes.len());
    let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    is_sized.then(|| bytes.iter().fold(0, fold))
}

/// The same where 32 bits have to do.
pub(crate) fn unsigned32(bytes: &[u8]) -> Result<u32, Malformed> {
    let number = unsigned(bytes).and_then(|number| u32::try_from(number).ok());
    number.ok_or(Malformed("a number of no sense"))
}

/// Writes a tag and its content.
pub(crate) fn put(out: &mut Vec<u8>, class: Class, number: u8, content: &[u8]) {
    let context = if class == Class::Application { 0 } else { 8 };
    let high = number.min(15) << 4;
    let inline = match (class, u8::try_from(content.len())) {
        (Class::Opening, _) => 6,
        (Class::Closing, _) => 7,
        (_, Ok(short @ 0..=4)) => short,
        _ => 5,
    };
    out.push(high | context | inline);
    if number >= 15 {
        out.push(number);
    }
    if inline == 5 {
        match (u8::try_from(content.len()), u16::try_from(content.len())) {
            (Ok(short @ 0..=253), _) => out.push(short),
            (_, Ok(length)) => {
                out.push(254);
                out.extend(length.to_be_bytes());
            }
            _ => {
                out.push(255);
                let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
                out.extend(length.to_be_bytes());
            }
        }
    }
    out.extend(content);
}

/// The fewest bytes of an unsigned integer.
pub(crate) fn unsigned_bytes(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

/// The fewest bytes of a signed integer.
pub(crate) fn signed_bytes(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let filler = if number < 0 { 0xFF } else { 0 };
    let is_spare = |at: &usize| bytes[*at] == filler && (bytes[at + 1] & 0x80 == filler & 0x80);
    let spare = (0..7).take_while(is_spare).count();
    bytes[spare..].to_vec()
}

/// A signed integer of one to eight bytes.
pub(crate) fn signed(bytes: &[u8]) -> Option<i64> {
    let number = unsigned(bytes)?;
    let unused = 64 - 8 * u32::try_from(bytes.len()).ok()?;
    // The shifts carry the sign to the top and back.
    Some((number << unused).cast_signed() >> unused)
}

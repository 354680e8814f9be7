//! CHAR, STRING and WSTRING. Pure.

use mainstem_model::Value;

use super::EncodeError;

fn latin1(bytes: &[u8]) -> Value {
    let text: String = bytes.iter().copied().map(char::from).collect();
    Value::text(&text)
}

/// Characters without a header: up to the first NUL, without trailing spaces.
pub(super) fn decode_char(bytes: &[u8]) -> Value {
    let end = bytes.iter().position(|byte| *byte == 0);
    let used = &bytes[..end.unwrap_or(bytes.len())];
    latin1(used.trim_ascii_end())
}

/// The most and the present number of characters, then the characters.
pub(super) fn decode_string(bytes: &[u8]) -> Option<Value> {
    let (most, used) = (*bytes.first()?, *bytes.get(1)?);
    let characters = bytes.get(2..2 + usize::from(used))?;
    (used <= most).then(|| latin1(characters))
}

/// The same in words, with characters of UTF-16.
pub(super) fn decode_wstring(bytes: &[u8]) -> Option<Value> {
    let word = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let (most, used) = (word(0)?, word(2)?);
    let characters = bytes.get(4..4 + usize::from(used) * 2)?;
    let units = characters
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let text = char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .ok()?;
    (used <= most).then(|| Value::text(&text))
}

fn to_latin1(text: &str, length: u16) -> Result<Vec<u8>, EncodeError> {
    let bytes = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).map_err(|_| EncodeError::Character(c)))
        .collect::<Result<Vec<u8>, _>>()?;
    short_enough(bytes.len(), length)?;
    Ok(bytes)
}

fn short_enough(found: usize, expected: u16) -> Result<(), EncodeError> {
    if found > usize::from(expected) {
        return Err(EncodeError::Length { expected, found });
    }
    Ok(())
}

/// All characters, the rest spaces, as STEP 7 fills them.
pub(super) fn encode_char(text: &str, length: u16) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = to_latin1(text, length)?;
    bytes.resize(length.into(), b' ');
    Ok(bytes)
}

/// The present number of characters, and the characters.
pub(super) fn encode_string(text: &str, length: u16) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = to_latin1(text, length)?;
    let count = u8::try_from(bytes.len()).map_err(|_| EncodeError::Length {
        expected: length,
        found: bytes.len(),
    })?;
    bytes.insert(0, count);
    Ok(bytes)
}

/// The same in words.
pub(super) fn encode_wstring(text: &str, length: u16) -> Result<Vec<u8>, EncodeError> {
    let units: Vec<u16> = text.encode_utf16().collect();
    short_enough(units.len(), length)?;
    let count = u16::try_from(units.len()).unwrap_or(length);
    let words = std::iter::once(count).chain(units);
    Ok(words.flat_map(u16::to_be_bytes).collect())
}

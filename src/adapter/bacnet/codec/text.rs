//! Character strings in the sets that the standard has.

/// A character string: its first byte names the set. `None` for sets that are not read here.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let (set, text) = bytes.split_first()?;
    match set {
        // Devices from before 2010 say 0 for ANSI and mean Latin-1.
        0 => Some(std::str::from_utf8(text).map_or_else(|_| latin1(text), str::to_owned)),
        // Microsoft's code pages agree in ASCII; the rest would be a guess.
        1 => {
            let text = text.get(2..)?;
            text.is_ascii().then(|| latin1(text))
        }
        3 => wide(text, 4),
        4 => {
            let units = text.as_chunks::<2>();
            let is_whole = units.1.is_empty();
            let units = units.0.iter().map(|unit| u16::from_be_bytes(*unit));
            let read: Result<String, _> = char::decode_utf16(units).collect();
            read.ok().filter(|_| is_whole)
        }
        5 => Some(latin1(text)),
        _ => None,
    }
}

/// A character string in UTF-8.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.push(0);
    bytes.extend(text.as_bytes());
    bytes
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn wide(bytes: &[u8], width: usize) -> Option<String> {
    let mut text = String::new();
    for unit in bytes.chunks(width) {
        let unit: [u8; 4] = unit.try_into().ok()?;
        text.push(char::from_u32(u32::from_be_bytes(unit))?);
    }
    Some(text)
}

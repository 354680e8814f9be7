//! Answers as bytes. Pure.

use crate::exception::Exception;

/// An exception, in answer to a function code.
pub(crate) fn exception(function: u8, exception: Exception) -> Vec<u8> {
    vec![function | 0x80, exception.code()]
}

/// What was read: registers, or a 0 or 1 for each bit.
pub(crate) fn read(function: u8, has_bits: bool, words: &[u16]) -> Vec<u8> {
    let data: Vec<u8> = if has_bits {
        words.chunks(8).map(pack).collect()
    } else {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    };
    let mut pdu = vec![function, u8::try_from(data.len()).unwrap_or(u8::MAX)];
    pdu.extend(data);
    pdu
}

/// That a write was carried out: its request is repeated, without the data where there are many.
pub(crate) fn written(pdu: &[u8]) -> Vec<u8> {
    let bytes = match pdu.first() {
        Some(15 | 16) => 5,
        _ => pdu.len(),
    };
    pdu.get(..bytes).unwrap_or(pdu).to_vec()
}

/// Eight bits in a byte, the first in the lowest place.
fn pack(bits: &[u16]) -> u8 {
    let place = |byte, (place, bit): (usize, &u16)| byte | u8::from(*bit != 0) << place;
    bits.iter().enumerate().fold(0, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_specification() {
        assert_eq!(exception(3, Exception::IllegalDataAddress), [0x83, 2]);
        assert_eq!(
            read(3, false, &[0x022B, 0, 0x64]),
            [3, 6, 2, 0x2B, 0, 0, 0, 0x64]
        );
        // Section 6.1: coils 27 to 20 are 1100 1101, 29 and 28 are 11.
        let bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1];
        assert_eq!(read(1, true, &bits), [1, 2, 0xCD, 3]);
        assert_eq!(written(&[16, 0, 1, 0, 2, 4, 0, 10, 1, 2]), [16, 0, 1, 0, 2]);
        assert_eq!(written(&[6, 0, 1, 0, 3]), [6, 0, 1, 0, 3]);
    }
}

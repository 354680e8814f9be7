//! `numeric` in the server's binary form: digits of base 10,000, as exact decimal digits. Pure.

/// Digits before and behind the point, at the most: those of the server's own limits.
const DIGITS_MAX: usize = 131_072 + 16_383;

/// The decimal text, or nothing where the bytes are no number.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let word = |at: usize| -> Option<u16> {
        let pair = bytes.get(2 * at..2 * at + 2)?;
        Some(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let count = usize::from(word(0)?);
    let weight = i32::from(word(1)?.cast_signed());
    let (sign, scale) = (word(2)?, usize::from(word(3)?));
    match sign {
        0xC000 => return Some("NaN".into()),
        0xD000 => return Some("Infinity".into()),
        0xF000 => return Some("-Infinity".into()),
        0 | 0x4000 => {}
        _ => return None,
    }
    if bytes.len() != 8 + 2 * count || scale > 0x3FFF {
        return None;
    }
    let digit = |place: i32| -> Option<u16> {
        let at = usize::try_from(weight - place).ok();
        match at.filter(|at| *at < count) {
            None => Some(0),
            Some(at) => word(4 + at).filter(|digit| *digit < 10_000),
        }
    };
    let mut text = String::new();
    if sign == 0x4000 {
        text.push('-');
    }
    text.push_str(&digit(weight.max(0))?.to_string());
    for place in (0..weight.max(0)).rev() {
        text.push_str(&format!("{:04}", digit(place)?));
        if text.len() > DIGITS_MAX {
            return None;
        }
    }
    if scale > 0 {
        let mut part = String::new();
        let mut place = -1;
        while part.len() < scale {
            part.push_str(&format!("{:04}", digit(place)?));
            place -= 1;
        }
        part.truncate(scale);
        text.push('.');
        text.push_str(&part);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn digits_are_exact() {
        let minus = (-1_i16).cast_unsigned();
        for (words, wanted) in [
            (vec![0, 0, 0, 0], "0"),
            (vec![0, 0, 0, 2], "0.00"),
            (vec![2, 0, 0, 2, 12, 3400], "12.34"),
            (vec![1, 1, 0x4000, 0, 5], "-50000"),
            (vec![1, minus, 0, 4, 1], "0.0001"),
            (vec![1, (-2_i16).cast_unsigned(), 0, 6, 1200], "0.000012"),
            (vec![3, 1, 0, 1, 1, 2, 5000], "10002.5"),
            (vec![0, 0, 0xC000, 0], "NaN"),
        ] {
            assert_eq!(text(&bytes(&words)).as_deref(), Some(wanted), "{words:?}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        for words in [
            vec![],
            vec![1, 0, 0, 0],
            vec![1, 0, 0, 0, 10_000],
            vec![0, 0, 7, 0],
            vec![0, 0, 0, 0xFFFF],
        ] {
            assert_eq!(text(&bytes(&words)), None, "{words:?}");
        }
        // A weight without digits costs no memory without an end.
        assert!(text(&bytes(&[0, 0x7FFF, 0, 0])).is_some_and(|text| text.len() < 200_000));
    }
}

//! Numbers of at most two decimals, which most measurements are, written without a search for
//! their shortest form.

/// Below this a number of two decimals has at most 15 digits. Decimal numbers of so many digits all
/// differ as `f64`, so what leads back to the number is its shortest form.
const LARGEST: f64 = 1e12;

/// Appends a number as `ryu` would, if it has at most two decimals; otherwise does nothing and
/// returns `false`.
pub(crate) fn write_short(number: f64, out: &mut Vec<u8>) -> bool {
    let size = number.abs();
    // Zero keeps its sign, and NaN and infinities have no digits: none of them is handled here.
    if !(size > 0.0 && size < LARGEST) {
        return false;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and far below 2^64"
    )]
    let hundredths = (size * 100.0).round() as u64;
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let back = hundredths as f64 / 100.0;
    // An exact test: the quotient of two exact numbers is rounded as the text would be.
    if back.to_bits() != size.to_bits() {
        return false;
    }
    if number < 0.0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(hundredths / 100).as_bytes());
    let (tenth, hundredth) = (hundredths / 10 % 10, hundredths % 10);
    out.extend_from_slice(&[b'.', digit(tenth)]);
    if hundredth > 0 {
        out.push(digit(hundredth));
    }
    true
}

fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees(number: f64) -> bool {
        let mut out = Vec::new();
        let is_short = write_short(number, &mut out);
        if is_short {
            let wanted = ryu::Buffer::new().format(number).to_owned();
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        } else {
            assert!(out.is_empty());
        }
        is_short
    }

    #[test]
    fn two_decimals_are_written_as_before() {
        for hundredths in (-300_000..300_000_i32).filter(|hundredths| *hundredths != 0) {
            assert!(agrees(f64::from(hundredths) / 100.0), "{hundredths}");
        }
        for exponent in 0..12 {
            for offset in [-0.01, 0.0, 0.01, 0.5, 0.99] {
                agrees(10_f64.powi(exponent) + offset);
            }
        }
        assert!(agrees(999_999_999_999.99));
    }

    #[test]
    fn everything_else_is_left_alone() {
        let short = [
            0.1 + 0.2,
            21.531,
            1e-3,
            1e12,
            1e300,
            f64::MIN_POSITIVE,
            0.0,
            -0.0,
        ];
        for number in short
            .into_iter()
            .chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
        {
            assert!(!agrees(number), "{number}");
        }
        // Neighbours of a number of two decimals are other numbers.
        for hundredths in 1..10_000_u32 {
            let number = f64::from(hundredths) / 100.0;
            assert!(
                !agrees(number.next_up()) && !agrees(number.next_down()),
                "{number}"
            );
        }
    }
}

//! The points of the harness: names of 34 characters, visited in a scattered order, with values of
//! two decimals. All contestants get the same.

/// Bytes of a name without any prefix.
const NAME_BYTES: usize = 34;
/// Coprime to powers of ten, so that every point is visited.
const STRIDE: u64 = 7919;
/// The generator of values is a xorshift; this is where it starts.
const SEED: u64 = 88_172_645_463_325_252;

/// The name of a point: `line00.cell01.machine23.ch45.value`.
pub(crate) fn name(point: usize) -> String {
    let digits = |of: usize| of % 100;
    format!(
        "line{:02}.cell{:02}.machine{:02}.ch{:02}.value",
        digits(point / 1_000_000),
        digits(point / 10_000),
        digits(point / 100),
        digits(point)
    )
}

/// The point that a name stands for, whatever prefix it has.
pub(crate) fn point_of(name: &str) -> Option<usize> {
    let bytes = name.as_bytes();
    let own = &bytes[bytes.len().checked_sub(NAME_BYTES)?..];
    if !own.starts_with(b"line") || !own.ends_with(b".value") {
        return None;
    }
    [4, 11, 21, 26].iter().try_fold(0, |point, &at| {
        let digit = |at: usize| {
            own[at]
                .is_ascii_digit()
                .then(|| usize::from(own[at] - b'0'))
        };
        Some(point * 100 + digit(at)? * 10 + digit(at + 1)?)
    })
}

/// The point that is visited in this turn.
pub(crate) fn visited(turn: u64, points: usize) -> usize {
    let points = points.max(1) as u64;
    usize::try_from(turn.wrapping_mul(STRIDE) % points).unwrap_or_default()
}

/// Values of two decimals from 20.00 to 22.99.
pub(crate) struct Values(u64);

impl Values {
    pub(crate) fn new() -> Self {
        Self(SEED)
    }

    /// Appends the next value as JSON.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let hundredths = 2000 + self.0 % 300;
        let digit = |of: u64| b'0' + u8::try_from(of % 10).unwrap_or_default();
        out.extend_from_slice(&[digit(hundredths / 1000), digit(hundredths / 100), b'.']);
        out.extend_from_slice(&[digit(hundredths / 10), digit(hundredths)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for point in [0, 1, 45, 123_456, 9_999_999] {
            assert_eq!(name(point).len(), NAME_BYTES);
            assert_eq!(point_of(&format!("plantA.{}", name(point))), Some(point));
        }
        for other in ["plc1.connection", "", "linexx.cell01.machine23.ch45.value"] {
            assert_eq!(point_of(other), None, "{other}");
        }
    }

    #[test]
    fn every_point_has_its_turn() {
        let mut seen: Vec<usize> = (0..1000).map(|turn| visited(turn, 1000)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn values_have_two_decimals() {
        let mut values = Values::new();
        for _ in 0..1000 {
            let mut text = Vec::new();
            values.write(&mut text);
            let value: f64 = std::str::from_utf8(&text).unwrap().parse().unwrap();
            assert!(text.len() == 5 && (20.0..23.0).contains(&value), "{value}");
        }
    }
}

//! Chance from a seed: the same on every machine and in every version, which libraries of chance
//! do not promise.

/// The SplitMix64 generator.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// One stream per name, so that adding an endpoint changes no other.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a: short, and fixed for all time.
        let fnv = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(
            name.as_bytes()
                .iter()
                .fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, fnv),
        )
    }

    /// Evenly distributed between -1 and 1.
    pub(crate) fn symmetric(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
        let unit = (z >> 11) as f64 / (1_u64 << 53) as f64;
        unit * 2.0 - 1.0
    }
}

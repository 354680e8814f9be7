//! A password that a foreign protocol carries in clear text, kept and compared as its hash.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A password that is known by its hash only.
#[derive(Clone)]
pub struct Password([u8; 32]);

impl Password {
    /// The password with this text.
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Compares in a time that depends neither on where the two differ nor on the length of ours.
    pub fn is(&self, text: &[u8]) -> bool {
        let other: [u8; 32] = Sha256::digest(text).into();
        self.0.ct_eq(&other).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_itself_is_it() {
        let password = Password::new("sixteen-letters!");
        assert!(password.is(b"sixteen-letters!"));
        for other in [&b""[..], b"sixteen-letters", b"sixteen-letters! ", b"x"] {
            assert!(!password.is(other));
        }
        assert!(!format!("{password:?}").contains("sixteen"));
    }
}

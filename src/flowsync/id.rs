//! The identity of a transaction: 122 random bits, so that nobody guesses one.

use std::fmt;

use uuid::Uuid;

/// Bytes of an id as text.
pub(crate) const ID_BYTES: usize = 36;

/// The identity of a transaction, shaped like a UUID of version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(crate) Uuid);

impl TransactionId {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// From a text, which has to be exactly as this node wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        let mut room = [0; ID_BYTES];
        (id.as_hyphenated().encode_lower(&mut room) == text).then_some(Self(id))
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::TransactionId;

    #[test]
    fn an_id_is_taken_only_as_it_was_written() {
        let id = TransactionId::random();
        let text = id.to_string();
        assert_eq!(TransactionId::parse(&text), Some(id));
        let bare = text.replace('-', "");
        for wrong in [
            text.to_uppercase(),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            bare,
            "+".to_owned(),
            "#".to_owned(),
            String::new(),
        ] {
            // Digits alone have no upper case.
            if wrong != text {
                assert_eq!(TransactionId::parse(&wrong), None, "{wrong}");
            }
        }
    }
}

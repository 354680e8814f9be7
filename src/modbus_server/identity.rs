//! Who this server is, by function code 43 / 14 (section 6.21 of the specification). Pure.

use crate::exception::Exception;

/// Basic and regular objects, one by one too.
const CONFORMITY: u8 = 0x82;
/// The last object of each class.
const BASIC_LAST: u8 = 2;
const REGULAR_LAST: u8 = 5;
/// Bytes of one object, so that all fit into one answer.
const OBJECT_BYTES_MAX: usize = 32;

/// The objects: vendor, product, version, URL, product name, model.
#[derive(Clone, Debug)]
pub(crate) struct Identification([String; 6]);

impl Identification {
    /// Of a program in this version, on a node of this name.
    pub(crate) fn new(version: &str, node: &str) -> Self {
        let texts = ["mainstem", "mainstem-node", version, "", "mainstem", node];
        Self(texts.map(|text| {
            let plain = text
                .chars()
                .filter(|c| c.is_ascii() && !c.is_ascii_control());
            plain.take(OBJECT_BYTES_MAX).collect()
        }))
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, level: u8, object: u8) -> Result<Vec<u8>, Exception> {
        let last = match level {
            1 => BASIC_LAST,
            // There are no extended objects: the regular ones are all there are.
            2 | 3 => REGULAR_LAST,
            4 if object <= REGULAR_LAST => object,
            4 => return Err(Exception::IllegalDataAddress),
            _ => return Err(Exception::IllegalDataValue),
        };
        // A stream that begins with an object that is not there begins anew.
        let first = if object > last { 0 } else { object };
        let ids = first..=last;
        let count = u8::try_from(ids.clone().count()).unwrap_or_default();
        let mut pdu = vec![43, 14, level, CONFORMITY, 0, 0, count];
        for id in ids {
            let text = self.0.get(usize::from(id)).map_or("", String::as_str);
            pdu.extend([id, u8::try_from(text.len()).unwrap_or_default()]);
            pdu.extend_from_slice(text.as_bytes());
        }
        Ok(pdu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_single_objects() {
        let own = Identification::new("1.2.3", "line\u{e4}1");
        let basic = own.answer(1, 0).unwrap();
        assert_eq!(basic[..7], [43, 14, 1, 0x82, 0, 0, 3]);
        assert!(basic.ends_with(b"\x02\x051.2.3"), "{basic:?}");
        let model = own.answer(4, 5).unwrap();
        assert_eq!(&model[6..], b"\x01\x05\x05line1");
        assert_eq!(own.answer(4, 6), Err(Exception::IllegalDataAddress));
        assert_eq!(own.answer(9, 0), Err(Exception::IllegalDataValue));
        assert_eq!(own.answer(1, 200), own.answer(1, 0));
        let long = Identification::new(&"x".repeat(500), &"y".repeat(500));
        assert!(long.answer(3, 0).unwrap().len() < 253);
    }
}

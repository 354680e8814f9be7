//! The query of the route: `1*<timestamp>*<password>`, as it is or percent-encoded.

/// What came, before anybody knows whether the password is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The time stamp, if it is a whole number above 0.
    pub(super) timestamp: Option<u64>,
    /// The bytes in the place of the password.
    pub(super) password: Vec<u8>,
}

/// The readings of a query: percent-encoded, and as it stands, for a client that encodes nothing.
pub(super) fn readings(query: &str) -> [Option<Asked>; 2] {
    [asked(&decoded(query)), asked(query.as_bytes())]
}

/// The first field is the constant `1`; what stands behind the second `*` is the password, further
/// `*` included.
fn asked(query: &[u8]) -> Option<Asked> {
    let mut fields = query.splitn(3, |&byte| byte == b'*');
    if fields.next()? != b"1" {
        return None;
    }
    let timestamp = std::str::from_utf8(fields.next()?).ok();
    let digits = timestamp.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    Some(Asked {
        timestamp: digits
            .and_then(|text| text.parse().ok())
            .filter(|&number| number > 0),
        password: fields.next()?.to_vec(),
    })
}

/// `%41` is `A`; what is no such thing stays, and so does `+`.
fn decoded(query: &str) -> Vec<u8> {
    let bytes = query.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escaped(&bytes[at..]) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (Option<u64>, String) {
        let asked = readings(query)[0].take_password();
        (asked.0, String::from_utf8(asked.1).unwrap())
    }

    trait Take {
        fn take_password(&self) -> (Option<u64>, Vec<u8>);
    }

    impl Take for Option<Asked> {
        fn take_password(&self) -> (Option<u64>, Vec<u8>) {
            let asked = self.as_ref().unwrap();
            (asked.timestamp, asked.password.clone())
        }
    }

    #[test]
    fn the_three_fields_are_found() {
        assert_eq!(read("1*1*secret"), (Some(1), "secret".into()));
        assert_eq!(read("1%2a17%2Ase%63ret"), (Some(17), "secret".into()));
        assert_eq!(read("1*5*a*b%25%zz+"), (Some(5), "a*b%%zz+".into()));
        for odd in [
            "1*0*p",
            "1*-1*p",
            "1**p",
            "1*1e3*p",
            "1*+1*p",
            "1*99999999999999999999*p",
        ] {
            assert_eq!(read(odd), (None, "p".into()), "{odd}");
        }
        for none in ["", "1", "1*1", "2*1*p", "11*1*p", "*1*p"] {
            assert_eq!(readings(none), [None, None], "{none}");
        }
    }

    #[test]
    fn a_password_that_looks_encoded_is_found_as_it_stands() {
        let [encoded, plain] = readings("1*1*50%41off");
        assert_eq!(encoded.unwrap().password, b"50Aoff");
        assert_eq!(plain.unwrap().password, b"50%41off");
    }
}

//! Records of CSV (RFC 4180). Pure.

/// A quote that never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unended;

/// The records of a text, one after the other; an empty line is a record of one empty field.
pub(crate) fn records(text: &str) -> impl Iterator<Item = Result<Vec<String>, Unended>> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        match record(text) {
            Ok((fields, behind)) => {
                rest = Some(behind).filter(|behind| !behind.is_empty());
                Some(Ok(fields))
            }
            Err(unended) => {
                rest = None;
                Some(Err(unended))
            }
        }
    })
}

fn record(text: &str) -> Result<(Vec<String>, &str), Unended> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, behind) = field(rest)?;
        fields.push(field);
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => {
                let behind = behind.strip_prefix('\r').unwrap_or(behind);
                return Ok((fields, behind.strip_prefix('\n').unwrap_or(behind)));
            }
        }
    }
}

fn field(text: &str) -> Result<(String, &str), Unended> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let (field, behind) = text.split_at(end);
        return match field.strip_suffix('\r') {
            Some(field) if !behind.starts_with(',') => Ok((field.to_owned(), behind)),
            _ => Ok((field.to_owned(), behind)),
        };
    };
    let mut field = String::new();
    loop {
        let end = rest.find('"').ok_or(Unended)?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(behind) => {
                field.push('"');
                rest = behind;
            }
            None => {
                // What stands between a closing quote and the next separator belongs to nothing.
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                return Ok((field, &rest[end..]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_ends_of_lines() {
        let text = "a,\"b \"\"c\"\",\nd\",\r\n\r\n,x";
        let all: Vec<Vec<String>> = records(text).map(Result::unwrap).collect();
        assert_eq!(all, [vec!["a", "b \"c\",\nd", ""], vec![""], vec!["", "x"]]);
        assert_eq!(records("a,\"b").last(), Some(Err(Unended)));
        assert_eq!(records("").count(), 0);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        let letters = ['"', ',', '\n', '\r', 'ä'];
        for number in 0..letters.len().pow(6) {
            let pick = |place: u32| letters[number / letters.len().pow(place) % letters.len()];
            let text: String = (0..6).map(pick).collect();
            assert!(records(&text).count() <= 7, "{text:?}");
        }
    }
}

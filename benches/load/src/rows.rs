//! Rows of a frame: a quick look at lines of plain rows, and serde for everything else.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a reader needs of a line.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Line {
    #[serde(default)]
    pub(crate) define: Vec<Define>,
    #[serde(default)]
    pub(crate) end: bool,
    #[serde(default)]
    pub(crate) gap: Option<Gap>,
    #[serde(default)]
    t: i64,
    #[serde(default)]
    r: Vec<Row>,
}

/// A number and its name.
#[derive(Debug, Deserialize)]
pub(crate) struct Define {
    pub(crate) id: u32,
    pub(crate) name: String,
}

/// Entries that will not come.
#[derive(Debug, Deserialize)]
pub(crate) struct Gap {
    pub(crate) count: u64,
}

#[derive(Debug)]
struct Row(u32, i64);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> serde::de::Visitor<'de> for Columns {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a row")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut row: A) -> Result<Row, A::Error> {
                let missing = |index| serde::de::Error::invalid_length(index, &self);
                let id = row.next_element()?.ok_or_else(|| missing(0))?;
                let dt = row.next_element()?.ok_or_else(|| missing(1))?;
                while row.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Row(id, dt))
            }
        }
        deserializer.deserialize_seq(Columns)
    }
}

/// Reads a line of plain rows into `found` as numbers and stamps. `false` if it is anything else.
pub(crate) fn quick(line: &[u8], found: &mut Vec<(u32, i64)>) -> bool {
    found.clear();
    read(line, found).is_some()
}

fn read(line: &[u8], found: &mut Vec<(u32, i64)>) -> Option<()> {
    let mut rest = line.strip_prefix(b"{\"t\":")?;
    let mut time = integer(&mut rest)?;
    // Only numbers stand between the time and the rows.
    let rows = memchr::memchr(b'[', rest)?;
    rest = rest[..rows]
        .ends_with(b"\"r\":")
        .then(|| &rest[rows + 1..])?;
    loop {
        rest = rest.strip_prefix(b"[")?;
        let id = u32::try_from(integer(&mut rest)?).ok()?;
        rest = rest.strip_prefix(b",")?;
        time += integer(&mut rest)?;
        rest = rest.strip_prefix(b",")?;
        // A text or a list may hold brackets of its own.
        if !matches!(rest.first()?, b'0'..=b'9' | b'-' | b't' | b'f' | b'n') {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == b']')?;
        found.push((id, time));
        match &rest[end + 1..] {
            [b',', more @ ..] => rest = more,
            [b']', ..] => return Some(()),
            _ => return None,
        }
    }
}

fn integer(rest: &mut &[u8]) -> Option<i64> {
    let text: &[u8] = rest;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let negative = digits.len() < text.len();
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 || length > 18 {
        return None;
    }
    let number = digits[..length]
        .iter()
        .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    *rest = &digits[length..];
    Some(if negative { -number } else { number })
}

impl Line {
    /// Numbers and stamps of the rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u32, i64)> {
        self.r.iter().scan(self.t, |time, Row(id, dt)| {
            *time += dt;
            Some((*id, *time))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same() {
        let mut found = Vec::new();
        for (text, is_quick) in [
            (
                r#"{"t":1763620445123456,"o":7,"r":[[1,0,21.53],[2,-5,true,3,9]],"s":8}"#,
                true,
            ),
            (r#"{"t":5,"o":7,"c":1,"r":[[1,0,null]]}"#, true),
            (r#"{"t":5,"o":7,"r":[[1,0,"a]"],[2,3,1]],"s":8}"#, false),
            (r#"{"t":5,"o":7,"r":[[1,0,[1,2]],[2,3,1]],"s":8}"#, false),
            (r#"{"s":8}"#, false),
        ] {
            let line: Line = serde_json::from_str(text).unwrap();
            assert_eq!(quick(text.as_bytes(), &mut found), is_quick, "{text}");
            if is_quick {
                assert_eq!(found, line.rows().collect::<Vec<_>>(), "{text}");
            }
        }
    }

    #[test]
    fn other_members_are_read() {
        let text = r#"{"hello":{"node":"x"},"define":[{"id":3,"name":"a","type":"f64"}]}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!((line.define[0].id, line.define[0].name.as_str()), (3, "a"));
        let line: Line = serde_json::from_str(r#"{"gap":{"from":1,"to":4,"count":3}}"#).unwrap();
        assert_eq!(line.gap.unwrap().count, 3);
    }
}

//! What messages say, for people who look at the wire. Pure.

/// Characters of a payload that are shown; all of it stands in the bytes.
const SHOWN_CHARS_MAX: usize = 120;

/// A message that is published, by whomever.
pub(crate) fn published(topic: &str, payload: &[u8], qos: u8, is_retained: bool) -> String {
    let kept = if is_retained { ", retained" } else { "" };
    let shown = match std::str::from_utf8(payload) {
        Ok(text) => {
            let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
            let mut shown: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
            if chars.next().is_some() {
                shown.push('…');
            }
            shown
        }
        Err(_) => format!("{} bytes", payload.len()),
    };
    format!("PUBLISH {topic} with QoS {qos}{kept}: {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        assert_eq!(
            published("a", b"x\ny", 1, true),
            "PUBLISH a with QoS 1, retained: x y"
        );
        assert_eq!(
            published("a", &[0xFF], 0, false),
            "PUBLISH a with QoS 0: 1 bytes"
        );
        let long = published("a", &[b'x'; 1000], 0, false);
        assert!(long.ends_with('…') && long.len() < 200);
    }
}

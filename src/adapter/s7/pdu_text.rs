//! What S7 PDUs say, for people who look at the wire. Pure; takes any bytes.

use crate::fault;

/// Items shown of one PDU.
const SHOWN_MAX: usize = 8;
const ITEM: usize = 12;

/// A request or an answer.
pub(crate) fn of(pdu: &[u8]) -> String {
    let [0x32, kind, _, _, r0, r1, p0, p1, _, _, rest @ ..] = pdu else {
        return format!("{} bytes that are no S7 PDU", pdu.len());
    };
    let reference = u16::from_be_bytes([*r0, *r1]);
    let parameters = usize::from(u16::from_be_bytes([*p0, *p1]));
    let said = match kind {
        1 => job(rest.get(..parameters).unwrap_or(rest)),
        2 | 3 => answer(rest, parameters),
        other => format!("a PDU of the kind {other}"),
    };
    format!("#{reference} {said}")
}

fn job(parameters: &[u8]) -> String {
    match parameters {
        [0xF0, ..] => format!("asks for PDUs of {} bytes", last_word(parameters)),
        [function @ (4 | 5), count, items @ ..] => {
            let verb = if *function == 4 { "read" } else { "write" };
            let shown: Vec<String> = items.chunks(ITEM).take(SHOWN_MAX).map(item).collect();
            let more = if usize::from(*count) > SHOWN_MAX {
                " …"
            } else {
                ""
            };
            format!("{verb} {}{more}", shown.join(", "))
        }
        [function, ..] => format!("function {function:#04x}"),
        [] => "a job without a function".to_owned(),
    }
}

fn item(item: &[u8]) -> String {
    let [
        0x12,
        0x0A,
        0x10,
        transport,
        c0,
        c1,
        d0,
        d1,
        area,
        a0,
        a1,
        a2,
    ] = *item
    else {
        return "an item of another form".to_owned();
    };
    let (count, db) = (u16::from_be_bytes([c0, c1]), u16::from_be_bytes([d0, d1]));
    let place = u32::from_be_bytes([0, a0, a1, a2]);
    let name = match area {
        0x81 => "inputs ".to_owned(),
        0x82 => "outputs ".to_owned(),
        0x83 => "flags ".to_owned(),
        0x84 => format!("DB{db} "),
        0x1C => return format!("{count} counters from {place}"),
        0x1D => return format!("{count} timers from {place}"),
        other => format!("area {other:#04x} "),
    };
    match transport {
        1 => format!("{name}bit {}.{}", place / 8, place % 8),
        _ => {
            let start = place / 8;
            let last = start + u32::from(count.max(1)) - 1;
            format!("{name}bytes {start} to {last}")
        }
    }
}

fn answer(rest: &[u8], parameters: usize) -> String {
    let [class, code, rest @ ..] = rest else {
        return "an answer that ends in its header".to_owned();
    };
    if (*class, *code) != (0, 0) {
        return format!("refuses: {}", fault::request(*class, *code).message);
    }
    let Some((parameters, data)) = rest.split_at_checked(parameters) else {
        return "an answer that is shorter than it says".to_owned();
    };
    match parameters {
        [0xF0, ..] => format!("grants PDUs of {} bytes", last_word(parameters)),
        [4, count, ..] => items(usize::from(*count), data),
        [5, count, ..] => {
            let shown: Vec<String> = data
                .iter()
                .take(SHOWN_MAX)
                .map(|code| word(*code))
                .collect();
            format!("{count} written: {}", shown.join(", "))
        }
        [function, ..] => format!("answers function {function:#04x}"),
        [] => "acknowledges".to_owned(),
    }
}

fn items(count: usize, mut data: &[u8]) -> String {
    let mut shown = Vec::new();
    for _ in 0..count.min(SHOWN_MAX) {
        let [code, transport, high, low, rest @ ..] = data else {
            break;
        };
        if *code != 0xFF {
            shown.push(word(*code));
            data = rest;
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let length = if matches!(transport, 3..=5) {
            length.div_ceil(8)
        } else {
            length
        };
        shown.push(format!("{length} bytes"));
        data = rest.get(length + length % 2..).unwrap_or_default();
    }
    let more = if count > SHOWN_MAX { " …" } else { "" };
    format!("{count} read: {}{more}", shown.join(", "))
}

fn word(code: u8) -> String {
    match code {
        0xFF => "done".to_owned(),
        _ => {
            let fault = fault::item(code);
            format!("{} ({code:#04x})", fault.code)
        }
    }
}

fn last_word(bytes: &[u8]) -> u16 {
    match bytes {
        [.., high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Area;
    use crate::block::Span;
    use crate::pdu;

    fn span(area: Area, db: u16, start: u32, count: u32) -> Span {
        Span {
            area,
            db,
            start,
            count,
        }
    }

    #[test]
    fn pdus_say_what_they_mean() {
        let block = span(Area::Block, 1, 4, 8);
        let cases = [
            (pdu::setup_request(1, 960), "#1 asks for PDUs of 960 bytes"),
            (
                pdu::read_request(2, &[block, span(Area::Flags, 0, 10, 1)]),
                "#2 read DB1 bytes 4 to 11, flags bytes 10 to 10",
            ),
            (
                pdu::write_bit_request(3, block, 5, true),
                "#3 write DB1 bit 4.5",
            ),
            (
                vec![
                    0x32, 3, 0, 0, 0, 2, 0, 2, 0, 10, 0, 0, 4, 2, 0xFF, 4, 0, 16, 7, 8, 0x0A, 0, 0,
                    0,
                ],
                "#2 2 read: 2 bytes, no_such_object (0x0a)",
            ),
            (
                vec![0x32, 3, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 5, 1, 0xFF],
                "#3 1 written: done",
            ),
            (vec![1, 2, 3], "3 bytes that are no S7 PDU"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(of(&bytes), expected);
        }
    }

    #[test]
    fn any_bytes_are_taken() {
        let real = pdu::read_request(2, &[span(Area::Block, 1, 0, 4); 12]);
        for end in 0..real.len() {
            assert!(!of(&real[..end]).is_empty());
        }
        let answer = [
            0x32, 3, 0, 0, 0, 2, 0, 2, 0, 10, 0, 0, 4, 200, 0xFF, 9, 0xFF, 0xFF, 7,
        ];
        for end in 0..answer.len() {
            for byte in [0, 1, 2, 4, 5, 0xF0, 0xFF] {
                let mut bytes = answer[..end].to_vec();
                bytes.push(byte);
                assert!(!of(&bytes).is_empty());
            }
        }
    }
}

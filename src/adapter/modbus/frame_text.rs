//! What the frames of Modbus say, for people who look at the wire. Pure; takes any bytes.

use mainstem_adapter::Direction;
use tokio_modbus::ExceptionCode;

use crate::exception::explain;

/// Bytes before the unit in a frame of Modbus TCP: transaction, protocol, length.
const MBAP: usize = 6;
/// Bytes behind a serial frame.
const CHECKSUM: usize = 2;
/// Values shown of one answer.
const SHOWN_MAX: usize = 16;

/// A frame of Modbus TCP.
pub(crate) fn tcp(direction: Direction, bytes: &[u8]) -> String {
    let whole = bytes.split_at_checked(MBAP).and_then(|(header, frame)| {
        let [a, b, 0, 0, high, low] = *header else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        (frame.len() == length).then_some((u16::from_be_bytes([a, b]), frame))
    });
    match whole {
        Some((transaction, frame)) => format!("#{transaction} {}", of(direction, frame)),
        None => format!(
            "{} bytes that are no single frame of Modbus TCP",
            bytes.len()
        ),
    }
}

/// A serial frame.
pub(crate) fn serial(direction: Direction, bytes: &[u8]) -> String {
    match bytes.len().checked_sub(CHECKSUM) {
        Some(end) if end >= 2 => of(direction, &bytes[..end]),
        _ => format!("{} bytes of a serial frame", bytes.len()),
    }
}

/// Unit and PDU.
fn of(direction: Direction, frame: &[u8]) -> String {
    let [unit, code, data @ ..] = frame else {
        return "too short for a unit and a function code".to_owned();
    };
    let said = match code {
        0x80.. => exception(*code, data),
        _ if direction == Direction::Sent => request(*code, data),
        _ => answer(*code, data),
    };
    format!("unit {unit}: {said}")
}

fn name(code: u8) -> &'static str {
    match code {
        1 => "read coils",
        2 => "read discrete inputs",
        3 => "read holding registers",
        4 => "read input registers",
        5 => "write one coil",
        6 => "write one register",
        15 => "write coils",
        16 => "write registers",
        _ => "another function",
    }
}

fn request(code: u8, data: &[u8]) -> String {
    let name = name(code);
    match (code, data) {
        (1..=4 | 15 | 16, [a, b, c, d, ..]) => {
            let (start, count) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            let last = u32::from(start) + u32::from(count.max(1)) - 1;
            format!("{name} {start} to {last} (function code {code})")
        }
        (5 | 6, [a, b, c, d]) => {
            let (at, value) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            format!("{name} {at}: {value} (function code {code})")
        }
        _ => format!("{name} (function code {code}, {} bytes)", data.len()),
    }
}

fn answer(code: u8, data: &[u8]) -> String {
    let name = name(code);
    match (code, data) {
        (3 | 4, [count, words @ ..]) if usize::from(*count) == words.len() => {
            let pairs = words.chunks_exact(2).take(SHOWN_MAX);
            let shown: Vec<String> = pairs
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]).to_string())
                .collect();
            let more = if words.len() / 2 > SHOWN_MAX {
                " …"
            } else {
                ""
            };
            format!("{} registers: {}{more}", words.len() / 2, shown.join(" "))
        }
        (1 | 2, [count, bits @ ..]) if usize::from(*count) == bits.len() => {
            let bytes = bits.iter().take(SHOWN_MAX);
            // The first bit is the lowest of its byte, and stands first here.
            let shown: Vec<String> = bytes
                .map(|byte| format!("{:08b}", byte.reverse_bits()))
                .collect();
            let more = if bits.len() > SHOWN_MAX { " …" } else { "" };
            format!("bits: {}{more}", shown.join(" "))
        }
        (5 | 6 | 15 | 16, _) => request(code, data),
        _ => format!("{name} (function code {code}, {} bytes)", data.len()),
    }
}

fn exception(code: u8, data: &[u8]) -> String {
    let name = name(code & 0x7F);
    let Some(number) = data.first() else {
        return format!("refuses to {name}, and says no reason");
    };
    let said = explain(ExceptionCode::new(*number));
    format!(
        "refuses to {name}: {} ({}): {}",
        said.name, number, said.meaning
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_what_they_mean() {
        let cases: [(Direction, &[u8], &str); 6] = [
            (
                Direction::Sent,
                &[0, 7, 0, 0, 0, 6, 1, 3, 0, 10, 0, 2],
                "#7 unit 1: read holding registers 10 to 11 (function code 3)",
            ),
            (
                Direction::Received,
                &[0, 7, 0, 0, 0, 7, 1, 3, 4, 0, 1, 1, 0],
                "#7 unit 1: 2 registers: 1 256",
            ),
            (
                Direction::Received,
                &[0, 8, 0, 0, 0, 4, 1, 1, 1, 0b101],
                "#8 unit 1: bits: 10100000",
            ),
            (
                Direction::Received,
                &[0, 9, 0, 0, 0, 3, 1, 0x83, 2],
                "#9 unit 1: refuses to read holding registers: IllegalDataAddress (2): the device \
                 has no such address",
            ),
            (
                Direction::Sent,
                &[0, 10, 0, 0, 0, 6, 2, 6, 0, 1, 0, 5],
                "#10 unit 2: write one register 1: 5 (function code 6)",
            ),
            (
                Direction::Received,
                &[0, 9, 0, 0, 0, 30, 1],
                "7 bytes that are no single frame of Modbus TCP",
            ),
        ];
        for (direction, bytes, expected) in cases {
            assert_eq!(tcp(direction, bytes), expected);
        }
        let text = serial(Direction::Sent, &[1, 4, 0, 0, 0, 1, 0x31, 0xCA]);
        assert_eq!(
            text,
            "unit 1: read input registers 0 to 0 (function code 4)"
        );
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut bytes = Vec::new();
        for step in 0..600_u16 {
            for direction in [Direction::Sent, Direction::Received] {
                assert!(!tcp(direction, &bytes).is_empty());
                assert!(!serial(direction, &bytes).is_empty());
                assert!(!of(direction, &bytes).is_empty());
            }
            bytes.push(step.wrapping_mul(37).to_be_bytes()[1]);
        }
        for code in 0..=255 {
            for data in [&[][..], &[1], &[255, 255, 255, 255], &[2, 0, 0]] {
                assert!(!request(code, data).is_empty() && !answer(code, data).is_empty());
                assert!(!exception(code, data).is_empty());
            }
        }
    }
}

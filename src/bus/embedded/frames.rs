//! The lengths and kinds of the packets in a client's bytes: pure, before anything is decoded.

use super::gate::Breach;
use super::limits::CONNECT_BYTES_MAX;

const CONNECT: u8 = 1;
/// The most bytes of a remaining length.
const LENGTH_BYTES: u8 = 4;

/// Watches the packets of one client go by.
#[derive(Debug)]
pub(super) struct Frames {
    packet_bytes: usize,
    has_connected: bool,
    at: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Kind,
    Length { kind: u8, value: usize, bytes: u8 },
    Body { left: usize },
}

impl Frames {
    pub(super) fn new(packet_bytes: usize) -> Self {
        Self {
            packet_bytes,
            has_connected: false,
            at: Place::Kind,
        }
    }

    /// Whether these bytes may go on to the broker.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> Result<(), Breach> {
        while let Some((first, rest)) = bytes.split_first() {
            match self.at {
                Place::Kind => {
                    let kind = first >> 4;
                    self.begin(kind)?;
                    self.at = Place::Length {
                        kind,
                        value: 0,
                        bytes: 0,
                    };
                    bytes = rest;
                }
                Place::Length {
                    kind,
                    value,
                    bytes: read,
                } => {
                    self.at = self.length(kind, value, read, *first)?;
                    bytes = rest;
                }
                Place::Body { left } => {
                    let taken = left.min(bytes.len());
                    self.at = body(left - taken);
                    bytes = &bytes[taken..];
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, kind: u8) -> Result<(), Breach> {
        match (kind, self.has_connected) {
            (CONNECT, false) => Ok(()),
            (_, false) => Err(Breach::NotConnect),
            (CONNECT, true) => Err(Breach::SecondConnect),
            // CONNACK, SUBACK, UNSUBACK and PINGRESP are a broker's, 0 is nobody's.
            (0 | 2 | 9 | 11 | 13, true) => Err(Breach::Direction),
            _ => Ok(()),
        }
    }

    fn length(&mut self, kind: u8, value: usize, read: u8, byte: u8) -> Result<Place, Breach> {
        let value = value | (usize::from(byte & 0x7f) << (7 * read));
        if byte & 0x80 != 0 {
            return match read + 1 < LENGTH_BYTES {
                true => Ok(Place::Length {
                    kind,
                    value,
                    bytes: read + 1,
                }),
                false => Err(Breach::Length),
            };
        }
        let max = match self.has_connected {
            true => self.packet_bytes,
            false => CONNECT_BYTES_MAX.min(self.packet_bytes),
        };
        if value > max {
            return Err(Breach::TooLong(value));
        }
        self.has_connected = true;
        Ok(body(value))
    }
}

fn body(left: usize) -> Place {
    match left {
        0 => Place::Kind,
        left => Place::Body { left },
    }
}

#[cfg(test)]
mod tests {
    use super::{Breach, CONNECT_BYTES_MAX, Frames};

    const CONNECT: [u8; 4] = [0x10, 2, 0, 0];

    #[test]
    fn packets_pass_however_they_are_cut() {
        let mut stream = CONNECT.to_vec();
        stream.extend([0xc0, 0]);
        stream.extend([0x30, 0x80, 0x01]);
        stream.extend([7; 128]);
        stream.extend([0xe0, 0]);
        for size in 1..stream.len() {
            let mut frames = Frames::new(1000);
            for part in stream.chunks(size) {
                frames.pass(part).unwrap();
            }
        }
    }

    #[test]
    fn what_breaks_the_limits_does_not_pass() {
        let after = |bytes: &[u8]| {
            let mut frames = Frames::new(1000);
            frames.pass(&CONNECT).unwrap();
            frames.pass(bytes)
        };
        let first = |bytes: &[u8]| Frames::new(1 << 20).pass(bytes);
        // 268,435,455 bytes are announced before anybody knows who it is.
        let huge = Breach::TooLong(268_435_455);
        assert_eq!(first(&[0x10, 0xff, 0xff, 0xff, 0x7f]), Err(huge.clone()));
        assert_eq!(after(&[0x30, 0xff, 0xff, 0xff, 0x7f]), Err(huge));
        assert_eq!(after(&[0x30, 0xe9, 0x07]), Err(Breach::TooLong(1001)));
        assert_eq!(after(&[0x30, 0xe8, 0x07]), Ok(()));
        assert_eq!(
            first(&[0x10, 0x81, 0x80, 0x02]),
            Err(Breach::TooLong(CONNECT_BYTES_MAX + 1))
        );
        assert_eq!(
            after(&[0x30, 0x80, 0x80, 0x80, 0x80, 0x01]),
            Err(Breach::Length)
        );
        assert_eq!(first(&[0xc0, 0]), Err(Breach::NotConnect));
        assert_eq!(first(b"GET / HTTP/1.1"), Err(Breach::NotConnect));
        assert_eq!(after(&CONNECT), Err(Breach::SecondConnect));
        assert_eq!(after(&[0x20, 2, 0, 0]), Err(Breach::Direction));
        assert_eq!(after(&[0x00, 0]), Err(Breach::Direction));
    }
}

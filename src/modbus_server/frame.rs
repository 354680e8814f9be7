//! The header of Modbus TCP (*Messaging on TCP/IP Implementation Guide V1.0b*, 3.1.3). Pure.

/// Bytes of the header: transaction, protocol, length, unit.
pub(crate) const HEADER_BYTES: usize = 7;
/// Bytes of a function code with its data.
pub(crate) const PDU_BYTES_MAX: usize = 253;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The client's number of the request.
    pub(crate) transaction: u16,
    /// The unit that is meant.
    pub(crate) unit: u8,
    /// Bytes that follow: at least a function code, at most as many as there can be.
    pub(crate) pdu_bytes: usize,
}

/// Why bytes are no header: nothing that follows can be made sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// Another protocol.
    #[error("protocol {0} where Modbus has 0")]
    Protocol(u16),
    /// A length that no frame has.
    #[error("a length of {0}, where 2 to 254 are possible")]
    Length(u16),
}

/// Reads a header.
pub(crate) fn header(bytes: [u8; HEADER_BYTES]) -> Result<Header, Malformed> {
    let [t0, t1, p0, p1, l0, l1, unit] = bytes;
    let (protocol, length) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([l0, l1]));
    if protocol != 0 {
        return Err(Malformed::Protocol(protocol));
    }
    // The unit counts, too.
    let pdu_bytes = usize::from(length).saturating_sub(1);
    if pdu_bytes == 0 || pdu_bytes > PDU_BYTES_MAX {
        return Err(Malformed::Length(length));
    }
    Ok(Header {
        transaction: u16::from_be_bytes([t0, t1]),
        unit,
        pdu_bytes,
    })
}

/// The frame that answers a request.
pub(crate) fn answer(asked: Header, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX);
    let mut frame = Vec::with_capacity(HEADER_BYTES + pdu.len());
    frame.extend(asked.transaction.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(length.to_be_bytes());
    frame.push(asked.unit);
    frame.extend_from_slice(pdu);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lengths_that_a_frame_has_are_taken() {
        let with = |length: u16| {
            let [high, low] = length.to_be_bytes();
            header([1, 2, 0, 0, high, low, 9])
        };
        for length in [0, 1, 255, 65_535] {
            assert_eq!(with(length), Err(Malformed::Length(length)));
        }
        let found = with(254).unwrap();
        assert_eq!(
            (found.transaction, found.unit, found.pdu_bytes),
            (258, 9, 253)
        );
        assert_eq!(with(2).unwrap().pdu_bytes, 1);
        assert_eq!(header([0, 0, 1, 0, 0, 6, 1]), Err(Malformed::Protocol(256)));
    }

    #[test]
    fn an_answer_has_the_number_and_the_unit_of_its_request() {
        let asked = header([1, 2, 0, 0, 0, 6, 9]).unwrap();
        assert_eq!(answer(asked, &[0x83, 2]), [1, 2, 0, 0, 0, 3, 9, 0x83, 2]);
    }
}

//! The encapsulation of EtherNet/IP: a header of 24 bytes, and what carries a CIP message. Pure.
//! Nothing that a controller announces is believed before it was compared with what was asked.

/// Bytes of a header.
pub(crate) const HEADER: usize = 24;
/// The longest body that is taken; answers to what is asked here have some hundred bytes.
const BODY_MAX: usize = 4096;
/// Opens a session.
pub(crate) const REGISTER: u16 = 0x65;
/// Carries a request and its answer.
pub(crate) const SEND: u16 = 0x6F;
/// Bytes before the CIP message in the body.
const ITEMS: usize = 16;
/// The item that says that no connection is meant.
const NO_ADDRESS: u16 = 0;
/// The item with the message.
const MESSAGE: u16 = 0xB2;
/// The service that hands a message on, at the connection manager.
pub(crate) const HAND_ON: u8 = 0x52;
/// How long a module on the way keeps a message: 2^10 ms, ten times.
const PATIENCE: [u8; 2] = [0x0A, 10];

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the frame is.
    pub(crate) command: u16,
    /// Bytes that follow.
    pub(crate) length: usize,
    /// The session.
    pub(crate) session: u32,
    /// What is wrong, or 0.
    pub(crate) status: u32,
    /// What the asker made up, to know the answer by it.
    pub(crate) context: u64,
}

fn frame(command: u16, session: u32, context: u64, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend(command.to_le_bytes());
    frame.extend(length.to_le_bytes());
    frame.extend(session.to_le_bytes());
    frame.extend([0; 4]);
    frame.extend(context.to_le_bytes());
    frame.extend([0; 4]);
    frame.extend(body);
    frame
}

/// The request for a session.
pub(crate) fn register(context: u64) -> Vec<u8> {
    frame(REGISTER, 0, context, &[1, 0, 0, 0])
}

/// A CIP message on its way.
pub(crate) fn send(session: u32, context: u64, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut body = Vec::with_capacity(ITEMS + message.len());
    body.extend([0; 6]);
    body.extend(2u16.to_le_bytes());
    body.extend(NO_ADDRESS.to_le_bytes());
    body.extend([0; 2]);
    body.extend(MESSAGE.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(message);
    frame(SEND, session, context, &body)
}

/// A message for what stands at the end of a way; the message itself if there is no way to go.
pub(crate) fn routed(message: &[u8], route: &[u8]) -> Vec<u8> {
    if route.is_empty() {
        return message.to_vec();
    }
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut whole = vec![HAND_ON, 2, 0x20, 6, 0x24, 1];
    whole.extend(PATIENCE);
    whole.extend(length.to_le_bytes());
    whole.extend(message);
    if message.len() % 2 == 1 {
        whole.push(0);
    }
    whole.extend([u8::try_from(route.len() / 2).unwrap_or(u8::MAX), 0]);
    whole.extend(route);
    whole
}

/// What a header says.
pub(crate) fn header(bytes: [u8; HEADER]) -> Result<Header, String> {
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
    let length = usize::from(word(2));
    if length > BODY_MAX {
        return Err(format!("a frame announces {length} bytes"));
    }
    Ok(Header {
        command: word(0),
        length,
        session: long(4),
        status: long(8),
        context: u64::from(long(12)) | u64::from(long(16)) << 32,
    })
}

/// The CIP message in the body of an answer.
pub(crate) fn message(body: &[u8]) -> Result<&[u8], String> {
    let word = |at: usize| {
        body.get(at..at + 2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
    };
    let is_plain = word(6) == Some(2) && word(8) == Some(NO_ADDRESS) && word(10) == Some(0);
    if !is_plain || word(12) != Some(MESSAGE) {
        return Err("the answer carries no message".to_owned());
    }
    let message = body.get(ITEMS..).unwrap_or_default();
    match word(14).map(usize::from) == Some(message.len()) {
        true => Ok(message),
        false => Err("the lengths in the answer contradict each other".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_out_of_its_frame() {
        let frame = send(0x1122_3344, 7, &[1, 2, 3]);
        let (head, body) = frame.split_at(HEADER);
        let header = header(head.try_into().unwrap()).unwrap();
        let expected = Header {
            command: SEND,
            length: 19,
            session: 0x1122_3344,
            status: 0,
            context: 7,
        };
        assert_eq!(header, expected);
        assert_eq!(message(body), Ok(&[1, 2, 3][..]));
        for end in 0..body.len() {
            assert!(message(&body[..end]).is_err());
        }
    }

    #[test]
    fn a_message_behind_a_way_is_padded() {
        let whole = routed(&[1, 2, 3], &[1, 0]);
        assert_eq!(whole[..10], [0x52, 2, 0x20, 6, 0x24, 1, 0x0A, 10, 3, 0]);
        assert_eq!(whole[10..], [1, 2, 3, 0, 1, 0, 1, 0]);
        assert_eq!(routed(&[1], &[]), [1]);
    }

    #[test]
    fn a_header_that_announces_too_much_is_refused() {
        let mut bytes = [0; HEADER];
        bytes[2..4].fill(0xFF);
        assert!(header(bytes).is_err());
    }
}

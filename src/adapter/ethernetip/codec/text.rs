//! Texts: Logix keeps them as structures of a length and characters, CIP knows two forms more.

use mainstem_model::Value;

use super::{EncodeError, Payload};
use crate::data_type::{CIP_SHORT_STRING, CIP_STRING, LOGIX_STRING, STRUCTURE};

/// Characters in Logix' own STRING.
const LOGIX_CHARACTERS: usize = 82;

/// The text in an answer, if it is one.
pub(super) fn decode_text(payload: &Payload) -> Option<Value> {
    let bytes = payload.bytes.as_slice();
    let (length, characters) = match (payload.code, bytes) {
        (STRUCTURE, [a, b, c, d, rest @ ..]) => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
        (CIP_STRING, [low, high, rest @ ..]) => (u16::from_le_bytes([*low, *high]).into(), rest),
        (CIP_SHORT_STRING, [length, rest @ ..]) => (u32::from(*length), rest),
        _ => return None,
    };
    let characters = characters.get(..usize::try_from(length).ok()?)?;
    let text: String = characters.iter().copied().map(char::from).collect();
    Some(Value::text(&text))
}

/// The text in the form that the tag has now, as an answer showed it, so that it never grows over
/// its end. `length` is what the endpoint allows.
pub(crate) fn encode_text(
    now: &Payload,
    text: &str,
    length: Option<u16>,
) -> Result<Vec<u8>, EncodeError> {
    let characters = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).map_err(|_| EncodeError::Character(c)));
    let mut characters = characters.collect::<Result<Vec<u8>, _>>()?;
    let room = now.bytes.len().saturating_sub(4);
    let holds = match (now.code, now.handle) {
        (STRUCTURE, LOGIX_STRING) => LOGIX_CHARACTERS.min(room),
        (STRUCTURE, _) => room,
        (CIP_STRING, _) => usize::from(u16::MAX),
        (CIP_SHORT_STRING, _) => usize::from(u8::MAX),
        _ => {
            let found = super::mismatch(now, "STRING");
            return Err(EncodeError::NoText(found.to_string()));
        }
    };
    let most = length.map_or(holds, |length| holds.min(length.into()));
    let wanted = characters.len();
    if wanted > most {
        return Err(EncodeError::TooLong { most, wanted });
    }
    let count = u32::try_from(wanted).unwrap_or(u32::MAX).to_le_bytes();
    Ok(match now.code {
        STRUCTURE => {
            characters.resize(room, 0);
            [&count[..], &characters].concat()
        }
        CIP_STRING => [&count[..2], &characters].concat(),
        _ => [&count[..1], &characters].concat(),
    })
}

//! What can be read of foreign bytes before anything is decrypted (part 6, 6.7.2 and 7.1.2). Pure.

/// Bytes of the header of every chunk.
pub(crate) const HEADER_BYTES: usize = 8;
const URI_NONE: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
const URI_PREFIX: &str = "http://opcfoundation.org/UA/SecurityPolicy#";
/// Type ids of the binary encodings of requests that need no session.
const FIND_SERVERS: u32 = 422;
const GET_ENDPOINTS: u32 = 428;

/// What a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first message of a connection.
    Hello,
    /// Opens or renews a channel.
    Open,
    /// A request.
    Message,
    /// Closes a channel.
    Close,
}

/// The header of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Whether it is the last one of its message.
    pub(crate) is_final: bool,
    /// Bytes of the chunk, with the header.
    pub(crate) size: usize,
}

/// Why bytes are not let in: an OPC UA status, and a word for the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u32,
    pub(crate) why: &'static str,
}

pub(crate) const TOO_LARGE: Refusal = refusal(0x8080_0000, "too_large");
pub(crate) const MALFORMED: Refusal = refusal(0x807E_0000, "malformed");
pub(crate) const POLICY: Refusal = refusal(0x8055_0000, "security_policy");
pub(crate) const CERTIFICATE: Refusal = refusal(0x801A_0000, "certificate");
pub(crate) const INSECURE: Refusal = refusal(0x8013_0000, "insecure");
pub(crate) const SLOW: Refusal = refusal(0x800A_0000, "timeout");
pub(crate) const BUSY: Refusal = refusal(0x807D_0000, "busy");
pub(crate) const STOPPING: Refusal = refusal(0x800E_0000, "stopping");

const fn refusal(status: u32, why: &'static str) -> Refusal {
    Refusal { status, why }
}

/// The header of a chunk, if its size can be true.
pub(crate) fn header(bytes: &[u8; HEADER_BYTES], size_max: usize) -> Result<Header, Refusal> {
    let [a, b, c, last, size @ ..] = *bytes;
    let kind = match &[a, b, c] {
        b"HEL" => Kind::Hello,
        b"OPN" => Kind::Open,
        b"MSG" => Kind::Message,
        b"CLO" => Kind::Close,
        _ => return Err(MALFORMED),
    };
    if !matches!(last, b'F' | b'C' | b'A') {
        return Err(MALFORMED);
    }
    let size = u32::from_le_bytes(size) as usize;
    if size <= HEADER_BYTES {
        return Err(MALFORMED);
    }
    if size > size_max {
        return Err(TOO_LARGE);
    }
    Ok(Header {
        kind,
        is_final: last == b'F',
        size,
    })
}

/// What an OPN chunk says in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening<'b> {
    /// The last part of the security policy's URI.
    pub(crate) policy: &'b str,
    /// The client's certificate; empty without security.
    pub(crate) certificate: &'b [u8],
}

/// Reads what stands behind the header of an OPN chunk.
pub(crate) fn opening(body: &[u8]) -> Result<Opening<'_>, Refusal> {
    let mut rest = body.get(4..).ok_or(MALFORMED)?;
    let uri = take(&mut rest)?;
    let certificate = take(&mut rest)?;
    let uri = std::str::from_utf8(uri).map_err(|_| MALFORMED)?;
    let policy = uri.strip_prefix(URI_PREFIX).ok_or(POLICY)?;
    Ok(Opening {
        policy: if uri == URI_NONE { "None" } else { policy },
        certificate,
    })
}

/// Whether the body of a MSG chunk on a channel without security is a request for which nobody
/// needs a session.
pub(crate) fn is_discovery(body: &[u8]) -> bool {
    // Channel, token, sequence and request numbers stand before the type of the request.
    let id = match body.get(16..) {
        Some([0, id, ..]) => u32::from(*id),
        Some([1, 0, low, high, ..]) => u32::from(u16::from_le_bytes([*low, *high])),
        Some([2, 0, 0, a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return false,
    };
    matches!(id, FIND_SERVERS | GET_ENDPOINTS)
}

/// An error message to the client.
pub(crate) fn error(refusal: Refusal) -> Vec<u8> {
    let why = refusal.why.as_bytes();
    let length = u32::try_from(why.len()).unwrap_or_default();
    let mut out = b"ERRF".to_vec();
    out.extend((16 + length).to_le_bytes());
    out.extend(refusal.status.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(why);
    out
}

fn take<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], Refusal> {
    let (length, behind) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
    let length = i32::from_le_bytes(*length);
    // A length below 0 is no text at all.
    let length = usize::try_from(length).unwrap_or(0);
    let (taken, behind) = behind.split_at_checked(length).ok_or(MALFORMED)?;
    *rest = behind;
    Ok(taken)
}

#[cfg(test)]
mod tests;

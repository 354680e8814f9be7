//! One connection: a request, its answer, the next request. What a client sends ahead waits in the
//! system's own buffers, which are bounded.

use std::sync::Arc;

use mainstem_security::Principal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer;
use crate::door::Door;
use crate::exception::Exception;
use crate::frame::{self, HEADER_BYTES, Header};
use crate::limits::{ANSWER_MAX, FRAME_MAX};
use crate::peers::Peer;

/// Why a connection ends.
enum End {
    /// The client has gone, or has said nothing for long.
    Gone,
    /// It is refused, for this reason.
    Refused(&'static str, String),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// Serves a client until one of the two ends it.
pub(crate) async fn serve<S>(door: &Door, mut stream: S, peer: &Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let end = tokio::select! {
        biased;
        () = door.stop.cancelled() => End::Gone,
        () = peer.has_to_leave() => {
            End::Refused("yielded", "its place was needed for somebody else".to_owned())
        }
        end = talk(door, &mut stream, peer) => end,
    };
    if let End::Refused(reason, detail) = end {
        door.refusals.tell(peer.ip, reason, &detail);
    }
}

async fn talk<S>(door: &Door, stream: &mut S, peer: &Peer) -> End
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    loop {
        if let Err(end) = exchange(door, stream, peer).await {
            return end;
        }
    }
}

async fn exchange<S>(door: &Door, stream: &mut S, peer: &Peer) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (header, pdu) = next(door, stream).await?;
    peer.heard();
    let who = door.principal();
    if !who.may_come_from(peer.ip) {
        let detail = format!("the role {} may not come from there", who.role);
        return Err(End::Refused("address", detail));
    }
    let (answer, exception) = respond(door, &who, peer, header, &pdu).await;
    door.refusals.answered(exception);
    let frame = frame::answer(header, &answer);
    match timeout(ANSWER_MAX, stream.write_all(&frame)).await {
        Ok(written) => Ok(written?),
        Err(_) => Err(End::Refused(
            "slow",
            "it does not take its answers".to_owned(),
        )),
    }
}

async fn respond(
    door: &Door,
    who: &Arc<Principal>,
    peer: &Peer,
    header: Header,
    pdu: &[u8],
) -> (Vec<u8>, Option<Exception>) {
    let Ok(_permit) = door.requests.try_acquire() else {
        let busy = Exception::ServerDeviceBusy;
        door.refusals
            .tell(peer.ip, "busy", "too many requests are under way");
        let function = pdu.first().copied().unwrap_or_default();
        return (answer::exception(function, busy), Some(busy));
    };
    door.registers.respond(who, peer.ip, header.unit, pdu).await
}

/// The next request. A client may be silent between two, but not within one.
async fn next<S>(door: &Door, stream: &mut S) -> Result<(Header, Vec<u8>), End>
where
    S: AsyncRead + Unpin + Send,
{
    let mut head = [0; HEADER_BYTES];
    let first = timeout(door.idle, stream.read(&mut head)).await;
    let read = first.map_err(|_| End::Gone)??;
    if read == 0 {
        return Err(End::Gone);
    }
    let until = Instant::now() + FRAME_MAX;
    let slow = |_| End::Refused("slow", "its frame did not come to an end".to_owned());
    let rest = head.get_mut(read..).unwrap_or_default();
    timeout_at(until, stream.read_exact(rest))
        .await
        .map_err(slow)??;
    let header = frame::header(head).map_err(|why| End::Refused("malformed", why.to_string()))?;
    let mut pdu = vec![0; header.pdu_bytes];
    timeout_at(until, stream.read_exact(&mut pdu))
        .await
        .map_err(slow)??;
    Ok((header, pdu))
}

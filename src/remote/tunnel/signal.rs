//! What is said over a tunnel that waits: single bytes, until it is turned round.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Still there: from the dialling end, answered with the same.
pub(crate) const STILL: u8 = 0;
/// From now on the dialling end serves: from the other end, answered with the same, after which
/// the other end opens a TLS session as a client.
pub(crate) const BEGIN: u8 = 1;
/// A waiting tunnel over which nothing came for so many keepalives is dead.
pub(crate) const SILENT_KEEPALIVES: u32 = 3;
/// Signs of life that may be under way when a tunnel is turned round.
const UNDER_WAY_MAX: usize = 16;
/// How long the dialling end may take to turn round. A link gives up sooner by itself.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends one signal.
pub(crate) async fn signal(io: &mut (impl AsyncWrite + Unpin), byte: u8) -> io::Result<()> {
    io.write_all(&[byte]).await?;
    io.flush().await
}

/// Asks the dialling end to serve, and waits until it says so: a tunnel that died unnoticed is not
/// used.
pub(crate) async fn begin(io: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let turned = async {
        signal(io, BEGIN).await?;
        for _ in 0..=UNDER_WAY_MAX {
            match io.read_u8().await? {
                BEGIN => return Ok(()),
                STILL => {}
                _ => break,
            }
        }
        Err(io::Error::other("the tunnel was not turned round"))
    };
    tokio::time::timeout(BEGIN_TIMEOUT, turned).await?
}

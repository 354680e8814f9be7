//! Sockets: the file for local clients, and the options of a TCP connection.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::ServeError;
use crate::Congestion;

/// The socket file belongs to the node's user and group.
const SOCKET_MODE: u32 = 0o660;
/// Bytes that the kernel may hold unsent: what is behind a snapshot, a beat or an outcome, comes
/// into the stream in front of the rest.
const UNSENT_BYTES_MAX: u32 = 16 * 1024;
/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Makes the socket file; one that a crashed node left behind is replaced.
pub(super) fn socket_file(path: &Path) -> Result<UnixListener, ServeError> {
    let failed = |source| ServeError::Socket {
        path: path.to_owned(),
        source,
    };
    let left = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if left && std::os::unix::net::UnixStream::connect(path).is_err() {
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
    Ok(listener)
}

/// Connections take over how their listener sends. What the system does not have is left out.
pub(super) fn spread(listener: &TcpListener, congestion: Congestion) {
    let word = match congestion {
        Congestion::Bbr => "bbr",
        Congestion::Cubic => "cubic",
    };
    if let Err(error) = SockRef::from(listener).set_tcp_congestion(word.as_bytes()) {
        tracing::warn!(%error, "the system offers no `congestion: {word}`: its own choice stays");
    }
}

/// Sends at once, holds little back, and notices a peer that is gone.
pub(super) fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let alive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE);
    let tuned = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX))
        .and_then(|()| socket.set_tcp_keepalive(&alive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection keeps the system's options");
    }
}

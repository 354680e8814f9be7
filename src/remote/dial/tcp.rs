//! A TCP connection, straight to where it should lead.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::{DialError, Reaching, Way};

/// After this long without an acknowledgement of what was sent, the kernel gives a connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes that the kernel may hold unsent. A node that dials up serves over what it dialled: what is
/// behind a snapshot, a beat or an outcome, comes into the stream in front of the rest.
const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// Straight to a host.
pub struct TcpWay {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Way for TcpWay {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(async {
            let (socket, from) = connect(&self.host, self.port).await?;
            Ok((Box::new(socket) as _, from))
        })
    }

    fn address(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// Host and port as they stand in an address.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

pub(super) async fn connect(host: &str, port: u16) -> Result<(TcpStream, SocketAddr), DialError> {
    let connected = TcpStream::connect((host, port)).await;
    let tuned = connected.and_then(|socket| {
        tune(&socket)?;
        let from = socket.peer_addr()?;
        Ok((socket, from))
    });
    tuned.map_err(|source| DialError::Connect {
        address: authority(host, port),
        source,
    })
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let options = socket2::SockRef::from(socket);
    options.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    options.set_tcp_user_timeout(Some(USER_TIMEOUT))
}

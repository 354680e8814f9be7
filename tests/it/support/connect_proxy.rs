//! A small HTTP proxy: `CONNECT` and nothing else, with a password if it wants one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A proxy on a free port.
pub(crate) struct ConnectProxy {
    address: SocketAddr,
    carried: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl ConnectProxy {
    /// A proxy that wants this header line (`Proxy-Authorization: …`), or none; with `allowed` only
    /// to this address.
    pub(crate) async fn start(login: Option<&'static str>, allowed: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried = Arc::new(AtomicUsize::new(0));
        let (counted, mut tasks) = (Arc::clone(&carried), JoinSet::new());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                open.spawn(serve(near, login, allowed, Arc::clone(&counted)));
            }
        });
        Self {
            address,
            carried,
            _tasks: tasks,
        }
    }

    /// Its address, with a login in front if one is given.
    pub(crate) fn url(&self, login: &str) -> String {
        format!("http://{login}{}", self.address)
    }

    /// Connections that it made.
    pub(crate) fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }
}

async fn serve(
    mut near: TcpStream,
    login: Option<&'static str>,
    allowed: Option<SocketAddr>,
    carried: Arc<AtomicUsize>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match near.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let target: SocketAddr = target.unwrap().parse().unwrap();
    let refusal = if login.is_some_and(|login| !head.lines().any(|line| line == login)) {
        Some("407 Proxy Authentication Required")
    } else if allowed.is_some_and(|allowed| allowed != target) {
        Some("403 Forbidden by the plant's rules")
    } else {
        None
    };
    if let Some(refusal) = refusal {
        let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n");
        drop(near.write_all(answer.as_bytes()).await);
        return;
    }
    let Ok(mut far) = TcpStream::connect(target).await else {
        drop(near.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await);
        return;
    };
    carried.fetch_add(1, Ordering::Relaxed);
    let established = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
    if near.write_all(established).await.is_ok() {
        drop(copy_bidirectional(&mut near, &mut far).await);
    }
}

//! A TCP proxy that breaks as networks do: it can go silent in both directions without a reset,
//! and reset what is open.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Open,
    /// Nothing is delivered, nothing is lost: as a dead switch behind which TCP goes on trying.
    Silent,
    /// What goes to the target is delivered, what comes from there is not.
    OneWay,
    /// What comes from the target is delivered, what goes there is not.
    OtherWay,
}

/// A proxy in front of one address.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    resets: watch::Sender<u64>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, _) = watch::channel(Mode::Open);
        let (resets, _) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let accept = accept(listener, target, mode.clone(), resets.clone());
        tasks.spawn(accept);
        Self {
            address,
            mode,
            resets,
            _tasks: tasks,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Delivers nothing any more, in neither direction, and tells nobody.
    pub(crate) fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// Delivers requests, but no answers.
    pub(crate) fn silence_answers(&self) {
        self.mode.send_replace(Mode::OneWay);
    }

    /// Delivers answers and what a stream still brings, but no requests.
    pub(crate) fn silence_requests(&self) {
        self.mode.send_replace(Mode::OtherWay);
    }

    pub(crate) fn heal(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Closes what is open.
    pub(crate) fn reset(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    mode: watch::Sender<Mode>,
    resets: watch::Sender<u64>,
) {
    let mut open = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (mode, mut resets) = (mode.subscribe(), resets.subscribe());
        open.spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else {
                return;
            };
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::select! {
                () = pump(near_read, far_write, mode.clone(), |m| matches!(m, Mode::Open | Mode::OneWay)) => {}
                () = pump(far_read, near_write, mode, |m| matches!(m, Mode::Open | Mode::OtherWay)) => {}
                _ = resets.changed() => {}
            }
        });
    }
}

async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<Mode>,
    delivers: fn(Mode) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(count) = from.read(&mut buffer).await else {
            return;
        };
        if mode.wait_for(|mode| delivers(*mode)).await.is_err() {
            return;
        }
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

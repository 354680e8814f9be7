//! A cable between an adapter and its peer, for peers that cannot be made to misbehave themselves:
//! it can be cut, fall silent, or carry nonsense.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// No frame of any protocol, and long enough to be a whole one.
const NONSENSE: &[u8] =
    b"\x01\x02?? this is nothing that any device says ?? \xff\xfe\xfd\xfc ok ok ok ok\n\x00";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    Silent,
    Nonsense,
}

/// The cable. Its near end keeps its port, whatever happens at the far end.
pub struct Relay {
    port: u16,
    mood: watch::Sender<Mood>,
    running: Option<(CancellationToken, TaskTracker)>,
}

impl Relay {
    /// A cable that is not plugged in; its port is chosen already.
    pub fn new() -> Self {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            port: probe.local_addr().expect("a bound port").port(),
            mood: watch::Sender::new(Mood::Well),
            running: None,
        }
    }

    /// The port of the near end, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Plugs it in, or makes it well again; connections from before are closed then.
    pub async fn start(&mut self, far: SocketAddr) {
        self.mood.send_replace(Mood::Well);
        if self.running.is_some() {
            return;
        }
        let near = TcpListener::bind(("127.0.0.1", self.port));
        let near = near.await.expect("the port that was free");
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (inner_stop, inner_tasks, mood) = (stop.clone(), tasks.clone(), self.mood.subscribe());
        tasks.spawn(async move {
            while let Some(Ok((stream, _))) = inner_stop.run_until_cancelled(near.accept()).await {
                let (stop, mood) = (inner_stop.clone(), mood.clone());
                inner_tasks.spawn(async move {
                    stop.run_until_cancelled(carry(stream, far, mood)).await;
                });
            }
        });
        self.running = Some((stop, tasks));
    }

    /// From now on nothing comes through, and nobody is told.
    pub fn fall_silent(&self) {
        self.mood.send_replace(Mood::Silent);
    }

    /// From now on nonsense comes out at the near end.
    pub fn talk_nonsense(&self) {
        self.mood.send_replace(Mood::Nonsense);
    }

    /// Pulls it out: connections close, new ones are refused.
    pub async fn stop(&mut self) {
        if let Some((stop, tasks)) = self.running.take() {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

async fn carry(mut near: TcpStream, far: SocketAddr, mut mood: watch::Receiver<Mood>) {
    let now = *mood.borrow_and_update();
    if now == Mood::Well {
        let Ok(mut far) = TcpStream::connect(far).await else {
            return;
        };
        let is_open = tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => false,
            changed = mood.changed() => changed.is_ok(),
        };
        if is_open {
            spoil(&mut near, &mut mood).await;
        }
    } else {
        spoil(&mut near, &mut mood).await;
    }
}

/// Until it is well again, or the near end has enough.
async fn spoil(near: &mut TcpStream, mood: &mut watch::Receiver<Mood>) {
    let mut heard = [0; 1024];
    loop {
        let now = *mood.borrow_and_update();
        match now {
            Mood::Well => return,
            Mood::Silent => {}
            Mood::Nonsense => {
                if near.write_all(NONSENSE).await.is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            read = near.read(&mut heard) => if !read.is_ok_and(|count| count > 0) { return },
            changed = mood.changed() => if changed.is_err() { return },
        }
    }
}

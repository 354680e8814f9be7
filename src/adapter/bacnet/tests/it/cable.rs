//! A cable for datagrams between the adapter and a device: it can be cut, fall silent, or carry
//! nonsense, and it counts the writes that the device has confirmed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// No BACnet, and something that begins like it.
const NONSENSE: [&[u8]; 3] = [
    b"?? this is nothing that any device says ??",
    &[0x81, 0x0A, 0x00, 0x09, 0x01, 0x00, 0xFF, 0xFF, 0xFF],
    &[0x81],
];

/// What the cable does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Silent,
    Nonsense,
}

struct State {
    mood: parking_lot::Mutex<Mood>,
    far: AtomicU16,
    writes: AtomicUsize,
}

/// The near end keeps its port, whatever happens.
pub(crate) struct Cable {
    pub(crate) port: u16,
    state: Arc<State>,
    near: Option<std::net::UdpSocket>,
    tasks: JoinSet<()>,
}

impl Cable {
    pub(crate) fn new() -> Self {
        let near = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        near.set_nonblocking(true).unwrap();
        Self {
            port: near.local_addr().unwrap().port(),
            state: Arc::new(State {
                mood: parking_lot::Mutex::new(Mood::Silent),
                far: AtomicU16::new(0),
                writes: AtomicUsize::new(0),
            }),
            near: Some(near),
            tasks: JoinSet::new(),
        }
    }

    /// Plugs a device in.
    pub(crate) fn plug(&mut self, device: u16) {
        self.state.far.store(device, Ordering::SeqCst);
        self.mood(Mood::Well);
        if let Some(near) = self.near.take() {
            let near = Arc::new(UdpSocket::from_std(near).unwrap());
            self.tasks.spawn(carry(near, Arc::clone(&self.state)));
        }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        *self.state.mood.lock() = mood;
    }

    /// Writes that the device has confirmed.
    pub(crate) fn writes(&self) -> usize {
        self.state.writes.load(Ordering::SeqCst)
    }
}

/// One adapter at a time; its port changes with each session.
async fn carry(near: Arc<UdpSocket>, state: Arc<State>) {
    let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (mut asked, mut told) = (vec![0; 2000], vec![0; 2000]);
    let mut adapter: Option<SocketAddr> = None;
    loop {
        tokio::select! {
            Ok((length, from)) = near.recv_from(&mut asked) => {
                adapter = Some(from);
                let mood = *state.mood.lock();
                match mood {
                    Mood::Silent => {}
                    Mood::Well => {
                        let device = ("127.0.0.1", state.far.load(Ordering::SeqCst));
                        far.send_to(&asked[..length], device).await.unwrap();
                    }
                    Mood::Nonsense => {
                        for nonsense in NONSENSE {
                            near.send_to(nonsense, from).await.unwrap();
                        }
                    }
                }
            }
            Ok((length, _)) = far.recv_from(&mut told) => {
                let mood = *state.mood.lock();
                let Some(adapter) = adapter.filter(|_| mood == Mood::Well) else {
                    continue;
                };
                // A plain receipt for write-property behind two headers.
                if told[6..length].starts_with(&[0x20]) && told[8..length] == [15] {
                    state.writes.fetch_add(1, Ordering::SeqCst);
                }
                near.send_to(&told[..length], adapter).await.unwrap();
            }
        }
    }
}

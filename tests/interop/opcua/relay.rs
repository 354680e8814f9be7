//! A cable between an adapter and a foreign server that can be cut, and that somebody may have
//! tampered with.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// What is changed on the way to the client: each text against another one of its length.
type Forgery = Option<(&'static [u8], &'static [u8])>;

/// The cable.
pub(crate) struct Relay {
    pub(crate) port: u16,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    cut: Arc<Mutex<bool>>,
    _tasks: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(to: u16, forgery: Forgery) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, cut) = (Arc::<Mutex<Vec<AbortHandle>>>::default(), Arc::default());
        let mut tasks = JoinSet::new();
        let (handles, is_cut) = (Arc::clone(&open), Arc::clone(&cut));
        tasks.spawn(async move {
            let mut carried = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let is_cut: bool = *Mutex::lock(&is_cut);
                if !is_cut {
                    handles
                        .lock()
                        .push(carried.spawn(carry(client, to, forgery)));
                }
            }
        });
        Self {
            port,
            open,
            cut,
            _tasks: tasks,
        }
    }

    /// Ends what is open; what comes until it is mended is closed at once.
    pub(crate) fn cut(&self) {
        *self.cut.lock() = true;
        self.open.lock().drain(..).for_each(|one| one.abort());
    }

    pub(crate) fn mend(&self) {
        *self.cut.lock() = false;
    }
}

async fn carry(client: TcpStream, to: u16, forgery: Forgery) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut buffer).await.unwrap_or(0);
            if read == 0 {
                break;
            }
            let bytes = &mut buffer[..read];
            if let Some((truth, lie)) = forgery {
                forge(bytes, truth, lie);
            }
            if to_client.write_all(bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = back => {}
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
    }
}

fn forge(bytes: &mut [u8], truth: &[u8], lie: &[u8]) {
    assert_eq!(truth.len(), lie.len());
    for at in 0..bytes.len().saturating_sub(truth.len()) {
        if bytes[at..].starts_with(truth) {
            bytes[at..at + lie.len()].copy_from_slice(lie);
        }
    }
}

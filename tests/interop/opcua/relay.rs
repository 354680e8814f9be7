//! A cable between an adapter and a foreign server that can be cut, and that somebody may have
//! tampered with.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is changed on the way to the client: each text against another one of its length.
type Forgery = Option<(&'static [u8], &'static [u8])>;

/// The cable. Dropping it cuts it.
pub(crate) struct Relay {
    pub(crate) port: u16,
    to: u16,
    forgery: Forgery,
    carrying: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(to: u16, forgery: Forgery) -> Self {
        let mut relay = Self {
            port: 0,
            to,
            forgery,
            carrying: JoinSet::new(),
        };
        relay.mend().await;
        relay
    }

    /// Ends what is open; what comes until it is mended is refused.
    pub(crate) async fn cut(&mut self) {
        self.carrying.shutdown().await;
    }

    /// Carries again, at the same place.
    pub(crate) async fn mend(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (to, forgery) = (self.to, self.forgery);
        self.carrying.spawn(async move {
            // Dropped with its task, and everything that it carries.
            let mut carried = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                carried.spawn(carry(client, to, forgery));
            }
        });
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

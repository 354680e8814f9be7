//! A device that says what a test wants it to say, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// What a request looks like, and what a well-behaved device would say.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) invoke: u8,
    pub(crate) service: u8,
    pub(crate) body: Vec<u8>,
    /// How many requests came before this one.
    pub(crate) number: usize,
}

impl Asked {
    /// The answer to read-property: a value behind what was asked.
    pub(crate) fn real(&self, number: f32) -> Vec<u8> {
        let mut value = vec![0x44];
        value.extend(number.to_be_bytes());
        self.value(&value)
    }

    pub(crate) fn value(&self, value: &[u8]) -> Vec<u8> {
        let mut apdu = vec![0x30, self.invoke, self.service];
        apdu.extend(self.inner(value));
        wrap(&apdu)
    }

    /// What stands behind the head of an answer to read-property.
    pub(crate) fn inner(&self, value: &[u8]) -> Vec<u8> {
        let mut inner = self.body.clone();
        inner.push(0x3E);
        inner.extend(value);
        inner.push(0x3F);
        inner
    }

    pub(crate) fn is_read(&self) -> bool {
        self.service == 12
    }

    /// Whether it is the first question of a session: how long messages may be.
    pub(crate) fn is_first(&self) -> bool {
        self.is_read() && self.body.ends_with(&[0x19, 62])
    }

    /// A well-behaved device of one number.
    pub(crate) fn well(&self) -> Vec<Vec<u8>> {
        match (self.is_first(), self.service) {
            (true, _) => vec![self.value(&[0x22, 0x05, 0xC4])],
            (false, 12) => vec![self.real(20.5)],
            (false, 15 | 5) => vec![wrap(&[0x20, self.invoke, self.service])],
            // It knows no other service.
            _ => vec![wrap(&[0x60, self.invoke, 9])],
        }
    }
}

/// A message in its two headers.
pub(crate) fn wrap(apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len() + 6).unwrap();
    let mut datagram = vec![0x81, 0x0A];
    datagram.extend(length.to_be_bytes());
    datagram.extend([0x01, 0x00]);
    datagram.extend(apdu);
    datagram
}

/// A device that answers by a script.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    adapter: Arc<Mutex<Option<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl Scripted {
    pub(crate) async fn start(
        script: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let adapter: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let (inner, inner_adapter) = (Arc::clone(&asked), Arc::clone(&adapter));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut buffer = vec![0; 2000];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                *inner_adapter.lock() = Some(from);
                // Only requests: behind two headers, two bytes about lengths, then the number.
                let [kind, _, invoke, service, body @ ..] = &buffer[6..length] else {
                    continue;
                };
                if kind >> 4 != 0 {
                    continue;
                }
                let one = Asked {
                    invoke: *invoke,
                    service: *service,
                    body: body.to_vec(),
                    number: inner.lock().len(),
                };
                inner.lock().push(one.clone());
                for datagram in script(&one) {
                    socket.send_to(&datagram, from).await.unwrap();
                }
            }
        });
        Self {
            port,
            asked,
            adapter,
            _tasks: tasks,
        }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// Where the adapter is.
    pub(crate) fn adapter(&self) -> SocketAddr {
        self.adapter.lock().unwrap()
    }
}

//! A small REST service on a socket: answers by path, and counts.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as the service saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

type Answer = Arc<dyn Fn(&Seen) -> String + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

/// `HTTP/1.1 <status>` with a body.
pub(crate) fn reply(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Service {
    /// Starts one that answers with whole responses.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            tasks: Arc::default(),
        };
        let (own, answer): (Self, Answer) = (service.clone(), Arc::new(answer));
        service.tasks.lock().spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answer, own) = (Arc::clone(&answer), own.clone());
                let talk = talk(socket, own.clone(), answer);
                own.tasks.lock().spawn(talk);
            }
        });
        service
    }

    pub(crate) fn count(&self, begin: &str) -> usize {
        let seen = self.seen.lock();
        seen.iter()
            .filter(|seen| seen.line.starts_with(begin))
            .count()
    }
}

async fn talk(socket: TcpStream, service: Service, answer: Answer) {
    let mut socket = BufReader::new(socket);
    while let Some(seen) = read(&mut socket).await {
        service.seen.lock().push(seen.clone());
        if socket.write_all(answer(&seen).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(socket: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    socket
        .read_line(&mut line)
        .await
        .ok()
        .filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        socket
            .read_line(&mut header)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).await.ok()?;
    Some(Seen {
        line: line.trim_end().to_owned(),
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

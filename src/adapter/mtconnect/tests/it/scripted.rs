//! A peer that says what a test wants it to say, byte by byte.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a peer does with one connection, by its number.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    _tasks: JoinSet<()>,
}

impl Scripted {
    /// Says some bytes to each connection, again and again if `again`, and keeps it open.
    pub(crate) async fn saying(bytes: Vec<u8>, again: bool, step: usize) -> Self {
        Self::start(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                loop {
                    for chunk in bytes.chunks(step) {
                        if stream.write_all(chunk).await.is_err() {
                            return;
                        }
                        if step == 1 {
                            tokio::task::yield_now().await;
                        }
                    }
                    if !again {
                        break;
                    }
                }
                drop(stream.read(&mut [0; 1]).await);
                std::future::pending::<()>().await;
            }
        })
        .await
    }

    /// An agent that answers requests by their paths.
    pub(crate) async fn agent(
        answer: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                let mut asked = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    asked.push(byte);
                    if !asked.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let text = String::from_utf8_lossy(&asked).into_owned();
                    asked.clear();
                    let path = text.split(' ').nth(1).unwrap_or_default();
                    if stream.write_all(&answer(path)).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self {
            port,
            _tasks: tasks,
        }
    }
}

/// An answer with its length.
pub(crate) fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A stream of parts, without an end.
pub(crate) fn stream(parts: &[String]) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n".to_vec();
    for part in parts {
        let head = format!("--b\r\nContent-length: {}\r\n\r\n", part.len());
        bytes.extend(head.as_bytes());
        bytes.extend(part.as_bytes());
        bytes.extend(b"\r\n");
    }
    bytes
}

/// A document with observations of x.
pub(crate) fn document(instance: u64, first: u64, next: u64, rows: &[(u64, &str)]) -> String {
    let row = |(number, value): &(u64, &str)| {
        format!("<P dataItemId=\"x\" sequence=\"{number}\">{value}</P>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<MTConnectStreams><Header instanceId=\"{instance}\" firstSequence=\"{first}\" \
         nextSequence=\"{next}\" lastSequence=\"{next}\"/><Streams><Samples>{rows}</Samples>\
         </Streams></MTConnectStreams>"
    )
}

//! Asks over HTTPS, HTTP/1.1 by hand: a connection for each request that is open.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_security::{Trust, client_config};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{TOKEN, tell};

pub(super) async fn run(address: &str, ca: &Path, open: usize, seconds: u64) {
    let tls = client_config(&Trust::CaFile(ca.to_owned())).unwrap();
    let mut tls = (*tls).clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(tls));
    let barrier = Arc::new(Barrier::new(open));
    let clients: Vec<_> = (0..open)
        .map(|_| {
            let (connector, barrier) = (connector.clone(), Arc::clone(&barrier));
            let address = address.to_owned();
            tokio::spawn(async move {
                let tcp = TcpStream::connect(&address).await.unwrap();
                tcp.set_nodelay(true).unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let stream = connector.connect(name, tcp).await.unwrap();
                barrier.wait().await;
                ask(stream, Duration::from_secs(seconds)).await
            })
        })
        .collect();
    let mut micros = Vec::new();
    for client in clients {
        micros.extend(client.await.unwrap());
    }
    tell(micros, seconds as f64);
}

async fn ask(mut stream: TlsStream<TcpStream>, time: Duration) -> Vec<u32> {
    let body = r#"{"a":1}"#;
    let request = format!(
        "POST /data/held HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut micros, mut read) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while began.elapsed() < time {
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        read.clear();
        while !is_whole(&read) {
            let count = stream.read_buf(&mut read).await.unwrap();
            assert!(count > 0, "the node hung up");
        }
        assert!(
            read.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&read)
        );
        micros.push(u32::try_from(asked.elapsed().as_micros()).unwrap());
    }
    micros
}

fn is_whole(read: &[u8]) -> bool {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.unwrap_or("0").trim().parse().unwrap();
    read.len() >= end + 4 + length
}

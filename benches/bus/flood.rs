//! Messages through the embedded broker and through Mosquitto in one run: one publisher, one
//! subscriber, raw MQTT 3.1.1, 100 bytes, as fast as they go. Each broker is a process of its own.
//!
//!     cargo bench -p mainstem-bus --bench flood
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says by a panic what is wrong"
)]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_bus::embedded::{
    EmbeddedBus, EmbeddedSetup, Gate, Guest, Inlet, Limits, Login, NotAdmitted, Refused, Transport,
};
use mainstem_bus::{Bus, Publication, Qos, Topic, TopicFilter, TopicRights};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

const MESSAGES: u32 = 400_000;
const PAYLOAD: usize = 100;
/// Unacknowledged messages of the publisher.
const WINDOW: usize = 1000;
const ROUNDS: u32 = 3;
/// So long without a message, the rest is lost.
const SILENCE: Duration = Duration::from_secs(2);

struct Everybody;

impl Gate for Everybody {
    fn admit(&self, _login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        let rights = Arc::new(TopicRights::everything());
        let name = "all".into();
        Ok(Guest { name, rights })
    }

    fn rights(&self, _principal: &str) -> Option<Arc<TopicRights>> {
        Some(Arc::new(TopicRights::everything()))
    }

    fn refused(&self, _refused: &Refused, _more: u64) {}
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, port, folder] = arguments.as_slice()
        && serve == "serve"
    {
        return serve_at(port.parse().unwrap(), folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let own = free_port();
    let me = std::env::current_exe().unwrap();
    let mut brokers = BTreeMap::from([(
        "embedded",
        (
            spawn(Command::new(me).args(["serve", &own.to_string(), &place])),
            own,
        ),
    )]);
    if std::path::Path::new("/usr/sbin/mosquitto").exists() {
        let port = free_port();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n\
             max_inflight_messages 64\nset_tcp_nodelay true\n"
        );
        let path = folder.path().join("conf");
        std::fs::write(&path, text).unwrap();
        let process = spawn(Command::new("/usr/sbin/mosquitto").arg("-c").arg(path));
        brokers.insert("mosquitto", (process, port));
    }
    for round in 1..=ROUNDS {
        for (name, (_, port)) in &brokers {
            for qos in [0, 1] {
                let (rate, arrived) = flood(*port, qos).await;
                println!("{round} {name} QoS {qos}: {rate:.0} messages/s, {arrived} of {MESSAGES}");
            }
        }
        println!(
            "{round} in process, QoS 1: {:.0} messages/s",
            in_process().await
        );
    }
    for (mut process, _) in brokers.into_values() {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn start(folder: &str) -> EmbeddedBus {
    let setup = EmbeddedSetup {
        folder: std::path::Path::new(folder).join("bus"),
        node: Uuid::from_u128(7),
        limits: Limits::default(),
        gate: Arc::new(Everybody),
    };
    EmbeddedBus::start(setup).await.unwrap()
}

async fn serve_at(port: u16, folder: &str) {
    let bus = start(folder).await;
    let inlet = Inlet {
        address: ([127, 0, 0, 1], port).into(),
        transport: Transport::Tcp,
        path: String::new(),
        tls: None,
    };
    assert!(bus.listen(&[inlet]).await.is_empty());
    std::future::pending::<()>().await;
}

/// Messages per second that arrived, and how many.
async fn flood(port: u16, qos: u8) -> (f64, u32) {
    let mut ears = dial(port, "ears").await;
    let mut subscribe = vec![0, 1, 0, 1, b't'];
    subscribe.push(qos);
    ears.write_all(&packet(0x82, &subscribe)).await.unwrap();
    let mut granted = [0; 5];
    ears.read_exact(&mut granted).await.unwrap();
    let mouth = dial(port, "mouth").await;
    let begun = Instant::now();
    let speaking = tokio::spawn(speak(mouth, qos));
    let listening = tokio::spawn(listen(ears, qos));
    let (arrived, last) = listening.await.unwrap();
    speaking.abort();
    (f64::from(arrived) / (last - begun).as_secs_f64(), arrived)
}

async fn speak(stream: TcpStream, qos: u8) {
    let (mut acks, sending) = stream.into_split();
    let mut sending = BufWriter::with_capacity(1 << 16, sending);
    let window = Arc::new(Semaphore::new(WINDOW));
    let free = Arc::clone(&window);
    let reading = tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 16];
        let mut left = 0;
        while let Ok(read) = acks.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            left += read;
            // PUBACK has four bytes.
            free.add_permits(left / 4);
            left %= 4;
        }
    });
    for number in 0..MESSAGES {
        let mut body = vec![0, 1, b't'];
        if qos > 0 {
            if window.available_permits() == 0 {
                sending.flush().await.unwrap();
            }
            window.acquire().await.unwrap().forget();
            body.extend(u16::try_from(number % 60_000 + 1).unwrap().to_be_bytes());
        }
        body.resize(body.len() + PAYLOAD, b'x');
        sending
            .write_all(&packet(0x30 | (qos << 1), &body))
            .await
            .unwrap();
    }
    sending.flush().await.unwrap();
    reading.await.unwrap();
}

async fn listen(stream: TcpStream, qos: u8) -> (u32, Instant) {
    let (reading, mut acks) = stream.into_split();
    let mut reading = BufReader::with_capacity(1 << 16, reading);
    let (mut arrived, mut last) = (0, Instant::now());
    let mut answer = Vec::new();
    while arrived < MESSAGES {
        let Ok(first) = timeout(SILENCE, reading.read_u8()).await else {
            break;
        };
        assert_eq!(first.unwrap() & 0xf0, 0x30);
        let mut body = vec![0; usize::from(reading.read_u8().await.unwrap())];
        reading.read_exact(&mut body).await.unwrap();
        arrived += 1;
        last = Instant::now();
        if qos > 0 {
            answer.extend([0x40, 2, body[3], body[4]]);
            if reading.buffer().is_empty() || answer.len() > 4096 {
                acks.write_all(&answer).await.unwrap();
                answer.clear();
            }
        }
    }
    (arrived, last)
}

async fn dial(port: u16, id: &str) -> TcpStream {
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    stream.set_nodelay(true).unwrap();
    let mut body = b"\0\x04MQTT\x04\x02\0\0\0".to_vec();
    body.push(u8::try_from(id.len()).unwrap());
    body.extend(id.as_bytes());
    stream.write_all(&packet(0x10, &body)).await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[3], 0);
    stream
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first, u8::try_from(body.len()).unwrap()];
    out.extend(body);
    out
}

/// Messages per second from this process to itself.
async fn in_process() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let bus = start(&folder.path().display().to_string()).await;
    let filter = TopicFilter::new("t").unwrap();
    let mut heard = bus.subscribe(&[filter], 100_000).await.unwrap();
    let publication = Publication {
        topic: Topic::new("t").unwrap(),
        payload: vec![b'x'; PAYLOAD].into(),
        qos: Qos::AtLeastOnce,
        retain: false,
    };
    let begun = Instant::now();
    let listening = tokio::spawn(async move {
        let mut arrived = 0_u32;
        while arrived < MESSAGES / 4 {
            heard.next().await.unwrap();
            arrived += 1;
        }
    });
    for _ in 0..MESSAGES / 4 {
        bus.publish(publication.clone()).await.unwrap();
    }
    timeout(Duration::from_secs(20), listening)
        .await
        .unwrap()
        .unwrap();
    f64::from(MESSAGES / 4) / begun.elapsed().as_secs_f64()
}

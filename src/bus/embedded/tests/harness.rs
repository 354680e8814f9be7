//! A broker with a gate for tests, and a client that writes the bytes it is told to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{TopicFilter, TopicRights, TopicSet};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::embedded::{
    EmbeddedBus, EmbeddedSetup, Gate, Guest, Inlet, Limits, Login, NotAdmitted, Refused, Transport,
};
use crate::{Publication, Qos, Topic};

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The passwords are the names; what each may do stands in a table.
#[derive(Default)]
pub(super) struct Table {
    rights: Mutex<HashMap<String, Arc<TopicRights>>>,
    pub(super) refused: Mutex<Vec<Refused>>,
}

impl Table {
    pub(super) fn grant(&self, name: &str, publish: &[&str], subscribe: &[&str]) {
        let set = |texts: &[&str]| {
            let filter = |text: &&str| TopicFilter::new(text).unwrap();
            TopicSet::new(texts.iter().map(filter).collect())
        };
        let rights = TopicRights {
            publish: set(publish),
            subscribe: set(subscribe),
        };
        self.rights.lock().insert(name.to_owned(), Arc::new(rights));
    }

    pub(super) fn revoke(&self, name: &str) {
        self.rights.lock().remove(name);
    }

    pub(super) fn words(&self) -> Vec<&'static str> {
        let refused = self.refused.lock();
        refused.iter().map(|one| one.breach.word()).collect()
    }
}

impl Gate for Table {
    fn admit(&self, login: &Login<'_>) -> Result<Guest, NotAdmitted> {
        let name = login
            .password
            .and_then(|text| std::str::from_utf8(text).ok());
        let name = name.ok_or(NotAdmitted::Unknown)?;
        let rights = self.rights(name).ok_or(NotAdmitted::Unknown)?;
        let name = name.into();
        Ok(Guest { name, rights })
    }

    fn rights(&self, principal: &str) -> Option<Arc<TopicRights>> {
        self.rights.lock().get(principal).cloned()
    }

    fn refused(&self, refused: &Refused, _more: u64) {
        self.refused.lock().push(refused.clone());
    }
}

/// A broker with a listener, and the principal `all` who may do everything.
pub(super) struct Stage {
    pub(super) bus: EmbeddedBus,
    pub(super) gate: Arc<Table>,
    pub(super) folder: Option<TempDir>,
    limits: Limits,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        Self::at(tempfile::tempdir().unwrap(), limits).await
    }

    async fn at(folder: TempDir, limits: Limits) -> Self {
        let gate = Arc::new(Table::default());
        gate.grant("all", &["#"], &["#", "$SYS/#"]);
        let setup = EmbeddedSetup {
            folder: folder.path().join("bus"),
            node: Uuid::from_u128(7),
            limits: limits.clone(),
            gate: Arc::clone(&gate) as _,
        };
        let bus = EmbeddedBus::start(setup).await.unwrap();
        let failed = bus.listen(&[inlet(Transport::Tcp)]).await;
        assert!(failed.is_empty(), "{failed:?}");
        Self {
            bus,
            gate,
            folder: Some(folder),
            limits,
        }
    }

    /// Stops the broker and starts it again on what it left.
    pub(super) async fn restart(mut self) -> Self {
        self.bus.stop(PATIENCE).await;
        let (folder, limits) = (self.folder.take().unwrap(), self.limits.clone());
        drop(self);
        Self::at(folder, limits).await
    }

    /// A connection that has said nothing.
    pub(super) async fn dial(&self) -> Wire {
        let address = self.bus.address(Transport::Tcp).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        Wire { stream }
    }

    /// A client of `all` in MQTT 5 with a clean start.
    pub(super) async fn client(&self, id: &str) -> Wire {
        let mut wire = self.dial().await;
        wire.send(&Connect::new(id).bytes()).await;
        let (kind, body) = wire.packet().await.unwrap();
        assert_eq!((kind, body[1]), (0x20, 0), "{body:?}");
        wire
    }

    /// Waits until something was refused, by its word.
    pub(super) async fn refused(&self, word: &str) {
        let gate = Arc::clone(&self.gate);
        until(word, || gate.words().contains(&word)).await;
    }
}

pub(super) fn inlet(transport: Transport) -> Inlet {
    Inlet {
        address: ([127, 0, 0, 1], 0).into(),
        transport,
        path: "/mqtt".to_owned(),
        tls: None,
    }
}

/// Waits for a condition.
pub(super) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while !condition() {
        tick.tick().await;
        assert!(tokio::time::Instant::now() < end, "never: {what}");
    }
}

pub(super) fn message(topic: &str, payload: &str, qos: Qos) -> Publication {
    Publication {
        topic: Topic::new(topic).unwrap(),
        payload: payload.to_owned().into(),
        qos,
        retain: false,
    }
}

/// A CONNECT of MQTT 5 or 3.1.1.
pub(super) struct Connect {
    pub(super) id: Vec<u8>,
    pub(super) password: String,
    pub(super) version: u8,
    pub(super) clean: bool,
    pub(super) expiry: u32,
    /// Topic and payload.
    pub(super) will: Option<(String, Vec<u8>)>,
    /// Properties as they are written, besides the expiry.
    pub(super) properties: Vec<u8>,
}

impl Connect {
    pub(super) fn new(id: impl AsRef<[u8]>) -> Self {
        Self {
            id: id.as_ref().to_vec(),
            password: "all".to_owned(),
            version: 5,
            clean: true,
            expiry: 0,
            will: None,
            properties: Vec::new(),
        }
    }

    pub(super) fn by(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    pub(super) fn keeping(mut self) -> Self {
        (self.clean, self.expiry) = (false, 3600);
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = text(b"MQTT");
        let will = match self.will {
            Some(_) => 0x04,
            None => 0,
        };
        body.push(self.version);
        body.push(0xc0 | will | (u8::from(self.clean) << 1));
        body.extend([0, 60]);
        if self.version == 5 {
            let mut properties = self.properties.clone();
            if self.expiry > 0 {
                properties.push(0x11);
                properties.extend(self.expiry.to_be_bytes());
            }
            body.extend(varint(properties.len()));
            body.extend(properties);
        }
        body.extend(text(&self.id));
        if let Some((topic, payload)) = &self.will {
            if self.version == 5 {
                body.push(0);
            }
            body.extend(text(topic.as_bytes()));
            body.extend(text(payload));
        }
        body.extend(text(b"somebody"));
        body.extend(text(self.password.as_bytes()));
        packet(0x10, &body)
    }
}

/// A client that writes the bytes it is told to.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
}

impl Wire {
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // A broker that has hung up is seen by what is read.
        let _sent = self.stream.write_all(bytes).await;
    }

    /// The next packet; none when the broker has hung up.
    pub(super) async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .expect("a packet or the end in time")
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// Reads until a packet of a kind comes, and answers none.
    pub(super) async fn wait_for(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let (found, body) = self.packet().await.expect("still connected");
            if found & 0xf0 == kind {
                return body;
            }
        }
    }

    /// Waits until the broker has hung up.
    pub(super) async fn hung_up(&mut self) {
        while self.packet().await.is_some() {}
    }

    /// Subscribes in MQTT 5 and returns the reason.
    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) -> u8 {
        self.send(&subscribe(filter.as_bytes(), qos)).await;
        *self.wait_for(0x90).await.last().unwrap()
    }

    /// Publishes in MQTT 5 with QoS 1 and returns the reason.
    pub(super) async fn publish(&mut self, topic: &str, payload: &[u8]) -> u8 {
        self.send(&publish(topic.as_bytes(), payload, 0x32, Some(9), &[]))
            .await;
        let answer = self.wait_for(0x40).await;
        answer.get(2).copied().unwrap_or_default()
    }

    /// Whether the broker still answers.
    pub(super) async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        self.wait_for(0xd0).await;
    }
}

pub(super) fn subscribe(filter: &[u8], options: u8) -> Vec<u8> {
    let mut body = vec![0, 7, 0];
    body.extend(text(filter));
    body.push(options);
    packet(0x82, &body)
}

pub(super) fn publish(
    topic: &[u8],
    payload: &[u8],
    first: u8,
    id: Option<u16>,
    properties: &[u8],
) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(id.into_iter().flat_map(u16::to_be_bytes));
    body.extend(varint(properties.len()));
    body.extend(properties);
    body.extend(payload);
    packet(first, &body)
}

pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

pub(super) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    out.extend(varint(body.len()));
    out.extend(body);
    out
}

pub(super) fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        match value {
            0 => {
                out.push(byte);
                return out;
            }
            _ => out.push(byte | 0x80),
        }
    }
}

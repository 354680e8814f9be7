//! One connection to one broker: TCP, TLS, the log-in, and requests one after the other. What a
//! broker sends is bounded before it is believed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use mainstem_adapter::{Direction, Trace};
use rand::Rng;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{Mechanism, Sasl};
use crate::fault::Fault;
use crate::plan::ClusterPlan;
use crate::protocol::scram::{Hash, Scram};
use crate::protocol::wire::{Malformed, Reader, Write};

/// The largest answer.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What is set aside for an answer before it came.
const ANSWER_BYTES_FIRST: usize = 64 * 1024;
const SASL_HANDSHAKE: (i16, i16) = (17, 1);
const SASL_AUTHENTICATE: (i16, i16) = (36, 0);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How brokers are reached, the same for all of them.
#[derive(Clone)]
pub(crate) struct Dial {
    client_id: String,
    addresses: Arc<BTreeMap<(String, u16), (String, u16)>>,
    sasl: Option<Sasl>,
    tls: Option<Arc<ClientConfig>>,
    connect_timeout: Duration,
    request_timeout: Duration,
    trace: Trace,
}

impl Dial {
    /// Reads the files that TLS needs.
    pub(crate) fn new(plan: &ClusterPlan, trace: Trace) -> Result<Self, String> {
        let config = &plan.config;
        let tls = config.tls.as_ref();
        Ok(Self {
            client_id: config.client_id.clone(),
            addresses: Arc::new(plan.addresses.clone()),
            sasl: config.sasl.clone(),
            tls: tls.map(|tls| tls.load(&plan.home, &[])).transpose()?,
            connect_timeout: plan.connect_timeout(),
            request_timeout: plan.request_timeout(),
            trace,
        })
    }

    /// Connects, and logs in.
    pub(crate) async fn connect(&self, place: &(String, u16)) -> Result<Connection, Fault> {
        let broker = match place.0.contains(':') {
            true => format!("[{}]:{}", place.0, place.1),
            false => format!("{}:{}", place.0, place.1),
        };
        let opening = async {
            let stream = self.open(place).await.map_err(|error| Fault::Connect {
                broker: broker.clone(),
                error,
            })?;
            let mut connection = Connection {
                stream,
                broker: broker.clone(),
                client_id: self.client_id.clone(),
                last: 0,
                limit: self.request_timeout,
                trace: self.trace.clone(),
            };
            if let Some(sasl) = &self.sasl {
                connection.log_in(sasl).await?;
            }
            Ok(connection)
        };
        let late = |_| Fault::Late {
            broker: broker.clone(),
            what: "let us in",
            limit: self.connect_timeout,
        };
        timeout(self.connect_timeout, opening).await.map_err(late)?
    }

    async fn open(&self, place: &(String, u16)) -> io::Result<Box<dyn Stream>> {
        let (host, port) = self.addresses.get(place).unwrap_or(place);
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(place.0.clone()).map_err(io::Error::other)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(tls));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

/// A connection that is logged in.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    broker: String,
    client_id: String,
    last: i32,
    limit: Duration,
    trace: Trace,
}

impl Connection {
    /// Asks, and waits for the answer: for the time that answers may take, and `held` on top. Not
    /// cancel safe: a connection whose request was given up has to be closed.
    pub(crate) async fn ask(
        &mut self,
        (key, version): (i16, i16),
        body: &[u8],
        held: Duration,
    ) -> Result<BytesMut, Fault> {
        let limit = self.limit + held;
        match timeout(limit, self.exchange(key, version, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Late {
                broker: self.broker.clone(),
                what: "answer",
                limit,
            }),
        }
    }

    async fn exchange(&mut self, key: i16, version: i16, body: &[u8]) -> Result<BytesMut, Fault> {
        self.last = self.last.wrapping_add(1) & i32::MAX;
        let mut request = Vec::with_capacity(body.len() + 64);
        request.put_i32(0);
        request.put_i16(key);
        request.put_i16(version);
        request.put_i32(self.last);
        request.put_text(&self.client_id);
        request.put(body);
        let length = i32::try_from(request.len() - 4).unwrap_or(i32::MAX);
        request[..4].copy_from_slice(&length.to_be_bytes());
        // What a log-in says is nobody else's business.
        let is_secret = key == SASL_AUTHENTICATE.0;
        if !is_secret {
            let text = || format!("request {key} version {version}");
            self.trace.frame(Direction::Sent, &request, text);
        }
        let sent = self.stream.write_all(&request).await;
        sent.map_err(|error| self.broke(error))?;
        let mut answer = self.receive().await?;
        if !is_secret {
            let text = || format!("answer to request {key}");
            self.trace.frame(Direction::Received, &answer, text);
        }
        let number = answer
            .first_chunk::<4>()
            .map(|head| i32::from_be_bytes(*head));
        if number != Some(self.last) {
            return Err(self.malformed(Malformed("it answers what was not asked")));
        }
        Ok(answer.split_off(4))
    }

    async fn receive(&mut self) -> Result<BytesMut, Fault> {
        let mut head = [0; 4];
        let read = self.stream.read_exact(&mut head).await;
        read.map_err(|error| self.broke(error))?;
        let length = usize::try_from(i32::from_be_bytes(head));
        let length = length.map_err(|_| self.malformed(Malformed("a negative length")))?;
        if length > ANSWER_BYTES_MAX {
            return Err(self.malformed(Malformed("an answer of more than 32 MiB")));
        }
        let mut answer = BytesMut::with_capacity(length.min(ANSWER_BYTES_FIRST));
        while answer.len() < length {
            let left = (length - answer.len()) as u64;
            let mut rest = (&mut self.stream).take(left);
            let read = rest.read_buf(&mut answer).await;
            match read.map_err(|error| self.broke(error))? {
                0 => return Err(self.broke(io::ErrorKind::UnexpectedEof.into())),
                _ => continue,
            }
        }
        Ok(answer)
    }

    async fn log_in(&mut self, sasl: &Sasl) -> Result<(), Fault> {
        let (mechanism, hash) = match sasl.mechanism {
            Mechanism::Plain => ("PLAIN", None),
            Mechanism::ScramSha256 => ("SCRAM-SHA-256", Some(Hash::Sha256)),
            Mechanism::ScramSha512 => ("SCRAM-SHA-512", Some(Hash::Sha512)),
        };
        let mut body = Vec::new();
        body.put_text(mechanism);
        let answer = self.ask(SASL_HANDSHAKE, &body, Duration::ZERO).await?;
        let code = Reader::new(&answer).i16();
        if code.map_err(|problem| self.malformed(problem))? != 0 {
            let message = format!("it does not offer {mechanism}");
            return Err(self.refused(message));
        }
        let Some(hash) = hash else {
            let token = format!("\0{}\0{}", sasl.username, sasl.password);
            return self.step(token.as_bytes()).await.map(drop);
        };
        let nonce: [u8; 24] = rand::rng().random();
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        let scram = Scram::new(hash, &sasl.username, &sasl.password, &nonce);
        let challenge = self.step(scram.first().as_bytes()).await?;
        // It takes a while, as it is meant to: not on a thread that others need.
        let proved = tokio::task::spawn_blocking(move || scram.prove(&challenge)).await;
        let proof = proved.map_err(|error| self.broke(io::Error::other(error)))?;
        let broker = self.broker.clone();
        let proof = proof.map_err(|problem| Fault::Scram { broker, problem })?;
        let answer = self.step(proof.message.as_bytes()).await?;
        let broker = self.broker.clone();
        proof
            .check(&answer)
            .map_err(|problem| Fault::Scram { broker, problem })
    }

    async fn step(&mut self, token: &[u8]) -> Result<String, Fault> {
        let mut body = Vec::new();
        body.put_bytes(token);
        let answer = self.ask(SASL_AUTHENTICATE, &body, Duration::ZERO).await?;
        let mut reader = Reader::new(&answer);
        let read = |reader: &mut Reader<'_>| -> Result<(i16, String, String), Malformed> {
            let (code, message) = (reader.i16()?, reader.nullable_text()?);
            let message = message.unwrap_or_default().chars().take(200).collect();
            let token = String::from_utf8_lossy(reader.bytes()?).into_owned();
            Ok((code, message, token))
        };
        match read(&mut reader).map_err(|problem| self.malformed(problem))? {
            (0, _, token) => Ok(token),
            (_, message, _) => Err(self.refused(message)),
        }
    }

    pub(crate) fn malformed(&self, problem: Malformed) -> Fault {
        let broker = self.broker.clone();
        Fault::Malformed { broker, problem }
    }

    pub(crate) fn says(&self, code: i16) -> Fault {
        let broker = self.broker.clone();
        Fault::Code { broker, code }
    }

    fn refused(&self, message: String) -> Fault {
        let broker = self.broker.clone();
        Fault::LogIn { broker, message }
    }

    fn broke(&self, error: io::Error) -> Fault {
        let broker = self.broker.clone();
        Fault::Broke { broker, error }
    }
}

//! A Modbus TCP device on tokio-modbus: registers that exist, registers that do not, limits and
//! moods; and raw sockets for what no decent device sends.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use crate::rig::Shared;

/// One unit's registers and bits and how it behaves.
#[derive(Default)]
pub(crate) struct Plc {
    pub(crate) registers: BTreeMap<u16, u16>,
    pub(crate) coils: BTreeMap<u16, bool>,
    /// Most registers in one answer.
    pub(crate) quantity_max: Option<u16>,
    /// Units that never answer.
    pub(crate) silent: BTreeSet<u8>,
    /// An exception for everything that a unit is asked.
    pub(crate) exceptions: BTreeMap<u8, ExceptionCode>,
    /// Addresses whose reading fails inside the device.
    pub(crate) failing: BTreeSet<u16>,
    /// Every request that arrived.
    pub(crate) requests: Vec<(u8, Request<'static>)>,
}

#[derive(Clone)]
struct Connection(Shared<Plc>);

type Reply = Result<Response, ExceptionCode>;

impl Service for Connection {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let mut plc = self.0.lock();
        plc.requests.push((request.slave, request.request.clone()));
        if plc.silent.contains(&request.slave) {
            return Box::pin(std::future::pending());
        }
        let reply = match plc.exceptions.get(&request.slave) {
            Some(exception) => Err(*exception),
            None => plc.answer(request.request),
        };
        Box::pin(std::future::ready(reply))
    }
}

impl Plc {
    fn answer(&mut self, request: Request<'_>) -> Reply {
        match request {
            Request::ReadHoldingRegisters(at, count) => {
                self.words(at, count).map(Response::ReadHoldingRegisters)
            }
            Request::ReadInputRegisters(at, count) => {
                self.words(at, count).map(Response::ReadInputRegisters)
            }
            Request::ReadCoils(at, count) => self.bits(at, count).map(Response::ReadCoils),
            Request::ReadDiscreteInputs(at, count) => {
                self.bits(at, count).map(Response::ReadDiscreteInputs)
            }
            Request::WriteSingleRegister(at, word) => self
                .set(at, &[word])
                .map(|_| Response::WriteSingleRegister(at, word)),
            Request::WriteMultipleRegisters(at, words) => self
                .set(at, &words)
                .map(|count| Response::WriteMultipleRegisters(at, count)),
            Request::WriteSingleCoil(at, on) => {
                self.coils.insert(at, on);
                Ok(Response::WriteSingleCoil(at, on))
            }
            Request::WriteMultipleCoils(at, bits) => {
                self.coils.extend((at..).zip(bits.iter().copied()));
                Ok(Response::WriteMultipleCoils(
                    at,
                    u16::try_from(bits.len()).unwrap(),
                ))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    fn words(&self, at: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        if self.quantity_max.is_some_and(|max| count > max) {
            return Err(ExceptionCode::IllegalDataValue);
        }
        if (at..at + count).any(|address| self.failing.contains(&address)) {
            return Err(ExceptionCode::ServerDeviceFailure);
        }
        let word = |address| self.registers.get(&address).copied();
        let words: Option<Vec<u16>> = (at..at + count).map(word).collect();
        words.ok_or(ExceptionCode::IllegalDataAddress)
    }

    fn bits(&self, at: u16, count: u16) -> Result<Vec<bool>, ExceptionCode> {
        let bit = |address| self.coils.get(&address).copied();
        let bits: Option<Vec<bool>> = (at..at + count).map(bit).collect();
        bits.ok_or(ExceptionCode::IllegalDataAddress)
    }

    fn set(&mut self, at: u16, words: &[u16]) -> Result<u16, ExceptionCode> {
        let count = u16::try_from(words.len()).unwrap();
        if !(at..at + count).all(|address| self.registers.contains_key(&address)) {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        self.registers.extend((at..).zip(words.iter().copied()));
        Ok(count)
    }
}

/// A listening device; it ends with the test.
pub(crate) struct Device {
    pub(crate) port: u16,
    pub(crate) plc: Shared<Plc>,
    /// Connections accepted so far.
    pub(crate) accepted: Shared<usize>,
    _task: JoinSet<()>,
}

impl Device {
    /// A device with these registers, each holding its address plus 1000.
    pub(crate) async fn with(registers: impl IntoIterator<Item = u16>) -> Self {
        let registers = registers
            .into_iter()
            .map(|address| (address, address + 1000))
            .collect();
        Self::new(Plc {
            registers,
            ..Plc::default()
        })
        .await
    }

    pub(crate) async fn new(plc: Plc) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plc = Arc::new(Mutex::new(plc));
        let accepted = Shared::<usize>::default();
        let mut task = JoinSet::new();
        let (shared, count) = (Arc::clone(&plc), Arc::clone(&accepted));
        task.spawn(async move {
            let on_connected = |stream: TcpStream, from: SocketAddr| {
                *count.lock() += 1;
                stream.set_nodelay(true).unwrap();
                let service = Connection(Arc::clone(&shared));
                let ready = accept_tcp_connection(stream, from, move |_| Ok(Some(service.clone())));
                std::future::ready(ready)
            };
            let server = Server::new(listener);
            server.serve(&on_connected, |_| {}).await.unwrap();
        });
        Self {
            port,
            plc,
            accepted,
            _task: task,
        }
    }

    /// Forgets the requests so far.
    pub(crate) fn forget(&self) {
        self.plc.lock().requests.clear();
    }

    /// The address and length of each reading request to a unit, in order.
    pub(crate) fn reads(&self, unit: u8) -> Vec<(u16, u16)> {
        let plc = self.plc.lock();
        let own = plc.requests.iter().filter(|(to, _)| *to == unit);
        own.filter_map(|(_, request)| match request {
            Request::ReadHoldingRegisters(at, count)
            | Request::ReadInputRegisters(at, count)
            | Request::ReadCoils(at, count)
            | Request::ReadDiscreteInputs(at, count) => Some((*at, *count)),
            _ => None,
        })
        .collect()
    }
}

/// A socket that answers each request with the bytes that `reply` makes of it, then closes the
/// connection if that was `None`.
pub(crate) struct Peer {
    pub(crate) port: u16,
    _task: JoinSet<()>,
}

impl Peer {
    pub(crate) async fn new(
        reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 300];
                while let Ok(read) = stream.read(&mut buffer).await
                    && read > 0
                {
                    let Some(bytes) = reply(&buffer[..read]) else {
                        break;
                    };
                    if stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
            }
        });
        Self { port, _task: task }
    }
}

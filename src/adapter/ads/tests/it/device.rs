//! A PLC for the tests, written against the protocol and not against the client: it knows its
//! symbols, counts requests, and misbehaves when it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) place: (u32, u32),
    pub(crate) code: u32,
    pub(crate) type_name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// What a test may change and see.
pub(crate) struct Memory {
    pub(crate) symbols: BTreeMap<String, Variable>,
    /// Places that answer an error.
    pub(crate) errors: BTreeMap<(u32, u32), u32>,
    /// The count of changes, if it keeps one.
    pub(crate) version: Option<u8>,
    pub(crate) frozen: bool,
    /// Groups that it does not know.
    pub(crate) unknown: Vec<u32>,
    /// What the router says about everything.
    pub(crate) astray: u32,
    /// Whether what failed leaves room in an answer to several.
    pub(crate) leaves_room: bool,
    /// Closes connections when it is asked something.
    pub(crate) no_route: bool,
    /// News in front of each answer.
    pub(crate) news: usize,
    pub(crate) handles: BTreeMap<u32, String>,
    pub(crate) requests: usize,
    pub(crate) writes: usize,
}

pub(crate) struct Device {
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) fn variable(offset: u32, code: u32, type_name: &'static str, bytes: &[u8]) -> Variable {
    Variable {
        place: (0x4040, offset),
        code,
        type_name,
        bytes: bytes.to_vec(),
    }
}

impl Device {
    /// A PLC with a few variables.
    pub(crate) async fn start() -> Self {
        let rows = [
            ("MAIN.fSpeed", variable(0, 4, "REAL", &1.5f32.to_le_bytes())),
            ("MAIN.nSetpoint", variable(4, 2, "INT", &[100, 0])),
            ("MAIN.sName", variable(8, 30, "STRING(5)", b"abc\0\0\0")),
            ("MAIN.stAll", variable(20, 65, "ST_All", &[0; 40])),
        ];
        let symbols = rows.map(|(name, variable)| (name.to_owned(), variable));
        Self::with(Memory {
            symbols: symbols.into(),
            errors: BTreeMap::new(),
            version: Some(1),
            frozen: false,
            unknown: Vec::new(),
            astray: 0,
            leaves_room: true,
            no_route: false,
            news: 0,
            handles: BTreeMap::new(),
            requests: 0,
            writes: 0,
        })
        .await
    }

    pub(crate) async fn with(memory: Memory) -> Self {
        let memory = Arc::new(Mutex::new(memory));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&memory);
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                clients.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            memory,
            address,
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

async fn serve(mut stream: TcpStream, memory: Arc<Mutex<Memory>>) {
    drop(converse(&mut stream, &memory).await);
}

pub(crate) fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn counted(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap().to_le_bytes()
}

pub(crate) async fn frame_from(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 6];
    stream.read_exact(&mut frame).await?;
    let length = usize::try_from(long(&frame, 2)).unwrap();
    frame.resize(6 + length, 0);
    stream.read_exact(&mut frame[6..]).await?;
    Ok(frame)
}

/// An answer to a request, with an error of the router.
pub(crate) fn answered(request: &[u8], error: u32, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0];
    frame.extend(u32::try_from(32 + data.len()).unwrap().to_le_bytes());
    frame.extend(&request[14..22]);
    frame.extend(&request[6..14]);
    frame.extend(&request[22..24]);
    frame.extend([5, 0]);
    frame.extend(counted(data));
    frame.extend(error.to_le_bytes());
    frame.extend(&request[34..38]);
    frame.extend(data);
    frame
}

async fn converse(stream: &mut TcpStream, memory: &Mutex<Memory>) -> std::io::Result<()> {
    loop {
        let frame = frame_from(stream).await?;
        assert_eq!(frame[24..26], [4, 0], "a request");
        let (is_frozen, no_route, astray, news) = {
            let memory = memory.lock();
            (memory.frozen, memory.no_route, memory.astray, memory.news)
        };
        if no_route {
            return Ok(());
        }
        if is_frozen {
            continue;
        }
        for _ in 0..news {
            let mut message = answered(&frame, 0, &[0; 20]);
            message[22] = 8;
            message[24] = 4;
            stream.write_all(&message).await?;
        }
        let data = memory.lock().answer(frame[22], &frame[38..]);
        let data = if astray == 0 { data } else { Vec::new() };
        stream.write_all(&answered(&frame, astray, &data)).await?;
    }
}

impl Memory {
    pub(crate) fn answer(&mut self, command: u8, data: &[u8]) -> Vec<u8> {
        self.requests += 1;
        match command {
            4 => vec![0, 0, 0, 0, 5, 0, 0, 0],
            2 => said(self.read((long(data, 0), long(data, 4)), long(data, 8))),
            3 => {
                let code = self.write((long(data, 0), long(data, 4)), &data[12..]);
                code.to_le_bytes().into()
            }
            9 => {
                let place = (long(data, 0), long(data, 4));
                said(self.both(place, &data[16..]))
            }
            _ => 0x701u32.to_le_bytes().into(),
        }
    }

    fn read(&self, place: (u32, u32), size: u32) -> Result<Vec<u8>, u32> {
        if self.unknown.contains(&place.0) {
            return Err(0x702);
        }
        if let Some(error) = self.errors.get(&place) {
            return Err(*error);
        }
        match place {
            (0xF008, _) => self.version.map(|version| vec![version]).ok_or(0x702),
            (0xF00F, _) => {
                let all = self.upload();
                let count = u32::try_from(self.symbols.len()).unwrap().to_le_bytes();
                Ok([&count[..], &counted(&all), &[0; 16]].concat())
            }
            (0xF00B, _) => Ok(self.upload()),
            _ => {
                let found = self.symbols.values().find(|found| found.place == place);
                let bytes = &found.ok_or(0x703u32)?.bytes;
                match u32::try_from(bytes.len()).unwrap() == size {
                    true => Ok(bytes.clone()),
                    false => Err(0x705),
                }
            }
        }
    }

    fn write(&mut self, place: (u32, u32), bytes: &[u8]) -> u32 {
        if place.0 == 0xF006 {
            return match self.handles.remove(&long(bytes, 0)) {
                Some(_) => 0,
                None => 0x70C,
            };
        }
        if let Some(error) = self.errors.get(&place) {
            return *error;
        }
        let found = match place.0 {
            0xF005 => {
                let name = self.handles.get(&place.1).cloned().unwrap_or_default();
                self.symbols.get_mut(&name)
            }
            _ => self.symbols.values_mut().find(|found| found.place == place),
        };
        self.writes += 1;
        match found {
            Some(found) if found.bytes.len() == bytes.len() => {
                found.bytes = bytes.to_vec();
                0
            }
            Some(_) => 0x705,
            None => 0x703,
        }
    }

    fn both(&mut self, place: (u32, u32), bytes: &[u8]) -> Result<Vec<u8>, u32> {
        if self.unknown.contains(&place.0) {
            return Err(0x702);
        }
        match place {
            (0xF003, _) => {
                let name = name_of(bytes);
                if !self.symbols.contains_key(&name) {
                    return Err(0x710);
                }
                let handle = 7000 + u32::try_from(self.requests).unwrap();
                self.handles.insert(handle, name);
                Ok(handle.to_le_bytes().into())
            }
            (0xF009, _) => self.info(&name_of(bytes)).ok_or(0x710),
            (0xF080, count) => Ok(self.several(count, bytes)),
            (0xF082, count) => Ok(self.several_infos(count, bytes)),
            _ => Err(0x702),
        }
    }

    fn several(&self, count: u32, items: &[u8]) -> Vec<u8> {
        let (mut codes, mut all) = (Vec::new(), Vec::new());
        for item in items.chunks_exact(12) {
            let size = long(item, 8);
            match self.read((long(item, 0), long(item, 4)), size) {
                Ok(bytes) => {
                    codes.extend([0; 4]);
                    all.extend(bytes);
                }
                Err(code) => {
                    codes.extend(code.to_le_bytes());
                    if self.leaves_room {
                        all.resize(all.len() + usize::try_from(size).unwrap(), 0);
                    }
                }
            }
        }
        assert_eq!(codes.len(), usize::try_from(count).unwrap() * 4);
        [codes, all].concat()
    }

    fn several_infos(&self, count: u32, data: &[u8]) -> Vec<u8> {
        let count = usize::try_from(count).unwrap();
        let (heads, mut names) = data.split_at(16 * count);
        let (mut codes, mut all) = (Vec::new(), Vec::new());
        for head in heads.chunks_exact(16) {
            assert_eq!(long(head, 0), 0xF009);
            let (name, rest) = names.split_at(usize::try_from(long(head, 12)).unwrap());
            names = rest;
            let info = self.info(&name_of(name));
            let code = if info.is_some() { 0 } else { 0x710u32 };
            let info = info.unwrap_or_default();
            codes.extend(code.to_le_bytes());
            codes.extend(counted(&info));
            all.extend(info);
        }
        [codes, all].concat()
    }

    fn upload(&self) -> Vec<u8> {
        self.symbols
            .keys()
            .filter_map(|name| self.info(name))
            .flatten()
            .collect()
    }

    fn info(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.symbols.get(name)?;
        let length = 30 + name.len() + found.type_name.len() + 3;
        let short = |text: &str| u16::try_from(text.len()).unwrap().to_le_bytes();
        let mut entry = u32::try_from(length).unwrap().to_le_bytes().to_vec();
        entry.extend(found.place.0.to_le_bytes());
        entry.extend(found.place.1.to_le_bytes());
        entry.extend(counted(&found.bytes));
        entry.extend(found.code.to_le_bytes());
        entry.extend([0; 4]);
        entry.extend(short(name));
        entry.extend(short(found.type_name));
        entry.extend([0, 0]);
        entry.extend([name.as_bytes(), &[0], found.type_name.as_bytes(), &[0, 0]].concat());
        Some(entry)
    }
}

fn name_of(bytes: &[u8]) -> String {
    assert_eq!(bytes.last(), Some(&0));
    String::from_utf8(bytes[..bytes.len() - 1].to_vec()).unwrap()
}

fn said(read: Result<Vec<u8>, u32>) -> Vec<u8> {
    match read {
        Ok(bytes) => [&[0; 4][..], &counted(&bytes), &bytes].concat(),
        Err(code) => [code.to_le_bytes(), [0; 4]].concat(),
    }
}

//! A controller for the tests, written against the protocol and not against the client: it knows
//! its tags, counts requests, and misbehaves when it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A tag: type, handle if it is a structure, bytes, size of an element.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) code: u16,
    pub(crate) handle: Option<u16>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) size: usize,
}

/// What a test may change and see.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) tags: BTreeMap<String, Tag>,
    /// Tags that answer a status.
    pub(crate) statuses: BTreeMap<String, (u8, Option<u16>)>,
    /// The slot that is there; others are refused by the module.
    pub(crate) slot: u8,
    pub(crate) frozen: bool,
    /// Knows nothing of several requests in one.
    pub(crate) single: bool,
    /// Bytes of data in an answer.
    pub(crate) room: usize,
    /// The symbols: instance, program, name, type, sizes.
    pub(crate) symbols: Vec<(u32, &'static str, &'static str, u16, [u32; 3])>,
    /// Says of its list of symbols that there is more, and begins again.
    pub(crate) endless: bool,
    pub(crate) frames: usize,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

pub(crate) struct Device {
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) fn tag(code: u16, size: usize, bytes: &[u8]) -> Tag {
    Tag {
        code,
        handle: None,
        bytes: bytes.to_vec(),
        size,
    }
}

/// A Logix STRING with this text.
pub(crate) fn logix_string(text: &[u8]) -> Tag {
    let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.resize(88, 0);
    Tag {
        code: 0x02A0,
        handle: Some(0x0FCE),
        bytes,
        size: 88,
    }
}

impl Device {
    /// A controller in slot 0 with a few tags.
    pub(crate) async fn start() -> Self {
        let mut memory = Memory {
            room: 480,
            ..Memory::default()
        };
        let rows = [
            ("Setpoint", tag(0xC3, 2, &[100, 0])),
            ("Temperature", tag(0xCA, 4, &20.5f32.to_le_bytes())),
            ("Status", tag(0xC4, 4, &[0b1001, 0, 0, 0x80])),
            ("Flags", tag(0xD3, 4, &[0, 0, 0, 0, 4, 0, 0, 0])),
            ("Name", logix_string(b"M\xfcller")),
            ("Program:Main.Count", tag(0xC4, 4, &[7, 0, 0, 0])),
        ];
        memory
            .tags
            .extend(rows.map(|(name, tag)| (name.to_owned(), tag)));
        Self::with(memory).await
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

pub(crate) async fn frame_from(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 24];
    stream.read_exact(&mut frame).await?;
    let length = usize::from(u16::from_le_bytes([frame[2], frame[3]]));
    frame.resize(24 + length, 0);
    stream.read_exact(&mut frame[24..]).await?;
    Ok(frame)
}

pub(crate) const SESSION: [u8; 4] = [9, 8, 7, 6];

/// An answer to a frame with another body.
pub(crate) fn answered(request: &[u8], body: &[u8]) -> Vec<u8> {
    let mut frame = request[..24].to_vec();
    frame[2..4].copy_from_slice(&u16::try_from(body.len()).unwrap().to_le_bytes());
    frame[4..8].copy_from_slice(&SESSION);
    frame.extend(body);
    frame
}

/// The body around a CIP message.
pub(crate) fn around(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap().to_le_bytes();
    let mut body = vec![0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xB2, 0];
    body.extend(length);
    body.extend(message);
    body
}

async fn converse(stream: &mut TcpStream, memory: &Mutex<Memory>) -> std::io::Result<()> {
    loop {
        let frame = frame_from(stream).await?;
        if frame[0] == 0x65 {
            assert_eq!(frame[24..], [1, 0, 0, 0]);
            stream.write_all(&answered(&frame, &[1, 0, 0, 0])).await?;
            continue;
        }
        assert_eq!((frame[0], &frame[4..8]), (0x6F, &SESSION[..]));
        let answer = memory.lock().frame(&frame[40..]);
        if let Some(answer) = answer {
            stream
                .write_all(&answered(&frame, &around(&answer)))
                .await?;
        }
    }
}

fn reply(service: u8, status: (u8, Option<u16>), data: &[u8]) -> Vec<u8> {
    let mut reply = vec![service | 0x80, 0, status.0, u8::from(status.1.is_some())];
    reply.extend(status.1.into_iter().flat_map(u16::to_le_bytes));
    reply.extend(data);
    reply
}

/// The name in a path, its elements in brackets, and the rest of the request.
fn path_of(request: &[u8]) -> (String, usize, &[u8]) {
    let end = 2 + usize::from(request[1]) * 2;
    let (mut at, mut name, mut element) = (2, String::new(), 0);
    while at < end {
        match request[at] {
            0x91 => {
                let length = usize::from(request[at + 1]);
                let part = std::str::from_utf8(&request[at + 2..at + 2 + length]).unwrap();
                let dot = if name.is_empty() { "" } else { "." };
                name = format!("{name}{dot}{part}");
                at += 2 + length + length % 2;
            }
            0x28 => {
                element = usize::from(request[at + 1]);
                at += 2;
            }
            0x29 => {
                element = usize::from(u16::from_le_bytes([request[at + 2], request[at + 3]]));
                at += 4;
            }
            // Classes and instances are told apart by the service.
            _ => at = end,
        }
    }
    (name, element, &request[end..])
}

impl Memory {
    fn frame(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        self.frames += 1;
        if self.frozen {
            return None;
        }
        // Handed on by the module, unless the client thinks that there is none.
        if message[..6] != [0x52, 2, 0x20, 6, 0x24, 1] {
            return Some(self.answer(message));
        }
        let length = usize::from(u16::from_le_bytes([message[8], message[9]]));
        let way = 10 + length + length % 2;
        assert_eq!(message[way..way + 3], [1, 0, 1]);
        if message[way + 3] != self.slot {
            return Some(reply(0x52, (1, Some(0x0312)), &[]));
        }
        Some(self.answer(&message[10..10 + length]))
    }

    pub(crate) fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let service = request[0];
        let (name, element, rest) = path_of(request);
        match service {
            0x0E => reply(service, (0, None), &[1, 0]),
            0x0A if !self.single => self.several(rest),
            0x55 => self.list(&name, request, rest),
            0x4C | 0x52 | 0x4D | 0x4E => {
                if let Some(status) = self.statuses.get(&name) {
                    return reply(service, *status, &[]);
                }
                let Some(tag) = self.tags.get_mut(&name) else {
                    return reply(service, (4, None), &[]);
                };
                if service == 0x4D || service == 0x4E {
                    self.writes += 1;
                    let status = change(tag, service, element, rest);
                    return reply(service, status, &[]);
                }
                self.reads += 1;
                read(tag, service, element, rest, self.room)
            }
            _ => reply(service, (8, None), &[]),
        }
    }

    fn several(&mut self, rest: &[u8]) -> Vec<u8> {
        let word = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let count = word(0);
        let ends = (0..count).map(|at| word(2 + 2 * at)).chain([rest.len()]);
        let ends: Vec<usize> = ends.collect();
        let answers: Vec<_> = ends
            .windows(2)
            .map(|two| self.answer(&rest[two[0]..two[1]]))
            .collect();
        let failed = answers.iter().any(|answer| answer[2] != 0);
        let mut data = u16::try_from(count).unwrap().to_le_bytes().to_vec();
        let mut offset = 2 + 2 * count;
        for answer in &answers {
            data.extend(u16::try_from(offset).unwrap().to_le_bytes());
            offset += answer.len();
        }
        data.extend(answers.concat());
        assert!(data.len() <= 500, "an answer longer than any device gives");
        reply(0x0A, (if failed { 0x1E } else { 0 }, None), &data)
    }

    fn list(&self, scope: &str, request: &[u8], rest: &[u8]) -> Vec<u8> {
        assert_eq!(rest, [3, 0, 1, 0, 2, 0, 8, 0]);
        let end = 2 + usize::from(request[1]) * 2;
        let from = u32::from(u16::from_le_bytes([request[end - 2], request[end - 1]]));
        let mut data = Vec::new();
        for (instance, program, name, code, sizes) in &self.symbols {
            if *program != scope || (*instance < from && !self.endless) {
                continue;
            }
            if data.len() > 60 {
                return reply(0x55, (6, None), &data);
            }
            data.extend(instance.to_le_bytes());
            data.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            data.extend(name.as_bytes());
            data.extend(code.to_le_bytes());
            data.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        }
        reply(0x55, (if self.endless { 6 } else { 0 }, None), &data)
    }
}

fn read(tag: &Tag, service: u8, element: usize, rest: &[u8], room: usize) -> Vec<u8> {
    let count = usize::from(u16::from_le_bytes([rest[0], rest[1]]));
    let range = element * tag.size..(element + count) * tag.size;
    let Some(all) = tag.bytes.get(range) else {
        return reply(service, (0xFF, Some(0x2105)), &[]);
    };
    let offset = match service {
        0x52 => u32::from_le_bytes(rest[2..6].try_into().unwrap()) as usize,
        _ => 0,
    };
    let part = &all[offset..];
    let fits = part.len() <= room;
    let mut data = tag.code.to_le_bytes().to_vec();
    data.extend(tag.handle.into_iter().flat_map(u16::to_le_bytes));
    data.extend(&part[..part.len().min(room)]);
    reply(service, (if fits { 0 } else { 6 }, None), &data)
}

fn change(tag: &mut Tag, service: u8, element: usize, rest: &[u8]) -> (u8, Option<u16>) {
    let word = |at: usize| u16::from_le_bytes([rest[at], rest[at + 1]]);
    let start = element * tag.size;
    if service == 0x4E {
        let size = usize::from(word(0));
        assert_eq!(size, tag.size, "masks are as long as the integer");
        for at in 0..size {
            let byte = &mut tag.bytes[start + at];
            *byte = (*byte | rest[2 + at]) & rest[2 + size + at];
        }
        return (0, None);
    }
    let head = if tag.handle.is_some() { 4 } else { 2 };
    if word(0) != tag.code || (head == 4 && Some(word(2)) != tag.handle) {
        return (0xFF, Some(0x2107));
    }
    let (count, data) = (usize::from(word(head)), &rest[head + 2..]);
    assert_eq!(data.len(), count * tag.size);
    match tag.bytes.get_mut(start..start + data.len()) {
        Some(place) => place.copy_from_slice(data),
        None => return (0xFF, Some(0x2105)),
    }
    (0, None)
}

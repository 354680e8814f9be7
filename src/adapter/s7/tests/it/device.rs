//! A CPU for the tests, written against the protocol and not against the client: it knows its
//! areas, counts requests, and misbehaves when it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a test may change and see.
#[derive(Default)]
pub(crate) struct Memory {
    /// Bytes by area code and block.
    pub(crate) areas: BTreeMap<(u8, u16), Vec<u8>>,
    /// Blocks that answer this code to everything.
    pub(crate) codes: BTreeMap<u16, u8>,
    /// What every read and write is answered with, in the header.
    pub(crate) refusal: Option<(u8, u8)>,
    pub(crate) frozen: bool,
    pub(crate) pdu: u16,
    /// The slot that answers; others are closed as real CPUs do it.
    pub(crate) slot: Option<u8>,
    pub(crate) reads: usize,
    pub(crate) items: usize,
    pub(crate) writes: usize,
    /// Answers in frames of this many bytes.
    pub(crate) fragment: Option<usize>,
}

pub(crate) struct Device {
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) const DB: u8 = 0x84;

impl Device {
    /// A CPU with DB1 of 200 bytes, each with its own number, flags, inputs, timers, counters.
    pub(crate) async fn start() -> Self {
        let mut memory = Memory {
            pdu: 240,
            ..Memory::default()
        };
        memory.areas.insert((DB, 1), (0..200).collect());
        memory.areas.insert((0x83, 0), vec![0; 64]);
        memory.areas.insert((0x81, 0), vec![0b1010_0101; 8]);
        memory.areas.insert((0x1D, 0), vec![0x21, 0x23, 0x00, 0x05]);
        memory.areas.insert((0x1C, 0), vec![0x00, 0x42, 0x09, 0x99]);
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
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let mut rest = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - 4];
    stream.read_exact(&mut rest).await?;
    Ok(rest)
}

pub(crate) fn framed(tpdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(tpdu.len() + 4).unwrap().to_be_bytes();
    [&[3, 0, length[0], length[1]], tpdu].concat()
}

pub(crate) const CONFIRM: &[u8] = &[
    0x11, 0xD0, 0, 1, 0, 1, 0, 0xC0, 1, 0x0A, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2,
];

async fn converse(stream: &mut TcpStream, memory: &Mutex<Memory>) -> std::io::Result<()> {
    let request = frame_from(stream).await?;
    let wanted = request.last().map(|byte| byte & 0x1F);
    if memory.lock().slot.is_some_and(|slot| Some(slot) != wanted) {
        return Ok(());
    }
    stream.write_all(&framed(CONFIRM)).await?;
    loop {
        let tpdu = frame_from(stream).await?;
        let answer = memory.lock().answer(&tpdu[3..]);
        let Some(pdu) = answer else {
            continue;
        };
        let size = memory.lock().fragment.unwrap_or(usize::MAX).min(pdu.len());
        let parts: Vec<&[u8]> = pdu.chunks(size).collect();
        for (index, part) in parts.iter().enumerate() {
            let last = if index + 1 == parts.len() { 0x80 } else { 0 };
            stream
                .write_all(&framed(&[&[2, 0xF0, last], *part].concat()))
                .await?;
        }
    }
}

/// An answer with these parameters and data.
pub(crate) fn answered(request: &[u8], error: (u8, u8), parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let data_length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let parameters_length = u8::try_from(parameters.len()).unwrap();
    let mut pdu = vec![0x32, 3, 0, 0, request[4], request[5], 0, parameters_length];
    pdu.extend(data_length);
    pdu.extend([error.0, error.1]);
    pdu.extend(parameters);
    pdu.extend(data);
    pdu
}

impl Memory {
    pub(crate) fn answer(&mut self, pdu: &[u8]) -> Option<Vec<u8>> {
        let (function, count) = (pdu[10], usize::from(pdu[11]));
        if function == 0xF0 {
            let granted = self
                .pdu
                .min(u16::from_be_bytes([pdu[16], pdu[17]]))
                .to_be_bytes();
            let parameters = [0xF0, 0, 0, 1, 0, 1, granted[0], granted[1]];
            return Some(answered(pdu, (0, 0), &parameters, &[]));
        }
        if self.frozen {
            return None;
        }
        if let Some(refusal) = self.refusal {
            let mut answer = answered(pdu, refusal, &[], &[]);
            answer[1] = 2;
            return Some(answer);
        }
        assert!(
            pdu.len() <= usize::from(self.pdu),
            "a request longer than agreed"
        );
        let items = pdu[12..].chunks_exact(12).take(count);
        if function == 5 {
            self.writes += 1;
            let code = self.write(&pdu[12..24], &pdu[24..]);
            return Some(answered(pdu, (0, 0), &[5, 1], &[code]));
        }
        self.reads += 1;
        self.items += count;
        let mut data = Vec::new();
        for (index, item) in items.enumerate() {
            data.extend(self.read(item));
            if index + 1 < count && data.len() % 2 == 1 {
                data.push(0);
            }
        }
        let answer = answered(pdu, (0, 0), &[4, pdu[11]], &data);
        assert!(
            answer.len() <= usize::from(self.pdu),
            "an answer longer than agreed"
        );
        Some(answer)
    }

    /// Where an item stands: its block, its first byte, its length and its bit.
    fn place(item: &[u8]) -> ((u8, u16), usize, usize, u32) {
        let key = (item[8], u16::from_be_bytes([item[6], item[7]]));
        let count = usize::from(u16::from_be_bytes([item[4], item[5]]));
        let address = u32::from_be_bytes([0, item[9], item[10], item[11]]);
        match item[3] {
            0x1C | 0x1D => (key, address as usize * 2, count * 2, 0),
            1 => (key, (address / 8) as usize, 1, address % 8),
            _ => (key, (address / 8) as usize, count, 0),
        }
    }

    fn refused(&self, key: (u8, u16), end: usize) -> Option<u8> {
        if let Some(code) = self.codes.get(&key.1) {
            return Some(*code);
        }
        match self.areas.get(&key) {
            None => Some(0x0A),
            Some(bytes) => (end > bytes.len()).then_some(0x05),
        }
    }

    fn read(&self, item: &[u8]) -> Vec<u8> {
        let (key, start, count, _) = Self::place(item);
        if let Some(code) = self.refused(key, start + count) {
            return vec![code, 0, 0, 0];
        }
        let bytes = &self.areas[&key][start..start + count];
        let is_timer = matches!(item[3], 0x1C | 0x1D);
        let (transport, length) = if is_timer { (9, count) } else { (4, count * 8) };
        let length = u16::try_from(length).unwrap().to_be_bytes();
        [&[0xFF, transport, length[0], length[1]], bytes].concat()
    }

    fn write(&mut self, item: &[u8], data: &[u8]) -> u8 {
        let (key, start, _, bit) = Self::place(item);
        let bytes = &data[4..];
        if let Some(code) = self.refused(key, start + bytes.len()) {
            return code;
        }
        let area = self.areas.get_mut(&key).unwrap();
        if item[3] == 1 {
            assert_eq!(data[1..4], [3, 0, 1], "a bit is written as one bit");
            area[start] = area[start] & !(1 << bit) | bytes[0] << bit;
        } else {
            let bits = usize::from(u16::from_be_bytes([data[2], data[3]]));
            assert_eq!(
                (data[1], bits),
                (4, bytes.len() * 8),
                "bytes are counted in bits"
            );
            area[start..start + bytes.len()].copy_from_slice(bytes);
        }
        0xFF
    }
}

//! MQTT 3.1.1 by hand, QoS 0, over one TCP connection: one program answers, the other asks.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{TOKEN, tell};

/// A connection with what was read and not used yet.
struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut left) = (vec![kind], body.len());
    loop {
        let part = u8::try_from(left % 128).unwrap();
        left /= 128;
        bytes.push(if left > 0 { part | 0x80 } else { part });
        if left == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    body.extend_from_slice(payload);
    packet(0x30, &body)
}

impl Wire {
    /// Connects and subscribes.
    fn open(address: &str, filter: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let read = Vec::new();
        let mut wire = Self { stream, read };
        let id = format!("bench{}", std::process::id());
        let connect = [
            text("MQTT"),
            vec![4, 0xC2, 0, 60],
            text(&id),
            text("mes"),
            text(TOKEN),
        ];
        wire.stream
            .write_all(&packet(0x10, &connect.concat()))
            .unwrap();
        let subscribe = [vec![0, 1], text(filter), vec![0]];
        wire.stream
            .write_all(&packet(0x82, &subscribe.concat()))
            .unwrap();
        for expected in [0x20, 0x90] {
            let (kind, body) = loop {
                if let Some(packet) = wire.next() {
                    break packet;
                }
                wire.fill();
            };
            assert_eq!(kind, expected, "{body:?}");
        }
        wire
    }

    fn fill(&mut self) {
        let mut buffer = [0; 65536];
        let count = self.stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the broker hung up");
        self.read.extend_from_slice(&buffer[..count]);
    }

    /// The next whole packet that was read.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let (mut length, mut head) = (0, 1);
        loop {
            let byte = *self.read.get(head)?;
            length |= usize::from(byte & 0x7F) << (7 * (head - 1));
            head += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = self.read.get(head..head + length)?.to_vec();
        let kind = self.read[0];
        self.read.drain(..head + length);
        Some((kind, body))
    }
}

/// Topic and payload of a PUBLISH of QoS 0.
fn split(body: &[u8]) -> (&str, &[u8]) {
    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let (topic, payload) = body[2..].split_at(length);
    (std::str::from_utf8(topic).unwrap(), payload)
}

fn id(payload: &[u8]) -> &str {
    let text = std::str::from_utf8(payload).unwrap();
    let begin = text.find(r#""id":""#).unwrap() + 6;
    &text[begin..begin + 36]
}

/// Answers every request until it is killed.
pub(super) fn answer(address: &str) {
    let mut wire = Wire::open(address, "services/+/+/treq");
    loop {
        let mut out = Vec::new();
        while let Some((kind, body)) = wire.next() {
            let (topic, payload) = split(&body);
            // One route is answered by nobody.
            if kind >> 4 != 3 || topic.contains("/alone/") {
                continue;
            }
            let reply = format!(
                r#"{{"id":"{}","timestamp":1,"value":{{"ok":true}}}}"#,
                id(payload)
            );
            let topic = topic.replace("/treq", "/tres");
            out.extend_from_slice(&publish(&topic, reply.as_bytes()));
        }
        if !out.is_empty() {
            wire.stream.write_all(&out).unwrap();
        }
        wire.fill();
    }
}

/// Asks over the broker alone, so many at the same time.
pub(super) fn exchange(address: &str, open: usize, seconds: u64) {
    let mut wire = Wire::open(address, "services/bench/held/tres");
    let (mut waiting, mut micros) = (HashMap::new(), Vec::new());
    let ask = |waiting: &mut HashMap<String, Instant>, out: &mut Vec<u8>| {
        let id = uuid::Uuid::new_v4().to_string();
        let payload = format!(r#"{{"id":"{id}","timestamp":1,"value":{{"a":1}}}}"#);
        waiting.insert(id, Instant::now());
        out.extend_from_slice(&publish("services/bench/held/treq", payload.as_bytes()));
    };
    let mut out = Vec::new();
    for _ in 0..open {
        ask(&mut waiting, &mut out);
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        if !out.is_empty() {
            wire.stream.write_all(&out).unwrap();
            out.clear();
        }
        wire.fill();
        while let Some((_, body)) = wire.next() {
            let since = waiting.remove(id(split(&body).1)).unwrap();
            micros.push(u32::try_from(since.elapsed().as_micros()).unwrap());
            ask(&mut waiting, &mut out);
        }
    }
    tell(micros, began.elapsed().as_secs_f64());
}

//! The devices: as little as a device can be, so that the time that is measured is the node's.

use std::io::{BufRead as _, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;

/// The interval of every poll, in microseconds.
const INTERVAL: u64 = 1_000_000;

/// One device.
struct Device {
    /// When requests came, in microseconds since the process began.
    came: Mutex<Vec<u64>>,
    is_frozen: AtomicBool,
    polls: AtomicU16,
}

/// Serves so many devices, of whose registers so many change with each poll, and takes commands.
pub(crate) fn serve(count: usize, changing: usize) {
    let begun = Instant::now();
    let mut devices = Vec::new();
    let mut ports = Vec::new();
    for _ in 0..count {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        ports.push(listener.local_addr().unwrap().port());
        let device = Arc::new(Device {
            came: Mutex::default(),
            is_frozen: AtomicBool::new(false),
            polls: AtomicU16::new(0),
        });
        let own = Arc::clone(&device);
        devices.push(device);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = Arc::clone(&own);
                thread::spawn(move || answer(&own, stream.unwrap(), changing, begun));
            }
        });
    }
    println!("{}", serde_json::json!(ports));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("freeze", number)) => {
                let number: usize = number.parse().unwrap();
                devices[number].is_frozen.store(true, Ordering::Relaxed);
                println!("true");
            }
            None if line == "begin" => {
                for device in &devices {
                    device.came.lock().clear();
                }
                println!("true");
            }
            _ => println!("{}", report(&devices)),
        }
    }
}

fn answer(device: &Device, mut stream: TcpStream, changing: usize, begun: Instant) {
    stream.set_nodelay(true).unwrap();
    let mut request = [0; 12];
    while stream.read_exact(&mut request).is_ok() {
        let now = u64::try_from(begun.elapsed().as_micros()).unwrap();
        if device.is_frozen.load(Ordering::Relaxed) {
            continue;
        }
        device.came.lock().push(now);
        let poll = device.polls.fetch_add(1, Ordering::Relaxed);
        let count = u8::try_from(u16::from_be_bytes([request[10], request[11]])).unwrap();
        let mut frame = request[..4].to_vec();
        frame.extend((u16::from(count) * 2 + 3).to_be_bytes());
        frame.extend([request[6], request[7], count * 2]);
        for register in 0..usize::from(count) {
            let word = if register < changing { poll } else { 7 };
            frame.extend(word.to_be_bytes());
        }
        if stream.write_all(&frame).is_err() {
            return;
        }
    }
}

/// How late requests came, each measured against the earliest beat of its device.
fn report(devices: &[Arc<Device>]) -> serde_json::Value {
    let mut late = Vec::new();
    for device in devices {
        let came = device.came.lock().clone();
        let Some(first) = came.first().copied() else {
            continue;
        };
        // The beat that fits: no request came before it.
        let phase = |at: &u64| (at - first + INTERVAL / 2) % INTERVAL;
        let earliest = came.iter().map(phase).min().unwrap();
        late.extend(came.iter().map(|at| phase(at) - earliest));
    }
    late.sort_unstable();
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    serde_json::json!({
        "polls": late.len(), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1.0),
    })
}

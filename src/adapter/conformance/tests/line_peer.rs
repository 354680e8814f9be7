//! The device: answers `get <key>` and `set <key> <number>`, one line each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const WELL: u8 = 0;
const SILENT: u8 = 1;
const GARBAGE: u8 = 2;

pub(super) struct LinePeer {
    port: u16,
    device: Arc<Device>,
    running: Option<(CancellationToken, TaskTracker)>,
}

struct Device {
    mood: AtomicU8,
    writes: AtomicUsize,
    values: Mutex<BTreeMap<String, f64>>,
}

impl LinePeer {
    pub(super) fn new() -> Self {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let values = [("temperature", 21.5), ("setpoint", 20.0)];
        let values = values.map(|(key, value)| (key.to_owned(), value)).into();
        Self {
            port: probe.local_addr().unwrap().port(),
            device: Arc::new(Device {
                mood: AtomicU8::new(WELL),
                writes: AtomicUsize::new(0),
                values: Mutex::new(values),
            }),
            running: None,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn writes_seen(&self) -> usize {
        self.device.writes.load(Ordering::SeqCst)
    }

    pub(super) fn fall_silent(&self) {
        self.device.mood.store(SILENT, Ordering::SeqCst);
    }

    pub(super) fn talk_garbage(&self) {
        self.device.mood.store(GARBAGE, Ordering::SeqCst);
    }

    pub(super) async fn start(&mut self) {
        self.device.mood.store(WELL, Ordering::SeqCst);
        if self.running.is_some() {
            return;
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (device, inner_stop, inner_tasks) =
            (Arc::clone(&self.device), stop.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(Ok((stream, _))) =
                inner_stop.run_until_cancelled(listener.accept()).await
            {
                let (device, stop) = (Arc::clone(&device), inner_stop.clone());
                inner_tasks.spawn(async move {
                    stop.run_until_cancelled(device.serve(stream)).await;
                });
            }
        });
        self.running = Some((stop, tasks));
    }

    pub(super) async fn stop(&mut self) {
        if let Some((stop, tasks)) = self.running.take() {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }
}

impl Device {
    async fn serve(&self, mut stream: TcpStream) {
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match self.mood.load(Ordering::SeqCst) {
                SILENT => continue,
                GARBAGE => "\u{1}\u{2}?? 12 12 ok\n".to_owned(),
                _ => self.answer(&line),
            };
            if writer.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let mut values = self.values.lock();
        match words[..] {
            ["get", key] => values
                .get(key)
                .map_or("none\n".into(), |value| format!("ok {value}\n")),
            ["set", key, value] => {
                self.writes.fetch_add(1, Ordering::SeqCst);
                values.insert(key.into(), value.parse().unwrap());
                format!("ok {value}\n")
            }
            _ => "none\n".into(),
        }
    }
}

//! A connector in Rust: a tank that fills, and sends its values by itself. See docs/CONNECTORS.md.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How often it looks at its device.
const PAUSE: Duration = Duration::from_millis(100);

/// The device: inflow, level, and when that was. A real connector talks to one here.
struct Tank(f64, f64, Instant);

impl Tank {
    fn read(&mut self, signal: &str) -> Option<f64> {
        self.1 += self.0 * self.2.elapsed().as_secs_f64();
        self.2 = Instant::now();
        match signal {
            "level" => Some(self.1),
            "inflow" => Some(self.0),
            _ => None,
        }
    }

    fn write(&mut self, signal: &str, value: &Value) -> Value {
        let ("inflow", Some(inflow)) = (signal, value.as_f64()) else {
            return json!({ "refused": { "code": "read_only", "message": signal } });
        };
        self.read("level");
        self.0 = inflow;
        json!({ "applied": true, "verified": true })
    }
}

fn say(word: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{word}").and_then(|()| output.flush())
}

fn signal(points: &[Value], id: &Value) -> String {
    let point = points.iter().find(|point| point["id"] == *id);
    let signal = point.and_then(|point| point["address"]["signal"].as_str());
    signal.unwrap_or_default().to_owned()
}

fn samples(tank: &mut Tank, points: &[Value], wanted: &[Value]) -> Value {
    let row = |id: &Value| match tank.read(&signal(points, id)) {
        Some(value) => json!([id, value]),
        None => json!([id, null, "bad_address"]),
    };
    wanted.iter().map(row).collect()
}

fn main() -> io::Result<()> {
    say(&json!({ "hello": { "protocol": 1, "program": "tank 1.0", "features": ["subscribe"] } }))?;
    let (sender, orders) = mpsc::sync_channel(16);
    // Orders are read apart, so that one is heard while values are sent.
    std::thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        let parsed = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        parsed.for_each(|order| drop(sender.send(order)));
    });
    let mut tank = Tank(1.0, 0.0, Instant::now());
    let (mut points, mut wanted) = (Vec::new(), Vec::new());
    loop {
        let order = match orders.recv_timeout(PAUSE) {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => {
                say(&json!({ "samples": samples(&mut tank, &points, &wanted) }))?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let list = || order["points"].as_array().cloned().unwrap_or_default();
        match order["op"].as_str() {
            Some("connect" | "reconnect") => {
                points = list();
                say(&json!({ "connected": true }))?;
            }
            Some("subscribe") => wanted = list(),
            Some("write") => {
                let mut answer = tank.write(&signal(&points, &order["point"]), &order["value"]);
                answer["answer"] = order["request"].clone();
                say(&answer)?;
            }
            Some("ping") => say(&json!({ "answer": order["request"] }))?,
            Some("disconnect") => return say(&json!({ "disconnected": true })),
            _ => {}
        }
    }
}

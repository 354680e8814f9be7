//! What 10,000 monitored items cost whose values change every 100 ms, and whether any is lost.
//!
//!     cargo bench -p mainstem-adapter-opcua --bench opcua
//!
//! The server is a process of its own: this program again, with the server of the same library.
//! With a URL behind `--` it is any server that has the nodes `ns=1;s=V0` to `V9999` of type
//! Double, each counting up by one at a time; `open62541_server.c` beside this file is one.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the runtime of the bench owns its tasks"
)]

mod server;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{AdapterIo, AdapterSpec, EndpointSpec, Output, Reading, Statistics};
use mainstem_adapter_opcua::KIND;
use mainstem_model::{Access, Clock, Monotonic, Quality, Timestamp, Value};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const POINTS: usize = 10_000;
const TIME: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(60);

/// Counts what arrives, by point.
#[derive(Default)]
struct Counter(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    last: Vec<Option<f64>>,
    values: u64,
    lost: u64,
    back: u64,
    without: u64,
    slowest: Duration,
    begun: Option<Instant>,
}

impl Output for Counter {
    fn online(&self) {}

    fn emit(&self, readings: &mut Vec<Reading>) {
        let mut counts = self.0.lock();
        counts.last.resize(POINTS, None);
        for reading in readings.drain(..) {
            let Some(Value::F64(value)) = reading.value else {
                counts.without += 1;
                continue;
            };
            let index = reading.point.0 as usize;
            match counts.last[index].replace(value) {
                Some(last) if value > last + 1.0 => counts.lost += (value - last) as u64 - 1,
                Some(last) if value <= last => counts.back += 1,
                _ => {}
            }
            counts.values += 1;
        }
        if let Some(begun) = counts.begun.replace(Instant::now()) {
            counts.slowest = counts.slowest.max(begun.elapsed());
        }
    }

    fn device(&self, _: usize, _: Quality) {}
}

struct RealClock(Instant);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_micros(since.as_micros().try_into().unwrap())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_micros(1 + u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

fn endpoint(namespace: &str, index: usize) -> EndpointSpec {
    EndpointSpec {
        name: format!("p{index}"),
        operation: json!({
            "nodeId": format!("ns={namespace};s=V{index}"),
            "publishInterval": 100, "samplingInterval": 0, "queueSize": 10,
        }),
        interval: None,
        access: Access::Read,
        value_type: Some("f64".parse().unwrap()),
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// User and system time of this process, without its children.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

struct Server(Child, String);

impl Server {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut url).unwrap();
        Self(process, url.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn until(counter: &Counter, wanted: u64, statistics: &Statistics) {
    let begun = Instant::now();
    while counter.0.lock().values < wanted {
        if begun.elapsed() > LIMIT {
            let (found, counted) = (counter.0.lock().values, statistics.snapshot());
            panic!("{found} of {wanted} values in {LIMIT:?}; {counted:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn measure(url: &str, namespace: &str) {
    let folder = tempfile::tempdir().unwrap();
    let spec = AdapterSpec {
        name: "bench".into(),
        connection: json!({ "endpointUrl": url, "securityPolicy": "None" }),
        endpoints: (0..POINTS)
            .map(|index| endpoint(namespace, index))
            .collect(),
        folder: folder.path().to_owned(),
        home: "/".into(),
    };
    let mut adapter = (KIND.build)(&spec)
        .unwrap_or_else(|why| panic!("{why:?}"))
        .adapter;
    let counter = Arc::new(Counter::default());
    let statistics = Arc::new(Statistics::default());
    let (_writes, jobs) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let clock = Arc::new(RealClock(Instant::now()));
    let mut io = AdapterIo::new(
        counter.clone(),
        jobs,
        stop.clone(),
        clock,
        statistics.clone(),
    );
    let session = tokio::spawn(async move {
        let ended = adapter.session(&mut io).await;
        println!("the session has ended: {ended:?}");
        ended
    });
    until(&counter, 2 * POINTS as u64, &statistics).await;
    {
        let mut counts = counter.0.lock();
        let last = std::mem::take(&mut counts.last);
        *counts = Counts {
            last,
            ..Counts::default()
        };
    }
    let (begun, cpu_before) = (Instant::now(), cpu());
    tokio::time::sleep(TIME).await;
    let (took, used) = (
        begun.elapsed().as_secs_f64(),
        (cpu() - cpu_before).as_secs_f64(),
    );
    {
        let counts = counter.0.lock();
        println!(
            "{POINTS} items at {url}\n{:>9.0} values/s for {took:.1} s: {:.1} % of one core, {:.2} \
             CPU µs a value\n{} lost, {} out of order, {} without value, longest pause {} ms, \
             errors {:?}",
            counts.values as f64 / took,
            100.0 * used / took,
            1e6 * used / counts.values as f64,
            counts.lost,
            counts.back,
            counts.without,
            counts.slowest.as_millis(),
            statistics.snapshot().errors,
        );
    }
    stop.cancel();
    session.await.unwrap().unwrap();
}

fn main() {
    let url = std::env::args().find(|argument| argument.starts_with("opc.tcp://"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if std::env::args().any(|argument| argument == "serve") {
        return runtime.block_on(server::serve(POINTS));
    }
    let own = url.is_none().then(Server::start);
    let said = url.map(|url| format!("{url} 1"));
    let said = said.unwrap_or_else(|| own.as_ref().unwrap().1.clone());
    let (url, namespace) = said.split_once(' ').unwrap();
    runtime.block_on(measure(url, namespace));
}

//! A hundred Modbus devices of a hundred registers each, at one second:
//! `cargo bench --bench modbus`.
//!
//! The devices live in a process of their own, which also keeps the time: it tells when each
//! request came, so lateness is what a device sees of it. This process is the node, and the CPU
//! seconds are its own. Then the same with one device that does not answer any more (F37).
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may panic"
)]
#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a program, and figures for eyes"
)]

mod devices;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mainstem::app::{Node, kinds};
use serde_json::Value;

const DEVICES: usize = 100;
const REGISTERS: usize = 100;
const WARM_UP: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(60);

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if let [word, changing] = args.as_slice()
        && word == "devices"
    {
        return devices::serve(DEVICES, changing.parse().unwrap());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!("{DEVICES} devices of {REGISTERS} registers, one endpoint each, at 1 s");
        let sound = measure("all registers change", REGISTERS, false).await;
        measure("one register of ten changes", REGISTERS / 10, false).await;
        let dead = measure("all change, one device is dead (F37)", REGISTERS, true).await;
        let change = |was: f64, is: f64| (is / was - 1.0) * 100.0;
        println!(
            "round trips of the other devices beside a dead one: p50 {:+.1} %, p99 {:+.1} %",
            change(sound.0, dead.0),
            change(sound.1, dead.1)
        );
    });
}

/// The process of the devices.
struct Far {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Far {
    fn start(changing: usize) -> (Self, Vec<u16>) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["devices", &changing.to_string()]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut far = Self { process, said };
        let ports = serde_json::from_value(far.line()).unwrap();
        (far, ports)
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, word: &str) -> Value {
        let stdin = self.process.stdin.as_mut().unwrap();
        writeln!(stdin, "{word}").unwrap();
        self.line()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn file(folder: &Path, ports: &[u16]) -> PathBuf {
    let mut text = "version: 1\nnode: { name: bench, data: ./data, canary: 0 }\n\
        listen: [ { address: 127.0.0.1:0 } ]\nresources:\n"
        .to_owned();
    for (device, port) in ports.iter().enumerate() {
        writeln!(
            text,
            "  d{device}: {{ type: Connection, properties: {{ protocol: Modbus, connection: \
             {{ host: 127.0.0.1, port: {port} }} }} }}"
        )
        .unwrap();
        for register in 0..REGISTERS {
            writeln!(
                text,
                "  d{device}_r{register}: {{ type: Endpoint, properties: {{ protocol: Modbus, \
                 connection: !ref d{device}, subscribe: {{ fc: 3, address: {register}, \
                 interval: 1000 }} }} }}"
            )
            .unwrap();
        }
    }
    let path = folder.join("node.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs a node for a while. Returns the medians of the devices' round trips, p50 and p99, in
/// microseconds.
async fn measure(what: &str, changing: usize, has_dead: bool) -> (f64, f64) {
    let (mut far, ports) = Far::start(changing);
    let folder = tempfile::tempdir().unwrap();
    let config = mainstem_config::load(&file(folder.path(), &ports), kinds()).unwrap();
    let node = Box::pin(Node::start(config)).await.unwrap();
    if has_dead {
        far.ask("freeze 0");
    }
    tokio::time::sleep(WARM_UP).await;
    far.ask("begin");
    let (cpu_before, begun) = (cpu(), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let took = begun.elapsed().as_secs_f64();
    let used = cpu() - cpu_before;
    let told = far.ask("report");
    println!("\n{what}:");
    println!(
        "  node: {:.2} CPU s in {took:.0} s = {:.2} % of one core, {:.0} MB",
        used,
        used / took * 100.0,
        rss()
    );
    println!(
        "  polls: {} of {} expected; lateness p50 {} µs, p99 {} µs, p99.9 {} µs, most {} µs",
        told["polls"],
        (if has_dead { DEVICES - 1 } else { DEVICES }) * took as usize,
        told["p50"],
        told["p99"],
        told["p999"],
        told["max"]
    );
    let views = node.parts().adapters();
    let alive = views.iter().filter(|view| !has_dead || view.name != "d0");
    let (mut medians, mut tails, mut overruns, mut samples) = (Vec::new(), Vec::new(), 0, 0);
    for view in alive {
        let statistics = &view.statistics;
        medians.extend(statistics.round_trip_p50);
        tails.extend(statistics.round_trip_p99);
        overruns += statistics.overruns;
        samples += statistics.samples;
    }
    let (p50, p99) = (middle(medians), middle(tails));
    println!("  round trips, medians over the devices: p50 {p50:.0} µs, p99 {p99:.0} µs");
    println!("  overruns {overruns}, samples {samples}");
    node.stop().await;
    (p50, p99)
}

/// The median, in microseconds.
fn middle(mut durations: Vec<Duration>) -> f64 {
    durations.sort_unstable();
    durations[durations.len() / 2].as_secs_f64() * 1e6
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let fields: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    (fields[10] + fields[11]) / 100.0
}

/// Resident memory of this process, in MB.
fn rss() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<f64>().unwrap() / 1000.0
}

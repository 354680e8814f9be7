//! Held requests, alone on the machine: `cargo bench --bench flowsync`.
//!
//! A node serves HTTPS, another process answers over the node's MQTT listener, a third one asks.
//! Beside it: plain request and reply over Mosquitto (if it is installed) and over the node's own
//! broker, by the same two programs. At last 10,000 requests that nobody answers, for 10 s.
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

mod ask;
mod crowd;
mod mqtt;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mainstem::app::{Node, kinds};

const TOKEN: &str = "ms_bench001_a-token-for-benches-that-is-long-enough";
const SECONDS: u64 = 5;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["answer", address] => mqtt::answer(address),
        ["exchange", address, open] => mqtt::exchange(address, open.parse().unwrap(), SECONDS),
        ["ask", address, ca, open] => {
            runtime.block_on(ask::run(
                address,
                Path::new(ca),
                open.parse().unwrap(),
                SECONDS,
            ));
        }
        ["crowd", url, ca] => runtime.block_on(crowd::run(url, Path::new(ca))),
        _ => runtime.block_on(measure()),
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn file(folder: &Path, mqtt: u16) -> std::path::PathBuf {
    let text = format!(
        "version: 1\nnode: {{ name: bench, data: ./data }}\nlisten: [ {{ address: 127.0.0.1:0 }} ]\n\
         roles:\n  mes: {{ data: {{ write: [\"data/#\"] }}, topics: {{ publish: [\"#\"], subscribe: [\"#\"] }} }}\n\
         tokens:\n  - {{ name: mes, role: mes, token: {TOKEN} }}\n\
         bus: {{ embedded: {{ listen: [ {{ address: 127.0.0.1:{mqtt}, tls: false }} ] }} }}\n\
         resources:\n  web: {{ type: Server::Http, properties: {{}} }}\n  held: {{ type: Node::Http, properties: {{ parent: !ref web, method: POST, \
         route: /held, operation: transaction, transaction: {{ timeout: 10000 }} }} }}\n  alone: {{ type: Node::Http, \
         properties: {{ parent: !ref web, method: POST, route: /alone, operation: transaction, transaction: {{ timeout: 10000 }} }} }}\n"
    );
    let path = folder.join("node.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn own(args: &[&str], output: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let out = if output {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    command.args(args).stdout(out).spawn().unwrap()
}

async fn output(args: Vec<String>) -> String {
    let run = move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        own(&args, true).wait_with_output().unwrap().stdout
    };
    String::from_utf8(tokio::task::spawn_blocking(run).await.unwrap()).unwrap()
}

fn texts(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = mainstem_config::load(&file(folder.path(), port), kinds()).unwrap();
    let node = Box::pin(Node::start(config)).await.unwrap();
    let (https, mqtt) = (node.addresses()[0].to_string(), format!("127.0.0.1:{port}"));
    let ca = node.facts().ca_file.display().to_string();
    let mut responder = own(&["answer", &mqtt], false);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for open in ["1", "64", "1024"] {
        let before = cpu();
        let told = output(texts(&["ask", &https, &ca, open])).await;
        println!(
            "mainstem held over HTTPS, {open} open: {told}  server CPU {:.2} s",
            cpu() - before
        );
    }
    for open in ["1", "64", "1024"] {
        let told = output(texts(&["exchange", &mqtt, open])).await;
        println!("mainstem broker alone,    {open} open: {told}");
    }
    responder.kill().unwrap();
    responder.wait().unwrap();
    mosquitto(folder.path()).await;
    crowd(&https, &ca).await;
    node.stop().await;
}

async fn mosquitto(folder: &Path) {
    let (port, path) = (free_port(), folder.join("mosquitto.conf"));
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n");
    std::fs::write(&path, text).unwrap();
    let broker = Command::new("mosquitto")
        .arg("-c")
        .arg(&path)
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut broker) = broker else {
        println!("Mosquitto is not installed: LEFT OUT");
        return;
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    let address = format!("127.0.0.1:{port}");
    let mut responder = own(&["answer", &address], false);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for open in ["1", "64", "1024"] {
        let told = output(texts(&["exchange", &address, open])).await;
        println!("mosquitto alone,          {open} open: {told}");
    }
    for child in [&mut responder, &mut broker] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

async fn crowd(https: &str, ca: &str) {
    let before = rss();
    let url = format!("https://{https}/data/alone");
    let asking = tokio::spawn(output(texts(&["crowd", &url, ca])));
    let mut most = before;
    while !asking.is_finished() {
        most = most.max(rss());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "10,000 held for 10 s: {} memory {:.1} MB more",
        asking.await.unwrap(),
        most - before
    );
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
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1000.0
}

/// Figures of one run.
pub(crate) fn tell(mut micros: Vec<u32>, seconds: f64) {
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    print!(
        "{:.0}/s, p50 {} µs, p99 {} µs",
        micros.len() as f64 / seconds,
        at(0.5),
        at(0.99)
    );
}

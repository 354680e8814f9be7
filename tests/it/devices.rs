//! The pages of docs/devices, each followed as it stands: its simulator is started, its node file
//! runs, its commands are typed, and they show what the page shows.

mod document;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::skipped::skipped;
use crate::support::TestNode;
use crate::support::page::Page;
use crate::support::shell::Shell;

pub(crate) const PYTHON: &str = "MAINSTEM_PYTHON";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn python() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment"
    )]
    std::env::var_os(PYTHON).map(PathBuf::from)
}

/// A port that nobody has just now. The simulator takes it a moment later.
pub(crate) fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// Starts what the page starts, but for what is installed already.
pub(crate) fn simulate(page: &Page, python: &str) -> Shell {
    let commands = page.commands(0);
    let lines = commands.lines().filter(|line| !line.starts_with("pip "));
    let lines: Vec<String> = lines
        .map(|line| line.replace("python3 ", &format!("exec {python} ")))
        .collect();
    Shell::run(&lines.join("\n"), "")
}

/// A text without what is another at each time: durations, times, and how columns are set.
pub(crate) fn settled(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut kept: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let unit = words.get(at + 1).map(|next| next.trim_end_matches(','));
            let is_length = word.parse::<f64>().is_ok() && matches!(unit, Some("s" | "ms" | "min"));
            let is_time = word.len() >= 8 && word.split(':').count() == 3;
            kept.push(if is_length || is_time { "~" } else { word });
        }
        kept.join(" ")
    };
    text.trim_end().lines().map(line).collect()
}

/// Types one command in the folder of the node file. Returns what it shows.
pub(crate) async fn typed(node: &TestNode, command: &str) -> String {
    let file = node.file();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_mainstem"));
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        program.parent().unwrap().display()
    );
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(file.parent().unwrap())
        .env("PATH", path)
        .output();
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said + &String::from_utf8_lossy(&output.stderr)
}

/// Follows `docs/devices/<name>.md`, whose simulator listens on `port` there.
async fn follow(name: &str, port: &str) {
    let page = Page::read(&format!("devices/{name}")).with(port, &free_port());
    follow_page(name, &page).await;
}

async fn follow_page(name: &str, page: &Page) {
    let Some(python) = python() else {
        return skipped(name, &format!("{PYTHON} names no Python"));
    };
    let simulator = simulate(page, python.to_str().unwrap());
    let node = TestNode::start("line1", &page.section("resources")).await;
    let shows = page.blocks("console");
    assert!(!shows.is_empty(), "{name}: the page shows nothing");
    for show in shows {
        for command in show.split("$ ").skip(1) {
            let (command, wanted) = command.split_once('\n').unwrap();
            let begun = Instant::now();
            loop {
                let shown = typed(&node, command).await;
                if settled(&shown) == settled(wanted) {
                    break;
                }
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{name}: {command}\n{shown}\nThe page has\n{wanted}"
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    node.stop().await;
    drop(simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn ads() {
    follow("ads", "48899").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ethernetip() {
    follow("ethernetip", "44819").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http() {
    follow("http", "8090").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bacnet() {
    follow("bacnet", "47809").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka() {
    follow("kafka", "9092").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn influxdb() {
    if !mainstem_device::InfluxServer::is_installed() {
        return skipped("influxdb", "no InfluxDB is installed");
    }
    follow("influxdb", "8099").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modbus() {
    follow("modbus", "5020").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modbus_serial() {
    if Command::new("socat").arg("-V").output().await.is_err() {
        return skipped("modbus_serial", "socat is not installed");
    }
    follow("modbus_serial", "5021").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modbus_server() {
    if Command::new("mbpoll").arg("-V").output().await.is_err() {
        return skipped("modbus_server", "mbpoll is not installed");
    }
    let page = Page::read("MODBUS_SERVER");
    let page = page.with("5020", &free_port()).with("5502", &free_port());
    follow_page("MODBUS_SERVER", &page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mqtt() {
    if Command::new("mosquitto_sub")
        .arg("--help")
        .output()
        .await
        .is_err()
    {
        return skipped("mqtt", "mosquitto-clients is not installed");
    }
    follow("mqtt", "1884").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mtconnect() {
    follow("mtconnect", "5012").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shdr() {
    follow("shdr", "7979").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opcua() {
    follow("opcua", "4850").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s7() {
    follow("s7", "1102").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql() {
    follow("sql", "5433").await;
}

//! A backlog of data loggers over a link by TLS: `cargo bench --bench backfill -- [HOURS] [SERIES]`.
//!
//! A line, in a process of its own, has so many hours of so many series at 1 Hz when the plant above
//! it begins. What is told: samples a second, bytes of the link a sample, CPU seconds of both, and
//! how old a live sample is when it is stored at the plant meanwhile. Two hours unless told
//! otherwise, in which the share of a link's fixed costs is larger than in 72.
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

mod line;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem::app::{Node, kinds};
use mainstem_datalogger::recorder::Book;
use mainstem_model::Clock as _;
use mainstem_telemetry::SystemClock;

const TOKEN: &str = "ms_bench002_a-token-for-benches-that-is-long-enough";
/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(20);

fn main() {
    let args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let args: Vec<String> = args.collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match args.as_slice() {
        ["line", folder, hours, series] => {
            let size = (hours.parse().unwrap(), series.parse().unwrap());
            runtime.block_on(line::run(Path::new(folder), size));
        }
        rest => {
            let number = |at: usize, or| rest.get(at).map_or(or, |word| word.parse().unwrap());
            runtime.block_on(measure(number(0, 2), number(1, 1000)));
        }
    }
}

/// The line, and the line of text that it says when it serves: its address and its pin.
fn start_line(folder: &Path, hours: u64, series: u64) -> (Child, String, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("line")
        .arg(folder)
        .args([hours.to_string(), series.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let (address, pin) = said.trim().split_once(' ').unwrap();
    (child, address.to_owned(), pin.to_owned())
}

async fn measure(hours: u64, series: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (below, above) = (folder.path().join("line"), folder.path().join("plant"));
    let (mut line, address, pin) = start_line(&below, hours, series);
    std::fs::create_dir_all(&above).unwrap();
    let text = format!(
        "version: 1\nnode: {{ name: plant, data: ./data }}\nlisten: [ {{ address: 127.0.0.1:0 }} ]\n\
         loggers: {{}}\nresources:\n  line: {{ type: Remote, properties: {{ address: \"https://{address}\", \
         pin: \"{pin}\", token: {TOKEN}, dataloggers: [ \"**\" ] }} }}\n"
    );
    std::fs::write(above.join("node.yaml"), text).unwrap();
    let config = mainstem_config::load(&above.join("node.yaml"), kinds()).unwrap();
    let (all, before, of_line) = (hours * 3600 * series, cpu("self"), line.id().to_string());
    let line_before = cpu(&of_line);
    let begun = Instant::now();
    let node = Box::pin(Node::start(config)).await.unwrap();
    let ages = watch(&node, all).await;
    let took = begun.elapsed().as_secs_f64();
    let view = node.parts().remotes().remove(0);
    let bytes = view.loggers.unwrap().bytes;
    println!(
        "{all} samples of {series} series in {took:.1} s: {:.0}/s, {:.2} B a sample on the link, \
         CPU {:.1} s here and {:.1} s at the line",
        all as f64 / took,
        bytes as f64 / all as f64,
        cpu("self") - before,
        cpu(&of_line) - line_before,
    );
    tell_ages(ages);
    node.stop().await;
    drop(line.stdin.take());
    line.wait().unwrap();
}

/// Waits until all samples are there. Returns how old the newest live sample was at each look.
async fn watch(node: &Node, all: u64) -> Vec<i64> {
    let mut ages = Vec::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(book) = node.parts().loggers() else {
            continue;
        };
        ages.extend(age(&book));
        let remotes = node.parts().remotes();
        let loggers = remotes.first().and_then(|view| view.loggers.as_ref());
        if loggers.is_some_and(|loggers| loggers.standing.rows >= all) {
            return ages;
        }
    }
}

/// How old the newest sample of the live series is here, in microseconds.
fn age(book: &Arc<Book>) -> Option<i64> {
    let series = book.get(line::LIVE_AT_PLANT)?.series;
    let last = book.sink().last(series).ok()??;
    Some(SystemClock.now().micros() - last.time)
}

fn tell_ages(mut ages: Vec<i64>) {
    ages.sort_unstable();
    let at = |share: f64| ages[((ages.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "the newest of ten live samples a second was {:.0} ms old at the median, {:.0} ms at 99 %, {:.0} ms at \
         the most of {} looks",
        at(0.5),
        at(0.99),
        at(1.0),
        ages.len()
    );
}

/// CPU seconds of a process.
fn cpu(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let fields: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    (fields[10] + fields[11]) / 100.0
}

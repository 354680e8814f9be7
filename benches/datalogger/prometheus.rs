//! Prometheus from its Debian package with the same samples: `promtool` makes blocks of them, a
//! server opens those and answers over HTTP.
//!
//! Blocks that are made at once are not what an acknowledgement costs there, so no rate of that is
//! compared: what is are bytes on disk, CPU from samples to blocks, the opening, and a day.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::median;
use crate::series::{self, Shape};

const ADDRESS: &str = "127.0.0.1:19591";
/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_mins(2);

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// CPU seconds of the children that have ended.
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<f64> = fields
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    (fields[12] + fields[13]) / 100.0
}

pub(crate) fn run(folder: &Path) {
    let (text, blocks) = (folder.join("samples.txt"), folder.join("blocks"));
    write(&text);
    let (began, before) = (Instant::now(), children());
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "-q"])
        .args([&text, &blocks])
        .stdout(Stdio::null())
        .status();
    if !made.is_ok_and(|made| made.success()) {
        println!("LEFT OUT: Prometheus: there is no promtool");
        return;
    }
    let (wall, cpu) = (began.elapsed().as_secs_f64(), children() - before);
    let rows = series::ROWS as f64;
    let count = std::fs::read_dir(&blocks).unwrap().count();
    let bytes: u64 = std::fs::read_dir(&blocks)
        .unwrap()
        .map(|block| all_bytes(&block.unwrap().path()))
        .sum();
    println!("Prometheus, walk: {count} blocks in {wall:.1} s, CPU s {cpu:.1}");
    println!("  bytes/sample {:.2}", bytes as f64 / rows);
    std::fs::remove_file(&text).unwrap();
    let began = Instant::now();
    let _server = serve(folder, &blocks);
    println!(
        "  ready after {:.0} ms",
        began.elapsed().as_secs_f64() * 1000.0
    );
    let end = series::START / 1_000_000 + series::DAY_ROWS.cast_signed() + 1;
    let path = format!(
        "/api/v1/query?query=value%7Bseries%3D%22{}%22%7D%5B25h%5D&time={end}",
        series::CROWD
    );
    let mut length = 0;
    let day = median(15, || {
        let answer = get(&path).unwrap();
        length = answer.len();
        assert!(length > 1_000_000, "{answer}");
    });
    println!("  a day of 1 Hz: {day:.1} ms as {length} bytes of JSON over HTTP");
}

fn write(path: &Path) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "# TYPE value gauge").unwrap();
    for sample in series::batches(Shape::Walk).flatten() {
        let (seconds, millis) = (sample.time / 1_000_000, sample.time % 1_000_000 / 1000);
        let (series, value) = (sample.series, sample.value);
        writeln!(
            out,
            "value{{series=\"{series}\"}} {value} {seconds}.{millis:03}"
        )
        .unwrap();
    }
    writeln!(out, "# EOF").unwrap();
    out.flush().unwrap();
}

fn all_bytes(path: &Path) -> u64 {
    if !path.is_dir() {
        return path.metadata().unwrap().len();
    }
    let inner = std::fs::read_dir(path).unwrap();
    inner.map(|entry| all_bytes(&entry.unwrap().path())).sum()
}

fn serve(folder: &Path, blocks: &Path) -> Server {
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, "global: {}\n").unwrap();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", blocks.display()))
        .arg(format!("--web.listen-address={ADDRESS}"))
        .args(["--storage.tsdb.retention.time=100y", "--log.level=error"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server(child.unwrap());
    let until = Instant::now() + PATIENCE;
    while !get("/-/ready").is_some_and(|answer| answer.contains("200 OK")) {
        assert!(Instant::now() < until, "Prometheus is not ready");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    server
}

fn get(path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(ADDRESS).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: bench\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

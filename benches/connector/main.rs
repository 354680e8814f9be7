//! What a custom connector delivers: a program that says lines as fast as it is read.
//!
//!     cargo bench -p mainstem-adapter-connector
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::conformance::Rig;
use mainstem_adapter::{AdapterSpec, EndpointSpec};
use mainstem_adapter_connector::KIND;
use mainstem_model::Access;
use serde_json::json;

const POINTS: usize = 100;
const TIME: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(20);

fn endpoint(index: usize) -> EndpointSpec {
    EndpointSpec {
        name: format!("p{index}"),
        operation: json!({ "address": index }),
        interval: None,
        access: Access::Read,
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    }
}

/// Two lines by turns, so that every value is another one each time.
fn script(rows: usize) -> String {
    let line = |value: f64, from: usize| {
        let rows: Vec<String> = (from..from + rows)
            .map(|id| format!("[{id},{value}]"))
            .collect();
        format!("{{\"samples\":[{}]}}", rows.join(","))
    };
    let lines: Vec<String> = (0..POINTS)
        .step_by(rows)
        .flat_map(|from| [line(20.5, from), line(21.25, from)])
        .collect();
    let hello = r#"{"hello":{"protocol":1,"features":["subscribe"]}}"#;
    format!(
        "echo '{hello}'; echo '{{\"connected\":true}}'; exec yes '{}'",
        lines.join("\n")
    )
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

async fn measure(rows: usize) {
    let spec = AdapterSpec {
        name: "bench".into(),
        connection: json!({ "command": ["sh", "-c", script(rows)], "silenceMs": 60_000 }),
        endpoints: (0..POINTS).map(endpoint).collect(),
        folder: std::path::PathBuf::new(),
        home: "/".into(),
    };
    let rig = Rig::start(KIND, spec);
    let some = |seen: &mainstem_adapter::conformance::Observed| {
        (seen.latest.len() == POINTS).then_some(())
    };
    rig.witness.until("values", LIMIT, some).await;
    let seen = || rig.runner.view().statistics.samples;
    let (before, begun, cpu_before) = (seen(), Instant::now(), cpu());
    tokio::time::sleep(TIME).await;
    let (count, took, used) = (seen() - before, begun.elapsed(), cpu() - cpu_before);
    rig.runner.stop().await;
    println!(
        "{rows:>3} samples a line: {:>9.0} samples/s, {:.2} CPU s per million",
        count as f64 / took.as_secs_f64(),
        used.as_secs_f64() * 1e6 / count as f64
    );
}

fn main() {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    for rows in [1, 10, 100] {
        runtime.block_on(measure(rows));
    }
}

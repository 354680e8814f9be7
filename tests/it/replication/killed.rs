//! Either end is killed at any moment while rows travel at full rate.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::{DEVICE, RECORD, assert_same, entry, fill, wait_watermark, watermark};
use crate::support::TestNode;

/// How often somebody is killed, unless `MAINSTEM_KILLS` says otherwise.
const KILLS: u32 = 20;
/// Rows that wait when it begins: more than travel before the last kill.
const BACKLOG: u64 = 400_000;

fn start_process(node: &TestNode) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mainstem"))
        .args(["run", "-c"])
        .arg(node.file())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says how often somebody is killed"
)]
#[tokio::test(flavor = "multi_thread")]
async fn killing_either_end_loses_no_row_and_doubles_none() {
    let kills = std::env::var("MAINSTEM_KILLS").ok();
    let kills = kills.and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
    eprintln!("seed {seed}");
    let mut random = Random(seed);
    let mut line = TestNode::start_with("line1", DEVICE, RECORD).await;
    let own = line.node().store().setup().node;
    let mut plant = TestNode::start("plant", &entry(&line, "")).await;
    plant.down().await;
    line.down().await;
    fill(&line, own, "pieces", BACKLOG).await;
    let mut processes = [start_process(&line), start_process(&plant)];
    for _ in 0..kills {
        // A moment by chance: nothing is waited for.
        let moment = Duration::from_millis(20 + random.below(900));
        tokio::time::sleep(moment).await;
        let end = usize::from(random.below(2) == 1);
        processes[end].kill().await.unwrap();
        processes[end] = start_process(if end == 0 { &line } else { &plant });
    }
    for process in &mut processes {
        process.kill().await.unwrap();
    }
    line.up().await;
    plant.up().await;
    let last = watermark(&line, "pieces");
    assert!(last >= BACKLOG, "what was stored is there: {last}");
    wait_watermark(&plant, "line1.pieces", last).await;
    assert_same((&line, "pieces"), (&plant, "line1.pieces"), last);
    plant.stop().await;
    line.stop().await;
}

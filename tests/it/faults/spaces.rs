//! Links in network namespaces, with loss, delay and narrowness that the kernel or a program in
//! user space makes. They need root, and run in `tests/run --long` only; `benches/figures` are the
//! same programs, which print more.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::is_long;
use crate::skipped::skipped;

const LONGEST: Duration = Duration::from_secs(300);

/// Runs a program of `benches/figures`; what it printed, unless it has to be left out.
async fn figures(what: &str, program: &str, arguments: &[&str]) -> Option<String> {
    if !is_long() {
        return None;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let python = std::env::var_os("MAINSTEM_PYTHON").unwrap_or_else(|| "python3".into());
    let needs = "import os, shutil, netfilterqueue\n\
                 assert os.geteuid() == 0, 'root'\n\
                 missing = [p for p in ('ip', 'tc', 'nft', 'iptables-legacy', 'ethtool') if not shutil.which(p)]\n\
                 assert not missing, missing";
    let check = Command::new(&python).args(["-c", needs]).output().await;
    match check {
        Ok(check) if check.status.success() => {}
        Ok(check) => {
            let said = String::from_utf8_lossy(&check.stderr).into_owned();
            skipped(what, said.lines().last().unwrap_or("python fails"));
            return None;
        }
        Err(error) => {
            skipped(what, &error.to_string());
            return None;
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures");
    let run = Command::new(&python)
        .arg(folder.join(program))
        .args(arguments)
        .env("MAINSTEM", env!("CARGO_BIN_EXE_mainstem"))
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(LONGEST, run).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{told}{error}");
    Some(told)
}

/// F13, with the cut of F10 and F12 by the kernel.
#[tokio::test(flavor = "multi_thread")]
async fn loss_delay_and_reordering_change_no_order_and_make_nothing_old_good() {
    let what = "links with loss, delay and reordering (F13)";
    let arguments = ["latest", "wan", "cubic", "20"];
    if let Some(told) = figures(what, "three_levels.py", &arguments).await {
        assert!(told.contains("went back: 0;"), "{told}");
        assert!(told.contains(" 0 of them old and good"), "{told}");
    }
}

/// F14.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_flapping_datapoints_on_a_narrow_line_go_nowhere_back() {
    let what = "10,000 flapping datapoints on 1 Mbit/s (F14)";
    let arguments = ["10000", "2", "flip", "20"];
    if let Some(told) = figures(what, "narrow.py", &arguments).await {
        assert!(told.contains("went back: 0;"), "{told}");
    }
}

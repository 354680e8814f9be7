//! A test that leaves something out says so where somebody reads it.

use std::fs::OpenOptions;
use std::io::Write;

/// Says on standard error that `what` was not tested, and why.
///
/// A runner hides what a passing test prints, so the line also goes to the file that
/// `MAINSTEM_SKIPPED` names; `tests/run` shows that file at its end.
pub(crate) fn skipped(what: &str, why: &str) {
    // Past the capture of the test runner, which shows nothing of a test that passes.
    std::io::stderr()
        .write_all(format!("\n*** LEFT OUT: {what}: {why}\n").as_bytes())
        .unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let Some(path) = std::env::var_os("MAINSTEM_SKIPPED") else {
        return;
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    // One write of one line: tests of several processes append to the same file.
    file.write_all(format!("{what}: {why}\n").as_bytes())
        .unwrap();
}

//! The service unit is one that systemd accepts, and as closed as its comments say.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::skipped::skipped;

/// Exposure in tenths as `systemd-analyze security` counts it; up to 15 is excellent for a daemon
/// that talks to the network.
const EXPOSURE_MAX: &str = "--threshold=15";

/// Runs `systemd-analyze`, or `None` where this machine has none.
fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output();
    match output {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(
                "systemd/mainstem.service",
                &format!("systemd-analyze: {error}"),
            );
            None
        }
    }
}

/// The unit in a folder of its own, with the program that the tests built in place of the installed
/// one, and with the named drop-ins.
fn unit_with(folder: &Path, drop_ins: &[&str]) -> std::path::PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let text = fs::read_to_string(repository.join("mainstem.service")).unwrap();
    assert!(
        text.contains("/usr/bin/mainstem "),
        "the unit starts the installed program"
    );
    let unit = folder.join("mainstem.service");
    fs::write(
        &unit,
        text.replace(
            "/usr/bin/mainstem ",
            concat!(env!("CARGO_BIN_EXE_mainstem"), " "),
        ),
    )
    .unwrap();
    let beside = folder.join("mainstem.service.d");
    fs::create_dir(&beside).unwrap();
    for name in drop_ins {
        let example = repository
            .join("mainstem.service.d")
            .join(format!("{name}.conf.example"));
        fs::copy(example, beside.join(format!("{name}.conf"))).unwrap();
    }
    unit
}

fn assert_quiet_success(output: &Output) {
    let (text, complaints) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{text}{complaints}");
    // An unknown key is only a warning to systemd; here it is a mistake.
    assert!(!complaints.contains("mainstem.service"), "{complaints}");
}

#[test]
fn systemd_accepts_the_unit_and_every_drop_in() {
    for drop_ins in [
        &[][..],
        &["serial"],
        &["clock"],
        &["port443"],
        &["serial", "clock", "port443"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let unit = unit_with(folder.path(), drop_ins);
        let Some(output) = analyze(&["verify", "--man=no"], &unit) else {
            return;
        };
        assert_quiet_success(&output);
    }
}

#[test]
fn the_unit_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit_with(folder.path(), &[]);
    let Some(output) = analyze(&["security", "--offline=true", EXPOSURE_MAX], &unit) else {
        return;
    };
    assert_quiet_success(&output);
}

//! How arguments are understood.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}

#[test]
fn what_the_documents_tell_to_type_is_understood() {
    for line in [
        "mainstem demo",
        "mainstem demo --json --port 0 --processes",
        "mainstem init plant --name line7 --listen 0.0.0.0:8443",
        "mainstem check -c config/node.yaml --json",
        "mainstem run -c config/node.yaml",
        "mainstem points list",
        "mainstem points list plant1.** --bad --json",
        "mainstem points get plant1.line1.plc.temperature --url https://a:1 --ca ca.pem",
        "mainstem points set a.b -5 --wait 2s --key once",
        "mainstem points set a.b 72.5 --socket run/mainstem.sock",
        "mainstem points watch a.** b.* --count 3",
        "mainstem --json adapters show plc",
        "mainstem adapters certificates list opc -c node.yaml",
        "mainstem remotes pause line1",
        "mainstem alarms --all",
        "mainstem doctor --here --json",
        "mainstem token create mes --role viewer --expires 90d",
        "mainstem token revoke abcdef01",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for line in [
        "mainstem points",
        "mainstem points watch",
        "mainstem points set a.b",
        "mainstem points set a.b 1 --wait soon",
        "mainstem points list --pin sha256:12",
        "mainstem points list --url https://a:1 --socket s",
        "mainstem points list --ca a --pin sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "mainstem init --listen localhost",
        "mainstem init --name a.b",
        "mainstem demo --port 70000",
    ] {
        let error = parse(line).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let help = parse("mainstem --help").map(|_| ()).unwrap_err();
    assert_eq!(help.kind(), ErrorKind::DisplayHelp);
    let help = help.to_string();
    for code in [Exit::Done, Exit::Refused, Exit::Unwell] {
        assert!(help.contains(&format!("\n  {}  ", code as u8)), "{help}");
    }
}

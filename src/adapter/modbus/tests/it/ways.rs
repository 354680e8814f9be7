//! The ways to a device other than plain TCP, against pymodbus: a serial line made of two
//! pseudo-terminals, serial frames over TCP, and Modbus/TCP Security.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mainstem_adapter::WriteAnswer;
use mainstem_model::{Access, Value};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value as Json, json};
use tokio::process::{Child, Command};

use crate::pymodbus::{Foreign, operation, to_json};
use crate::rig::{PATIENCE, Rig, endpoint, started};

/// Two ends of a serial line.
struct SerialLine {
    folder: tempfile::TempDir,
    socat: Child,
}

impl SerialLine {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let end = |name: &str| {
            let path = folder.path().join(name);
            format!("pty,raw,echo=0,link={}", path.display())
        };
        let socat = Command::new("socat")
            .args([end("near"), end("far")])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("socat, which tests/run installs");
        let line = Self { folder, socat };
        let begun = Instant::now();
        while !(Path::new(&line.end("near")).exists() && Path::new(&line.end("far")).exists()) {
            assert!(begun.elapsed() < PATIENCE, "socat made no serial line");
            tokio::task::yield_now().await;
        }
        line
    }

    fn end(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// Reads every data type, and writes the first back as another value.
async fn every_type_arrives(foreign: &mut Foreign, port: u16, options: Json) -> Rig {
    let entries = foreign.registers.clone();
    let endpoints = entries
        .iter()
        .map(|entry| endpoint(Access::ReadWrite, operation(entry)));
    let mut rig = started(port, &options, endpoints.collect());
    let count = u32::try_from(entries.len()).unwrap();
    let all = |seen: &crate::rig::Seen| (0..count).all(|point| seen.good(point) > 0);
    let seen = rig.until("all", all).await;
    for (point, entry) in (0..count).zip(&entries) {
        assert_eq!(
            to_json(seen.value(point).unwrap()),
            entry["value"],
            "{}",
            entry["dataType"]
        );
    }
    let answer = rig.written(0, Value::Int(-7)).await;
    assert_eq!(answer, WriteAnswer::Applied { verified: true });
    let read = foreign.command("get 1 3 0 1").await;
    assert_eq!(read["values"], json!([65_529]));
    rig
}

#[tokio::test]
async fn a_serial_line_is_read_and_written_and_comes_back() {
    let mut line = SerialLine::new().await;
    let far = line.end("far");
    let Some(mut foreign) = Foreign::serving(&["serial", &far]).await else {
        return;
    };
    let options = json!({
        "host": null, "port": null,
        "transport": "rtu", "device": line.end("near"), "socketTimeout": 2000,
        // A pseudo-terminal has no parity.
        "parity": "none",
    });
    let mut rig = every_type_arrives(&mut foreign, 0, options).await;
    // The adapter that was pulled out of the machine.
    line.socat.kill().await.unwrap();
    let end = rig.ended().await.unwrap_err();
    assert!(
        ["connection_closed", "serial_port", "timeout"].contains(&end.code()),
        "{end}"
    );
    rig.start();
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "serial_port");
    assert!(end.to_string().contains("cannot be opened"), "{end}");
}

#[tokio::test]
async fn serial_frames_come_over_tcp_and_damaged_ones_are_asked_for_again() {
    let Some(mut foreign) = Foreign::serving(&["rtu-over-tcp"]).await else {
        return;
    };
    let options = json!({ "transport": "rtuOverTcp", "retries": 2, "requestGap": 5 });
    let port = foreign.port;
    let mut rig = every_type_arrives(&mut foreign, port, options).await;
    rig.stopped().await;
}

/// An authority, and what it vouches for.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        for name in ["device", "node"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &issuer).unwrap();
            std::fs::write(folder.path().join(format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(
                folder.path().join(format!("{name}.key")),
                key.serialize_pem(),
            )
            .unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

#[tokio::test]
async fn tls_needs_the_authority_and_shows_who_this_node_is() {
    let files = Certificates::new();
    let (certificate, key, ca) = (
        files.path("device.pem"),
        files.path("device.key"),
        files.path("ca.pem"),
    );
    let Some(mut foreign) = Foreign::serving(&["tls", &certificate, &key, &ca]).await else {
        return;
    };
    let port = foreign.port;
    let tls =
        json!({ "ca": ca, "certificate": files.path("node.pem"), "key": files.path("node.key") });
    let with = |tls: Json| json!({ "host": "localhost", "transport": "tls", "tls": tls, "socketTimeout": 2000 });
    let mut rig = every_type_arrives(&mut foreign, port, with(tls)).await;
    assert!(rig.stopped().await < Duration::from_millis(500));
    // Somebody else's authority, and a node that shows nothing.
    let other = Certificates::new();
    for wrong in [json!({ "ca": other.path("ca.pem") }), json!({ "ca": ca })] {
        let endpoints = vec![crate::rig::read(json!({ "fc": 3, "address": 0 }))];
        let mut rig = started(port, &with(wrong.clone()), endpoints);
        let end = rig.ended().await.unwrap_err();
        let expected = ["tls_failed", "connection_closed"];
        assert!(
            expected.contains(&end.code()),
            "{wrong}: {} {end}",
            end.code()
        );
        assert_eq!(rig.seen().online, 0);
    }
}

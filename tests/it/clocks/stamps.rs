//! Moments that other clocks stumble over, as source times and as values, over a link.

use std::fmt::Write as _;

use mainstem_model::{Reason, Timestamp, Value};
use reqwest::Method;

use crate::support::{TestNode, remote};

const TOKEN: &str = "ms_test0002_a-token-for-a-provider-that-is-long-enough";
/// A moment, and whether a source can have measured something then: not in a future far away.
const MOMENTS: [(&str, bool); 10] = [
    // A leap second, which is the second before on this scale, and the second behind it.
    ("2016-12-31T23:59:60Z", true),
    ("2017-01-01T00:00:00Z", true),
    // The hour that summer time leaves out, and the one that it has twice.
    ("2024-03-31T03:00:00+02:00", true),
    ("2024-10-27T02:30:00+02:00", true),
    ("2024-10-27T02:30:00+01:00", true),
    ("2024-02-29T23:59:59.999999Z", true),
    // Where counters of 32 bits end.
    ("2038-01-19T03:14:07Z", false),
    ("2038-01-19T03:14:08Z", false),
    ("2106-02-07T06:28:15Z", false),
    ("2106-02-07T06:28:16Z", false),
];

fn frames() -> String {
    let mut text = String::new();
    for (index, (moment, _)) in MOMENTS.iter().enumerate() {
        let micros = moment.parse::<Timestamp>().unwrap().micros();
        let (stamped, told) = (2 * index, 2 * index + 1);
        writeln!(
            text,
            "{{\"define\":[{{\"id\":{stamped},\"name\":\"mes.s{index}\",\"type\":\"f64\"}},\
             {{\"id\":{told},\"name\":\"mes.v{index}\",\"type\":\"time\"}}]}}\n\
             {{\"t\":{micros},\"r\":[[{stamped},0,1.5],[{told},0,\"{moment}\"]]}}"
        )
        .unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_arrives_as_the_same_moment() {
    let provider = format!("  - {{ name: mes, role: above, provide: mes, token: {TOKEN} }}\n");
    let line = TestNode::start_with("line1", "  {}\n", &provider).await;
    let entry = remote("line1", &line.pin(), line.address(), "");
    let top = TestNode::start("top", &entry).await;
    let request = line.api(Method::POST, "samples?stale_after=1h");
    let request = request.header("content-type", "application/x-ndjson");
    let mut request = request.body(frames()).build().unwrap();
    let token = format!("Bearer {TOKEN}").parse().unwrap();
    request.headers_mut().insert("authorization", token);
    let answer = reqwest_client(&line).execute(request).await.unwrap();
    let (status, told) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{status} {told}");

    for (index, (moment, is_measured)) in MOMENTS.into_iter().enumerate() {
        let expected = moment.parse::<Timestamp>().unwrap();
        let name = format!("line1.mes.s{index}");
        let view = top.wait(&name, "there", |view| view.value.is_some()).await;
        assert_eq!(view.source_time, expected, "{moment}");
        let reason = match is_measured {
            true => Reason::Ok,
            false => Reason::BadSourceTime,
        };
        assert_eq!(view.quality.reason, reason, "{moment}");
        let name = format!("line1.mes.v{index}");
        let view = top.wait(&name, "there", |view| view.value.is_some()).await;
        assert_eq!(view.value, Some(Value::Time(expected)), "{moment}");
    }
    top.stop().await;
    line.stop().await;
}

fn reqwest_client(node: &TestNode) -> reqwest::Client {
    let trust = mainstem_security::Trust::CaFile(node.node().facts().ca_file.clone());
    let tls = mainstem_security::client_config(&trust).unwrap();
    let client = reqwest::Client::builder().use_preconfigured_tls((*tls).clone());
    client.build().unwrap()
}

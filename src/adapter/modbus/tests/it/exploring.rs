//! The first hour with pymodbus: what is typed is read, shown in every meaning, and traced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::explore::{Attempt, ExploreError, Tried, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Direction, Explore, Trace};
use mainstem_adapter_modbus::KIND;
use mainstem_model::{Clock, Reason};
use serde_json::Value as Json;

use crate::pymodbus::{Foreign, to_json};
use crate::rig::PATIENCE;

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(mainstem_adapter::conformance::TokioClock::new())
}

async fn tried(
    port: u16,
    unit: u8,
    wish: Wish<'_>,
    patience: Duration,
    trace: &Trace,
) -> Result<(Vec<Tried>, Attempt), ExploreError> {
    let mut connection = explore()
        .connection(&format!("tcp://127.0.0.1:{port}"))
        .unwrap();
    connection["unitId"] = Json::from(unit);
    connection["socketTimeout"] = Json::from(500);
    let spec = AdapterSpec {
        name: "try".into(),
        connection,
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: "unused".into(),
    };
    let targets = explore().targets(&wish).unwrap();
    let attempt = attempt(&KIND, spec, targets, patience, trace.clone(), clock()).await?;
    Ok((explore().interpret(&wish, &attempt.answers), attempt))
}

fn wish(address: &str, count: usize) -> Wish<'_> {
    Wish {
        address,
        count,
        data_type: None,
    }
}

#[tokio::test]
async fn every_value_is_among_its_meanings() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let (rows, attempt) = tried(
        foreign.port,
        1,
        wish("40001", 120),
        PATIENCE,
        &Trace::new(clock()),
    )
    .await
    .unwrap();
    assert_eq!(
        attempt.statistics.requests, 1,
        "neighbours are read together"
    );
    assert_eq!(rows.len(), 120);
    let letters = [
        ("BE", "ABCD"),
        ("BEWS", "CDAB"),
        ("LEWS", "BADC"),
        ("LE", "DCBA"),
    ];
    let mut seen = 0;
    for entry in &foreign.registers {
        let word = entry["dataType"].as_str().unwrap();
        let known = [
            ("int32", "i32"),
            ("uint32", "u32"),
            ("int64", "i64"),
            ("uint64", "u64"),
            ("float", "f32"),
            ("double", "f64"),
        ];
        let Some((order, label)) = known.iter().find_map(|(name, label)| {
            let suffix = word.strip_prefix(name)?;
            let order = letters.iter().find(|(known, _)| *known == suffix)?.1;
            Some((order, format!("{label} {order}")))
        }) else {
            continue;
        };
        let row = &rows[usize::try_from(entry["address"].as_u64().unwrap()).unwrap()];
        let view = row.views.iter().find(|view| view.label == label).unwrap();
        assert_eq!(to_json(&view.value), entry["value"], "{word} as {order}");
        seen += 1;
    }
    assert_eq!(seen, 24);
}

#[tokio::test]
async fn a_hole_is_a_row_and_a_dead_unit_an_end() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let trace = Trace::new(clock());
    let (rows, attempt) = tried(foreign.port, 1, wish("3:198", 4), PATIENCE, &trace)
        .await
        .unwrap();
    let reasons: Vec<_> = rows.iter().map(|row| row.quality.reason).collect();
    let (good, bad) = (Reason::Ok, Reason::BadAddress);
    assert_eq!(reasons, [good, good, bad, bad]);
    assert!(attempt.statistics.errors["illegal_data_address"] > 0);
    let dead = tried(foreign.port, 9, wish("40001", 1), PATIENCE, &trace).await;
    let Err(ExploreError::Session(end)) = dead else {
        panic!("{dead:?}")
    };
    assert!(end.to_string().contains("unit 9"), "{end}");
}

#[tokio::test]
async fn a_device_that_never_answers_takes_no_more_than_its_time() {
    let Some(mut foreign) = Foreign::start().await else {
        return;
    };
    foreign.command("freeze").await;
    let begun = Instant::now();
    let answer = tried(
        foreign.port,
        1,
        wish("40001", 1),
        PATIENCE,
        &Trace::new(clock()),
    )
    .await;
    assert!(
        matches!(answer, Err(ExploreError::Session(_))),
        "{answer:?}"
    );
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn what_passes_is_seen() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let trace = Trace::new(clock());
    let mut reader = trace.read().unwrap();
    tried(foreign.port, 1, wish("40001", 2), PATIENCE, &trace)
        .await
        .unwrap();
    let sent = reader.try_next().unwrap();
    assert_eq!(sent.direction, Direction::Sent);
    assert!(
        sent.text
            .ends_with("unit 1: read holding registers 0 to 1 (function code 3)")
    );
    assert_eq!(sent.bytes[7..], [3, 0, 0, 0, 2]);
    let received = reader.try_next().unwrap();
    assert_eq!(received.direction, Direction::Received);
    assert!(
        received.text.contains("unit 1: 2 registers: "),
        "{}",
        received.text
    );
}

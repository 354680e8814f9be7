//! The first hour with python-snap7: what is typed is read, shown in every meaning, and traced.

use std::sync::Arc;

use mainstem_adapter::explore::{Attempt, ExploreError, Tried, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Explore, Trace};
use mainstem_adapter_s7::KIND;
use mainstem_model::{Clock, Reason};
use serde_json::Value as Json;

use crate::snap7::{Foreign, to_json};
use mainstem_adapter::conformance::PATIENCE;

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(mainstem_adapter::conformance::TokioClock::new())
}

async fn tried(
    port: u16,
    wish: Wish<'_>,
    trace: &Trace,
) -> Result<(Vec<Tried>, Attempt), ExploreError> {
    let mut connection = explore()
        .connection(&format!("s7://127.0.0.1:{port}"))
        .unwrap();
    connection["slot"] = Json::from(1);
    let spec = AdapterSpec {
        name: "try".into(),
        connection,
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: "unused".into(),
    };
    let targets = explore().targets(&wish).unwrap();
    let attempt = attempt(&KIND, spec, targets, PATIENCE, trace.clone(), clock()).await?;
    Ok((explore().interpret(&wish, &attempt.answers), attempt))
}

#[tokio::test]
async fn every_value_is_among_its_meanings() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let labels = [
        "byte", "sint", "word", "int", "dword", "dint", "real", "lword", "lint", "lreal",
    ];
    let mut seen = 0;
    for entry in &foreign.entries {
        let data_type = entry["dataType"].as_str().unwrap();
        if !labels.contains(&data_type) {
            continue;
        }
        let width = match entry["size"].as_u64().unwrap() {
            1 => 'B',
            2 => 'W',
            4 => 'D',
            _ => 'L',
        };
        let address = format!("DB1.DB{width}{}", entry["at"]);
        let wish = Wish {
            address: &address,
            count: 1,
            data_type: None,
        };
        let (rows, _) = tried(foreign.port, wish, &Trace::new(clock()))
            .await
            .unwrap();
        let view = rows[0].views.iter().find(|view| view.label == data_type);
        let view = view.unwrap_or_else(|| panic!("{data_type}"));
        assert_eq!(to_json(&view.value), entry["value"], "{data_type}");
        seen += 1;
    }
    assert_eq!(seen, labels.len());
}

#[tokio::test]
async fn a_string_is_found_among_bytes_and_a_missing_block_is_said() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let mut entries = foreign.entries.iter();
    let char = entries.find(|entry| entry["dataType"] == "char").unwrap();
    let at = char["at"].as_u64().unwrap();
    let address = format!("DB1.DBB{at}");
    let trace = Trace::new(clock());
    let mut reader = trace.read().unwrap();
    let wish = Wish {
        address: &address,
        count: 3,
        data_type: None,
    };
    let (rows, attempt) = tried(foreign.port, wish, &trace).await.unwrap();
    assert_eq!(
        attempt.statistics.requests, 1,
        "neighbours are read together"
    );
    let letters: Vec<_> = rows
        .iter()
        .map(|row| row.views.iter().find(|view| view.label == "char").unwrap())
        .map(|view| to_json(&view.value))
        .collect();
    assert_eq!(letters, ["G", "r", "ü"]);
    let mut texts = Vec::new();
    while let Some(frame) = reader.try_next() {
        texts.push(frame.text);
    }
    let read = format!("read DB1 bytes {at} to {}", at + 2);
    assert!(texts.iter().any(|text| text.ends_with(&read)), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("1 read: 3 bytes")));

    let wish = Wish {
        address: "DB7.DBW0",
        count: 1,
        data_type: None,
    };
    let (rows, attempt) = tried(foreign.port, wish, &trace).await.unwrap();
    assert_eq!(rows[0].quality.reason, Reason::BadAddress);
    assert!(!attempt.statistics.errors.is_empty());
}

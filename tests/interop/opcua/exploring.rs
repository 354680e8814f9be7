//! The first hour with a foreign server: nodes are tried with the types that the server gives them,
//! its address space is walked, and nothing is written.

use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Cut, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Explore, Trace};
use mainstem_model::Clock;

use super::*;

fn explore() -> &'static dyn Explore {
    KIND.explore.unwrap()
}

fn ask(device: &Device, folder: &TempDir, trace: &Trace, clock: &Arc<dyn Clock>) -> BrowseAsk {
    let mut connection = explore().connection(&device.url).unwrap();
    connection["securityPolicy"] = json!("None");
    BrowseAsk {
        spec: AdapterSpec {
            name: "try".into(),
            connection,
            endpoints: Vec::new(),
            folder: folder.path().to_owned(),
            home: folder.path().to_owned(),
        },
        start: None,
        patience: PATIENCE,
        trace: trace.clone(),
        clock: Arc::clone(clock),
    }
}

fn limits(found_max: usize) -> BrowseLimits {
    BrowseLimits {
        found_max,
        visited_max: 1000,
        depth_max: 5,
        time_max: PATIENCE,
    }
}

fn targets() -> Vec<mainstem_adapter::explore::Target> {
    let mut targets = Vec::new();
    for address in [
        "ns=2;s=Int16",
        "ns=2;s=Double",
        "ns=2;s=String",
        "ns=2;s=Nobody",
    ] {
        let wish = Wish {
            address,
            count: 1,
            data_type: None,
        };
        targets.extend(explore().targets(&wish).unwrap());
    }
    targets
}

fn assert_traced(reader: &mut mainstem_adapter::TraceReader) {
    let mut texts = Vec::new();
    while let Some(frame) = reader.try_next() {
        texts.push(frame.text);
    }
    assert!(
        texts.iter().any(|text| text.starts_with("Read ")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn nodes_are_tried_and_walked() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut device = Device::start(&python, folder.path(), 0).await;
    let clock: Arc<dyn Clock> = Arc::new(mainstem_adapter::conformance::TokioClock::new());
    let trace = Trace::new(Arc::clone(&clock));
    let mut reader = trace.read().unwrap();
    let ask = ask(&device, &folder, &trace, &clock);

    let mut targets = targets();
    explore().complete(&ask, &mut targets).await.unwrap();
    let types: Vec<_> = targets
        .iter()
        .map(|target| target.value_type.unwrap().to_string())
        .collect();
    assert_eq!(types, ["i16", "f64", "text", "json"]);
    let spec = ask.spec.clone();
    let read = attempt(
        &KIND,
        spec,
        targets,
        PATIENCE,
        trace.clone(),
        Arc::clone(&clock),
    );
    let read = read.await.unwrap();
    let values: Vec<_> = read
        .answers
        .iter()
        .map(|answer| answer.value.clone())
        .collect();
    let expected = [
        Some(Value::Int(-32768)),
        Some(Value::F64(21.5)),
        Some(Value::text("Öl")),
        None,
    ];
    assert_eq!(values, expected);
    assert_eq!(read.answers[3].quality.reason, Reason::BadAddress);
    assert_traced(&mut reader);

    let mut finds = Finds::new(limits(100), |_| {});
    explore().browse(&ask, &mut finds).await.unwrap();
    let found = |name: &str| {
        let found = finds
            .found()
            .iter()
            .find(|found| found.path.last().unwrap() == name);
        found.unwrap_or_else(|| panic!("{name} in {finds:?}"))
    };
    assert_eq!(found("Float").value_type.unwrap().to_string(), "f32");
    assert_eq!(found("Floats").value_type.unwrap().to_string(), "f32[]");
    assert_eq!(found("Structure").value_type.unwrap().to_string(), "json");
    assert_eq!(
        found("Double").operation,
        json!({"nodeId": "ns=2;s=Double"})
    );
    assert_eq!(found("Double").sample.as_deref(), Some("21.5"));
    assert!(found("Double").access.is_writable() && finds.cuts().is_empty());

    let mut few = Finds::new(limits(3), |_| {});
    explore().browse(&ask, &mut few).await.unwrap();
    assert_eq!((few.found().len(), few.cuts()), (3, &[Cut::Found][..]));
    assert_eq!(device.tell(json!(["writes"])).await, json!(0));
}

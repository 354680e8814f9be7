//! The list of symbols, of PLCs that keep one and of such that lie about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Cut, ExploreError, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Trace};
use mainstem_adapter_ads::KIND;
use mainstem_model::{Clock, Monotonic, Timestamp, Value};
use serde_json::json;

use crate::device::{Device, variable};
use crate::foreign::Foreign;

struct Process(Instant);

impl Clock for Process {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::default().after(self.0.elapsed())
    }
}

fn ask(port: u16, start: Option<&str>) -> BrowseAsk {
    let spec = AdapterSpec {
        name: "plc".into(),
        connection: json!({ "host": "127.0.0.1", "routerTcpPort": port, "netId": "5.1.2.3.1.1" }),
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    };
    let clock: Arc<dyn Clock> = Arc::new(Process(Instant::now()));
    BrowseAsk {
        spec,
        start: start.map(str::to_owned),
        patience: Duration::from_secs(5),
        trace: Trace::new(Arc::clone(&clock)),
        clock,
    }
}

fn limits(found_max: usize) -> BrowseLimits {
    BrowseLimits {
        found_max,
        visited_max: 1000,
        depth_max: 8,
        time_max: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn symbols_are_listed_and_what_cannot_be_read_says_so() {
    let device = Device::start().await;
    let levels = variable(600, 2, "ARRAY [0..3] OF INT", &[0; 8]);
    device
        .memory
        .lock()
        .symbols
        .insert("GVL.aLevels".into(), levels);
    let explore = KIND.explore.unwrap();
    let everything = ask(device.port(), None);
    let mut finds = Finds::new(limits(100), |_| {});
    explore.browse(&everything, &mut finds).await.unwrap();
    let shown: Vec<_> = finds.found().iter().map(|found| &*found.address).collect();
    let expected = [
        "GVL.aLevels",
        "MAIN.fSpeed",
        "MAIN.nSetpoint",
        "MAIN.sName",
        "MAIN.stAll",
    ];
    assert_eq!(shown, expected);
    let operation = json!({ "symbolName": "GVL.aLevels", "dataType": "int", "length": 4 });
    assert_eq!(finds.found()[0].operation, operation);
    assert!(finds.found()[4].obstacle.is_some());
    let mut finds = Finds::new(limits(100), |_| {});
    explore
        .browse(&ask(device.port(), Some("MAIN.")), &mut finds)
        .await
        .unwrap();
    assert_eq!(finds.found().len(), 4);
    let mut finds = Finds::new(limits(2), |_| {});
    explore.browse(&everything, &mut finds).await.unwrap();
    assert_eq!((finds.found().len(), finds.cuts()), (2, &[Cut::Found][..]));
    // A list that is announced longer than any, and one that is cut off.
    device.memory.lock().errors.insert((0xF00B, 0), 0x701);
    let mut finds = Finds::new(limits(100), |_| {});
    let ended = explore.browse(&everything, &mut finds).await;
    assert!(matches!(ended, Err(ExploreError::Session(_))), "{ended:?}");
}

#[tokio::test]
async fn pyads_symbols_are_listed() {
    let Some(foreign) = Foreign::start().await else {
        return;
    };
    let mut finds = Finds::new(limits(100), |_| {});
    let explore = KIND.explore.unwrap();
    explore
        .browse(&ask(foreign.port, None), &mut finds)
        .await
        .unwrap();
    assert_eq!(finds.found().len(), foreign.entries.len());
    for (found, entry) in finds.found().iter().zip(&foreign.entries) {
        assert_eq!(found.address, entry["symbol"]);
    }
}

#[tokio::test]
async fn a_variable_is_tried_without_any_configuration() {
    let device = Device::start().await;
    let explore = KIND.explore.unwrap();
    let wish = Wish {
        address: "MAIN.nSetpoint",
        count: 1,
        data_type: None,
    };
    let targets = explore.targets(&wish).unwrap();
    let url = format!("ads://127.0.0.1:{}", device.port());
    let spec = AdapterSpec {
        connection: explore.connection(&url).unwrap(),
        ..ask(device.port(), None).spec
    };
    let clock: Arc<dyn Clock> = Arc::new(Process(Instant::now()));
    let trace = Trace::new(Arc::clone(&clock));
    let mut seat = trace.read().unwrap();
    let patience = Duration::from_secs(10);
    let tried = attempt(&KIND, spec, targets, patience, trace.clone(), clock).await;
    assert_eq!(tried.unwrap().answers[0].value, Some(Value::Int(100)));
    let frames: Vec<_> = std::iter::from_fn(|| seat.try_next())
        .map(|frame| frame.text)
        .collect();
    assert!(
        frames.iter().any(|text| text.contains("0xf009")),
        "{frames:?}"
    );
}

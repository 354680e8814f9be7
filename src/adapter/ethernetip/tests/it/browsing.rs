//! The list of tags, of a controller that keeps one and of peers that lie about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Cut, ExploreError, Finds, Wish, attempt};
use mainstem_adapter::{AdapterSpec, Trace};
use mainstem_adapter_ethernetip::KIND;
use mainstem_model::{Clock, Monotonic, Timestamp, Value};
use serde_json::json;

use crate::device::Device;

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
        connection: json!({ "host": "127.0.0.1", "port": port }),
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

async fn device() -> Device {
    let device = Device::start().await;
    device.memory.lock().symbols = vec![
        (1, "", "Setpoint", 0x00C3, [0; 3]),
        (2, "", "Program:Main", 0x1068, [0; 3]),
        (5, "", "__system", 0x00C4, [0; 3]),
        (900, "", "Flags", 0x20D3, [2, 0, 0]),
        (901, "", "Levels", 0x20CA, [12, 0, 0]),
        (902, "", "Grid", 0x40CA, [2, 3, 0]),
        (903, "", "Recipe", 0x8ABC, [0; 3]),
        (1, "Program:Main", "Count", 0x00C4, [0; 3]),
    ];
    device
}

#[tokio::test]
async fn tags_are_listed_page_by_page_and_read_as_they_are_listed() {
    let device = device().await;
    let explore = KIND.explore.unwrap();
    let (ask_all, mut finds) = (ask(device.port(), None), Finds::new(limits(100), |_| {}));
    explore.browse(&ask_all, &mut finds).await.unwrap();
    let shown: Vec<_> = finds.found().iter().map(|found| &*found.address).collect();
    let expected = [
        "Setpoint",
        "Flags[0]",
        "Levels",
        "Grid",
        "Recipe",
        "Program:Main.Count",
    ];
    assert_eq!(shown, expected);
    let grid = &finds.found()[3];
    assert!(grid.obstacle.is_some() && grid.value_type.is_none());
    let flags = json!({ "tagName": "Flags[0]", "packed": true, "length": 64 });
    assert_eq!(finds.found()[1].operation, flags);
    assert!(finds.cuts().is_empty());
    // Only one program, and no more than asked for.
    let only = ask(device.port(), Some("Main"));
    let mut finds = Finds::new(limits(100), |_| {});
    explore.browse(&only, &mut finds).await.unwrap();
    assert_eq!(finds.found().len(), 1);
    let mut finds = Finds::new(limits(2), |_| {});
    explore.browse(&ask_all, &mut finds).await.unwrap();
    assert_eq!((finds.found().len(), finds.cuts()), (2, &[Cut::Found][..]));
}

#[tokio::test]
async fn a_list_without_an_end_and_a_device_without_a_list() {
    let device = device().await;
    device.memory.lock().endless = true;
    let mut finds = Finds::new(limits(100), |_| {});
    let explore = KIND.explore.unwrap();
    let told = |ended| match ended {
        Err(ExploreError::Session(end)) => end.code(),
        other => panic!("{other:?}"),
    };
    let everything = ask(device.port(), None);
    assert_eq!(
        told(explore.browse(&everything, &mut finds).await),
        "invalid_answer"
    );
    assert!(finds.visited() < 4, "{}", finds.visited());
    // It is not asked for a list that it has not, and the way to it is wrong.
    device.memory.lock().slot = 5;
    assert_eq!(
        told(explore.browse(&everything, &mut finds).await),
        "no_list"
    );
}

#[tokio::test]
async fn a_tag_is_tried_without_any_configuration() {
    let device = device().await;
    let explore = KIND.explore.unwrap();
    let wish = Wish {
        address: "Setpoint",
        count: 1,
        data_type: None,
    };
    let targets = explore.targets(&wish).unwrap();
    let url = format!("eip://127.0.0.1:{}", device.port());
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
        frames.iter().any(|text| text.contains("read tag Setpoint")),
        "{frames:?}"
    );
}

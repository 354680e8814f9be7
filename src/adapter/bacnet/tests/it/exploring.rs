//! What is found out about a device that is in no file yet.

use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::AdapterSpec;
use mainstem_adapter::explore::{BrowseAsk, BrowseLimits, Finds, Wish};
use mainstem_adapter_bacnet::KIND;
use mainstem_model::Access;

use crate::foreign::Foreign;

async fn browse(url: &str, start: Option<&str>) -> Finds {
    let explore = KIND.explore.unwrap();
    let spec = AdapterSpec {
        name: "look".into(),
        connection: explore.connection(url).unwrap(),
        endpoints: Vec::new(),
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    };
    let clock: Arc<dyn mainstem_model::Clock> =
        Arc::new(mainstem_adapter::conformance::TokioClock::new());
    let ask = BrowseAsk {
        spec,
        start: start.map(str::to_owned),
        patience: Duration::from_secs(2),
        trace: mainstem_adapter::Trace::new(Arc::clone(&clock)),
        clock,
    };
    let limits = BrowseLimits {
        found_max: 100,
        visited_max: 1000,
        depth_max: 4,
        time_max: Duration::from_secs(10),
    };
    let mut finds = Finds::new(limits, |_| {});
    explore.browse(&ask, &mut finds).await.unwrap();
    finds
}

#[tokio::test]
async fn a_device_lists_its_objects_with_names_and_units() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let finds = browse(&format!("bacnet://127.0.0.1:{}", foreign.port), None).await;
    assert_eq!(finds.found().len(), foreign.entries.len());
    assert!(finds.cuts().is_empty());
    let of = |address: &str| {
        finds
            .found()
            .iter()
            .find(|found| found.address == address)
            .unwrap()
    };
    let input = of("analog-input,1");
    assert_eq!(input.path, ["analog-input 1"]);
    assert_eq!(input.unit.as_deref(), Some("°C"));
    assert_eq!(input.sample.as_deref(), Some("-21.75"));
    assert_eq!(input.description.as_deref(), Some("the analog-input,1"));
    assert_eq!(input.access, Access::Read);
    assert_eq!(of("analog-output,1").access, Access::ReadWrite);
    // Nothing was written.
    assert_eq!(foreign.command("writes").await["writes"], 0);
}

#[tokio::test]
async fn devices_answer_who_is() {
    let Some(foreign) = Foreign::start(&[]).await else {
        return;
    };
    let finds = browse(
        &format!("bacnet://127.0.0.1:{}", foreign.port),
        Some("devices"),
    )
    .await;
    let [found] = finds.found() else {
        panic!("{finds:?}");
    };
    assert_eq!(found.address, "device,2101");
    let obstacle = found.obstacle.as_deref().unwrap();
    assert!(
        obstacle.contains(&format!("bacnet://127.0.0.1:{}/2101", foreign.port)),
        "{obstacle}"
    );
}

#[test]
fn addresses_as_people_write_them() {
    let explore = KIND.explore.unwrap();
    let wish = |address| Wish {
        address,
        count: 1,
        data_type: None,
    };
    let targets = explore.targets(&wish("analogInput,3/objectName")).unwrap();
    assert_eq!(targets[0].address, "analog-input,3/objectName");
    let many = Wish {
        count: 3,
        ..wish("binary-value,7")
    };
    let targets = explore.targets(&many).unwrap();
    assert_eq!(targets[2].operation["objectInstance"], 9);
    for wrong in [
        "",
        "analog-input",
        "thing,1",
        "analog-input,x",
        "analog-input,1/colour",
    ] {
        assert!(explore.targets(&wish(wrong)).is_err(), "{wrong}");
    }
    assert!(explore.connection("bacnet://host/5").is_ok());
    assert!(explore.connection("bacnet://host/x").is_err());
    assert!(explore.connection("modbus://host").is_err());
}

//! What an agent tells about its machines.

use mainstem_adapter::explore::{
    BrowseAsk, ExploreError, Finds, Found, Guide, Target, Wish, host_and_port,
};
use mainstem_adapter::{BoxFuture, Explore, SessionEnd};
use mainstem_model::Access;
use serde_json::{Value, json};

use super::client::Agent;
use super::connection;
use super::document::{Item, devices};
use crate::shape::DataType;

/// Units as the standard has them, and their signs.
const UNITS: [(&str, &str); 26] = [
    ("AMPERE", "A"),
    ("CELSIUS", "°C"),
    ("COUNT", "1"),
    ("DEGREE", "°"),
    ("DEGREE/SECOND", "°/s"),
    ("HERTZ", "Hz"),
    ("JOULE", "J"),
    ("KILOGRAM", "kg"),
    ("LITER", "l"),
    ("LITER/SECOND", "l/s"),
    ("MILLIMETER", "mm"),
    ("MILLIMETER/SECOND", "mm/s"),
    ("MILLIMETER/SECOND^2", "mm/s²"),
    ("MILLIMETER_3D", "mm"),
    ("NEWTON", "N"),
    ("NEWTON_METER", "Nm"),
    ("PASCAL", "Pa"),
    ("PERCENT", "%"),
    ("REVOLUTION/MINUTE", "1/min"),
    ("SECOND", "s"),
    ("VOLT", "V"),
    ("VOLT_AMPERE", "VA"),
    ("WATT", "W"),
    ("WATT_SECOND", "Ws"),
    ("OHM", "Ω"),
    ("DECIBEL", "dB"),
];

/// What `adapters try` and `adapters browse` do with an agent.
pub(super) struct AgentExplore;

impl Explore for AgentExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "mtconnect://HOST[:5000][/DEVICE]",
            addresses: &["Xact", "x2"],
            words: &[("device", "device")],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let at = host_and_port(url, &["mtconnect", "http"])?;
        let mut connection = json!({ "host": at.host, "port": at.port.unwrap_or(5000) });
        let device = at.path.trim_matches('/');
        if !device.is_empty() {
            connection["device"] = json!(device);
        }
        Ok(connection)
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        if wish.address.trim().is_empty() {
            return Err("the id or the name of a data item is missing, such as Xact".to_owned());
        }
        let mut operation = json!({ "key": wish.address });
        let value_type = wish.data_type.and_then(|word| word.parse().ok());
        // What is no type of this program is one of the protocol.
        if let (Some(word), None) = (wish.data_type, value_type) {
            operation["dataType"] = json!(word);
        }
        Ok(vec![Target {
            address: wish.address.to_owned(),
            operation,
            value_type,
        }])
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(browse(ask, finds))
    }
}

async fn browse(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let mut config = connection(&ask.spec.connection).map_err(ExploreError::Wrong)?;
    config.timeout = u64::try_from(ask.patience.as_millis()).unwrap_or(config.timeout);
    let agent = Agent::new(&config, &ask.spec.home, ask.trace.clone())?;
    let document = agent.ask("probe", &[]).await?;
    agent.show(&document);
    let items = devices(&document).map_err(|error| {
        let message = format!("{}: {error}", agent.place.text());
        ExploreError::Session(SessionEnd::lost("invalid_answer", message))
    })?;
    for item in items {
        let place = item.path.join("/");
        let is_below = ask
            .start
            .as_ref()
            .is_none_or(|start| place.starts_with(start.as_str()));
        if !is_below || !finds.descend(item.path.len().saturating_sub(1)) {
            continue;
        }
        if finds.visit(&place).is_break() || finds.add(found(item)).is_break() {
            break;
        }
    }
    Ok(())
}

fn found(item: Item) -> Found {
    let (word, data_type) = match (item.category.as_str(), item.representation.as_str()) {
        ("CONDITION", _) => ("condition", DataType::Condition),
        (_, "TIME_SERIES") => ("time-series", DataType::TimeSeries),
        ("SAMPLE", _) if item.units.ends_with("_3D") => ("vector", DataType::Vector),
        ("SAMPLE", _) => ("sample", DataType::Sample),
        _ if item.type_of == "MESSAGE" => ("message", DataType::Message),
        _ => ("event", DataType::Event),
    };
    let is_table = matches!(item.representation.as_str(), "DATA_SET" | "TABLE");
    let sign = UNITS.iter().find(|(unit, _)| *unit == item.units);
    let unit = sign.map_or(item.units.clone(), |(_, sign)| (*sign).to_owned());
    let description = match item.sub_type.is_empty() {
        true => item.type_of,
        false => format!("{} {}", item.type_of, item.sub_type),
    };
    Found {
        path: item.path,
        address: item.id.clone(),
        operation: json!({ "key": item.id, "dataType": word }),
        value_type: Some(data_type.value_type()),
        access: Access::Read,
        unit: (!unit.is_empty()).then_some(unit),
        description: Some(description),
        sample: None,
        obstacle: is_table.then(|| "data sets and tables are not read".to_owned()),
    }
}

//! Resources of the types `Connection` and `Endpoint`, put together to adapters.

mod build;
mod endpoint;

use std::collections::HashMap;
use std::path::Path;

use mainstem_adapter::{AdapterSpec, Kind};
use mainstem_model::Name;
use serde::Deserialize;
use serde_json::Value;

use crate::load::Draft;
use crate::names::{Resource, Taken, resources};
use crate::nearest::nearest;
use crate::node_config::AdapterConfig;
use crate::resources::{ConnectionSection, StrategyConfig, TargetState};
use crate::schema::{Section, one_of};
use crate::tree::join;
use endpoint::Endpoints;

/// Connectware's key for the strategy, beside `connection` or within it.
const STRATEGY: &str = "connectionStrategy";
/// The folder below the data folder that holds one folder per adapter.
const ADAPTERS_FOLDER: &str = "adapters";

/// The schemas of a kind, built once per load.
pub(crate) struct KindSchemas {
    connection: Section,
    endpoint: Section,
}

/// Reads connections and endpoints.
pub(crate) struct Adapters<'a> {
    kinds: &'static [Kind],
    data: &'a Path,
    schemas: HashMap<&'static str, KindSchemas>,
}

/// A connection whose kind is known.
struct Connection {
    name: Name,
    kind: &'static Kind,
    connection: Value,
    strategy: StrategyConfig,
    paused: bool,
    pointer: String,
}

impl<'a> Adapters<'a> {
    pub(crate) fn new(kinds: &'static [Kind], data: &'a Path) -> Self {
        Self {
            kinds,
            data,
            schemas: HashMap::new(),
        }
    }

    /// The adapters that are right, in the order of the file.
    pub(crate) fn read(mut self, draft: &mut Draft<'_>, taken: &mut Taken) -> Vec<AdapterConfig> {
        let section = Section::of::<ConnectionSection>();
        let mut connections = Vec::new();
        for resource in resources(draft.json, "Connection") {
            connections.extend(self.connection(draft, &section, &resource));
            let owner = format!("the connection `{}`", resource.id);
            let pointer = join("/resources", resource.id);
            taken.top(draft, resource.id, &owner, &pointer);
        }
        let mut endpoints = Endpoints::read(draft, &self.kinds_by_id(draft), &self.schemas, taken);
        let mut adapters = Vec::with_capacity(connections.len());
        for connection in connections {
            let own = endpoints.take(connection.name.as_str());
            let config = self.adapter(connection, own.specs(), draft.folder);
            build::check(draft, &config.0, &config.1, &own);
            adapters.push(config.0);
        }
        adapters
    }

    fn adapter(
        &self,
        connection: Connection,
        endpoints: Vec<mainstem_adapter::EndpointSpec>,
        home: &Path,
    ) -> (AdapterConfig, String) {
        let Connection {
            name,
            kind,
            connection,
            strategy,
            paused,
            pointer,
        } = connection;
        let folder = self.data.join(ADAPTERS_FOLDER).join(name.as_str());
        let spec = AdapterSpec {
            name: name.to_string(),
            connection,
            endpoints,
            folder,
            home: home.to_owned(),
        };
        (
            AdapterConfig {
                name,
                kind,
                spec,
                strategy,
                paused,
            },
            pointer,
        )
    }

    /// The kind of each connection whose protocol is known, even if the rest of it is wrong.
    fn kinds_by_id(&self, draft: &Draft<'_>) -> HashMap<String, Option<&'static Kind>> {
        let kind = |resource: &Resource<'_>| {
            let protocol = resource.properties.get("protocol")?.as_str()?;
            self.kind(protocol)
        };
        let all = resources(draft.json, "Connection");
        all.iter()
            .map(|resource| (resource.id.to_owned(), kind(resource)))
            .collect()
    }

    fn kind(&self, protocol: &str) -> Option<&'static Kind> {
        self.kinds
            .iter()
            .find(|kind| kind.name.eq_ignore_ascii_case(protocol))
    }

    fn connection(
        &mut self,
        draft: &mut Draft<'_>,
        section: &Section,
        resource: &Resource<'_>,
    ) -> Option<Connection> {
        let Resource { id, pointer, .. } = resource;
        let mut properties = resource.properties.clone();
        section.prune(&mut properties);
        take_strategy(draft, &mut properties, pointer);
        section.check(&properties, draft.tree, pointer, draft.report);
        let kind = self.known_kind(draft, &properties, pointer)?;
        let empty = Value::Object(serde_json::Map::new());
        let connection = properties.get("connection").unwrap_or(&empty).clone();
        let at = join(pointer, "connection");
        let schemas = self
            .schemas
            .entry(kind.name)
            .or_insert_with(|| KindSchemas {
                connection: Section::new((kind.connection_schema)()),
                endpoint: Section::new((kind.endpoint_schema)()),
            });
        if connection.is_object() {
            schemas
                .connection
                .check(&connection, draft.tree, &at, draft.report);
        }
        check_strategy(draft, &properties, pointer);
        let read: ConnectionSection = draft.read(&properties, pointer)?;
        let strategy = read.connection_strategy.unwrap_or_default();
        Some(Connection {
            name: Name::component(id).ok()?,
            kind,
            connection,
            strategy,
            paused: read.target_state == TargetState::Disconnected,
            pointer: pointer.clone(),
        })
    }

    fn known_kind(
        &self,
        draft: &mut Draft<'_>,
        properties: &Value,
        pointer: &str,
    ) -> Option<&'static Kind> {
        let protocol = properties.get("protocol")?.as_str()?;
        let kind = self.kind(protocol);
        if kind.is_none() {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
            let near = nearest(protocol, known.iter().copied());
            let message = format!("there is no protocol `{protocol}`");
            draft.unknown(&join(pointer, "protocol"), message, one_of(&known), near);
        }
        kind
    }
}

/// Moves the strategy from within `connection`, where Connectware has it, to its place beside it.
fn take_strategy(draft: &mut Draft<'_>, properties: &mut Value, pointer: &str) {
    let Some(Value::Object(connection)) = properties.get_mut("connection") else {
        return;
    };
    let Some(strategy) = connection.shift_remove(STRATEGY) else {
        return;
    };
    let within = join(&join(pointer, "connection"), STRATEGY);
    let Value::Object(map) = properties else {
        return;
    };
    if map.contains_key(STRATEGY) {
        let message = format!("`{STRATEGY}` stands here and beside `connection` too");
        draft.problem(&within, message, "it once");
        return;
    }
    Section::of::<StrategyConfig>().check(&strategy, draft.tree, &within, draft.report);
    if !draft.report.concerns(&within) {
        map.insert(STRATEGY.to_owned(), strategy);
    }
}

fn check_strategy(draft: &mut Draft<'_>, properties: &Value, pointer: &str) {
    let Some(value) = properties.get(STRATEGY) else {
        return;
    };
    // What is wrong with the delays one by one was told already.
    let Ok(strategy) = StrategyConfig::deserialize(value) else {
        return;
    };
    if strategy.max_delay < strategy.initial_delay {
        let at = join(pointer, STRATEGY);
        let expected = "`maxDelay` not shorter than `initialDelay` (1 s and 30 s by default)";
        draft.problem(&at, "`maxDelay` is shorter than `initialDelay`", expected);
    }
}

//! From the file to the checked configuration.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_adapter::Kind;
use mainstem_http::ListenConfig;
use mainstem_model::Name;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::adapters::Adapters;
use crate::expand::{Expanded, expand};
use crate::limits::FILE_BYTES_MAX;
use crate::names::{Taken, check_ids};
use crate::node_config::{NodeConfig, NodeSettings};
use crate::parse::parse;
use crate::problem::Problems;
use crate::report::Report;
use crate::schema::Section;
use crate::secrets::{self, Environment};
use crate::sections::{NodeFile, NodeSection};
use crate::tree::{Node, Span};
use crate::{aliases, bus, clients, loggers, policies, remotes, services, uplinks};

/// The socket's name in the data folder.
const SOCKET_NAME: &str = "mainstem.sock";
/// A canary changes no more often than this.
const CANARY_MIN: Duration = Duration::from_millis(200);

/// Loads a node file. Either everything in it is right, or every problem is told. Reads the file
/// and the secrets it refers to; connects to nothing and writes nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn load(path: &Path, kinds: &'static [Kind]) -> Result<NodeConfig, Problems> {
    load_with(path, kinds, &|name| std::env::var(name).ok())
}

/// The same with an environment of the caller's.
pub(crate) fn load_with(
    path: &Path,
    kinds: &'static [Kind],
    environment: Environment<'_>,
) -> Result<NodeConfig, Problems> {
    let (text, error) = match read(path) {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(error)),
    };
    let mut report = Report::new(path, &text);
    let config = match error {
        Some(error) => {
            let expected = "a readable node file; `mainstem init` writes one";
            let start = Span {
                line: 1,
                column: 1,
                ..Span::default()
            };
            report.at(
                start,
                "",
                format!("the file cannot be read: {error}"),
                expected,
            );
            None
        }
        None => read_text(path, &text, kinds, environment, &mut report),
    };
    let Some(config) = config else {
        if report.is_empty() {
            let start = Span {
                line: 1,
                column: 1,
                ..Span::default()
            };
            let expected = "a fault of the program; please report it";
            report.at(
                start,
                "",
                "the file cannot be used, and nothing says why",
                expected,
            );
        }
        return Err(report.finish().unwrap_or_default());
    };
    report.finish().map_or(Ok(config), Err)
}

pub(crate) fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "it has more than {FILE_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

fn read_text(
    path: &Path,
    text: &str,
    kinds: &'static [Kind],
    environment: Environment<'_>,
    report: &mut Report,
) -> Option<NodeConfig> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let tree = parse(text, report)?;
    let Expanded {
        mut tree,
        mqtt_root,
    } = expand(tree, report);
    secrets::resolve(&mut tree, "", folder, environment, report);
    let mut json = tree.to_json();
    let section = Section::of::<NodeFile>();
    section.prune(&mut json);
    section.check(&json, &tree, "", report);
    Draft {
        tree: &tree,
        json: &json,
        folder,
        mqtt_root: mqtt_root.as_deref(),
        report,
    }
    .config(kinds)
}

/// A file on its way to a configuration.
pub(crate) struct Draft<'a> {
    pub(crate) tree: &'a Node,
    pub(crate) json: &'a Value,
    pub(crate) folder: &'a Path,
    /// What stands before the topics of resources, where the file says it.
    pub(crate) mqtt_root: Option<&'a str>,
    pub(crate) report: &'a mut Report,
}

impl Draft<'_> {
    fn config(&mut self, kinds: &'static [Kind]) -> Option<NodeConfig> {
        // Everything is looked at before anything that is missing ends the work.
        let node = self.node();
        let listen = self.listen();
        let feed = self.part("/feed");
        let limits = self.part("/limits");
        let flowsync = self.part("/flowsync");
        let hsyco = clients::hsyco(self);
        let support = clients::support(self);
        let log = self.part("/log");
        let roles = clients::roles(self);
        let tokens = clients::tokens(self);
        let policies = policies::read(self);
        let loggers = loggers::read(self);
        let bus = bus::read(self);
        check_ids(self);
        let data = node
            .as_ref()
            .map_or_else(|| self.folder.join("data"), |n| n.data.clone());
        let mut taken = Taken::default();
        let adapters = Adapters::new(kinds, &data).read(self, &mut taken);
        bus::circles(self, bus.as_ref(), &adapters);
        let remotes = remotes::read(self, &mut taken);
        let aliases = aliases::read(self, &taken);
        let mut warnings = aliases::idle(&aliases, |name| taken.may_have(name));
        warnings.extend(bus::idle(bus.as_ref()));
        let uplinks = uplinks::read(self);
        let services = services::read(self);
        let is_foreign = bus.as_ref().is_some_and(|bus| bus.external.is_some());
        let idle = services.as_ref().map(|all| services::idle(all, is_foreign));
        warnings.extend(idle.into_iter().flatten());
        let is_known = |name: &Name| {
            taken.may_have(name) || aliases.iter().any(|alias| alias.from.covers(name))
        };
        let nowhere = services
            .as_ref()
            .map(|all| services::nowhere(all, is_known));
        warnings.extend(nowhere.into_iter().flatten());
        Some(NodeConfig {
            unix_socket: self.unix_socket(&data),
            node: node?,
            listen: listen?,
            feed: feed?,
            roles,
            tokens,
            policies,
            aliases,
            warnings,
            loggers,
            bus,
            limits: limits?,
            flowsync: flowsync?,
            hsyco,
            support,
            log: log?,
            adapters,
            remotes,
            uplinks,
            services: services?,
        })
    }

    /// A section that may be absent.
    fn part<T: DeserializeOwned + Default>(&mut self, pointer: &str) -> Option<T> {
        match self.json.pointer(pointer) {
            Some(value) => self.read(value, pointer),
            None => Some(T::default()),
        }
    }

    /// A value as its struct, unless something in it is wrong already.
    pub(crate) fn read<T: DeserializeOwned>(&mut self, value: &Value, pointer: &str) -> Option<T> {
        if self.report.concerns(pointer) {
            return None;
        }
        match T::deserialize(value) {
            Ok(part) => Some(part),
            Err(error) => {
                // The schema let it pass, so there is no better sentence than serde's.
                let message = format!("this cannot be used: {error}");
                self.report.value(
                    self.tree,
                    pointer,
                    message,
                    "what docs/CONFIGURATION.md says",
                );
                None
            }
        }
    }

    /// A problem with the value at a JSON pointer.
    pub(crate) fn problem(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.report.value(self.tree, pointer, message, expected);
    }

    /// A problem, and the nearest valid name.
    pub(crate) fn unknown(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
        near: Option<&str>,
    ) {
        let near = near.map(str::to_owned);
        self.report
            .near(self.tree.place(pointer), pointer, message, expected, near);
    }

    fn node(&mut self) -> Option<NodeSettings> {
        let value = self.json.get("node")?;
        let NodeSection {
            name,
            description,
            data,
            canary,
            service_id: _,
        } = self.read(value, "/node")?;
        Some(NodeSettings {
            name,
            description,
            data: self.folder.join(data),
            canary: (!canary.is_zero()).then(|| canary.max(CANARY_MIN)),
        })
    }

    fn unix_socket(&mut self, data: &Path) -> Option<PathBuf> {
        match self.json.get("unix_socket").and_then(Value::as_str) {
            None | Some("on") => Some(data.join(SOCKET_NAME)),
            Some("off") => None,
            Some(path) => Some(self.folder.join(path)),
        }
    }

    fn listen(&mut self) -> Option<Vec<ListenConfig>> {
        let Some(value) = self.json.get("listen") else {
            return Some(vec![ListenConfig::default()]);
        };
        let items = value.as_array()?;
        let mut read: Vec<(String, ListenConfig)> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("/listen/{index}");
            let Some(listen) = self.read::<ListenConfig>(item, &pointer) else {
                continue;
            };
            let other = read.iter().find(|(_, other)| overlap(other, &listen));
            if let Some((_, other)) = other {
                let message = format!("{} overlaps {}", listen.address, other.address);
                let at = format!("{pointer}/address");
                self.problem(&at, message, "each address and port once");
            }
            read.push((pointer, listen));
        }
        Some(read.into_iter().map(|(_, listen)| listen).collect())
    }
}

// Port 0 is another one each time; the address of all interfaces takes the port on each of them.
fn overlap(a: &ListenConfig, b: &ListenConfig) -> bool {
    let (a, b) = (a.address, b.address);
    let all = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || all)
}

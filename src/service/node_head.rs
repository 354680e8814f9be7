//! What every server node has, whatever its protocol.

use std::borrow::Cow;

use crate::{InputBuffering, Rule, RuleSection, TargetState, Transaction};

/// What a node does with requests of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Gives what was last published on its topic.
    ServerProvides,
    /// Publishes what a client brings.
    ServerReceives,
    /// Both.
    #[serde(alias = "serverProvidesAndReceives")]
    ServerProvidesReceives,
    /// Holds the client's request until somebody answered it over the bus.
    Transaction,
}

impl Operation {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerProvides => "serverProvides",
            Self::ServerReceives => "serverReceives",
            Self::ServerProvidesReceives => "serverProvidesReceives",
            Self::Transaction => "transaction",
        }
    }

    /// Whether clients get what was published.
    #[must_use]
    pub fn provides(self) -> bool {
        matches!(self, Self::ServerProvides | Self::ServerProvidesReceives)
    }

    /// Whether what clients bring is published.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::ServerReceives | Self::ServerProvidesReceives)
    }
}

/// How surely messages are published and received: 0, 1 or 2 as MQTT has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "u8")]
pub struct Qos(u8);

impl schemars::JsonSchema for Qos {
    fn schema_name() -> Cow<'static, str> {
        "Qos".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 0, "maximum": 2})
    }
}

impl Qos {
    /// At least once.
    pub const AT_LEAST_ONCE: Self = Self(1);

    /// 0, 1 or 2.
    #[must_use]
    pub fn level(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Qos {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        match level {
            0..=2 => Ok(Self(level)),
            other => Err(format!("there is no QoS {other}; 0, 1 and 2 are")),
        }
    }
}

/// The properties that every node has, as written.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeHeadSection {
    /// The id of the server, or of the node above.
    pub parent: String,
    /// What it does with requests of its clients.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend(
        "enum" = [
            "serverProvides", "serverReceives", "serverProvidesReceives", "transaction",
            "serverProvidesAndReceives", null
        ],
        "x-expected" = "`serverProvides`, `serverReceives`, `serverProvidesReceives` or \
                        `transaction`"
    ))]
    pub operation: Option<Operation>,
    /// How long a request is held; only with `operation: transaction`.
    #[serde(default)]
    pub transaction: Option<Transaction>,
    /// What is done with messages before they reach the client, and after they came from it.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub rules: Vec<RuleSection>,
    /// How surely its messages are published and received.
    #[serde(default)]
    pub qos: Qos,
    /// Whether the broker keeps what it publishes.
    #[serde(default)]
    pub retain: bool,
    /// Whether it is to work.
    #[serde(default)]
    pub target_state: TargetState,
    /// Its topic below the service's root, in place of its id.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    pub topic: Option<String>,
    /// What is kept while the bus is away.
    #[serde(default)]
    pub input_buffering: Option<InputBuffering>,
}

/// What every node has.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeHead {
    /// Its resource id.
    pub id: String,
    /// The id of the server that it belongs to.
    pub server: String,
    /// The id of its parent: the server's, or that of the node above.
    pub parent: String,
    /// What it does with requests of its clients.
    pub operation: Operation,
    /// How long a request is held: there exactly if `operation` is `transaction`.
    pub transaction: Option<Transaction>,
    /// What is done with messages before they reach the client, and after they came from it.
    pub rules: Vec<Rule>,
    /// How surely its messages are published and received.
    pub qos: Qos,
    /// Whether the broker keeps what it publishes.
    pub retain: bool,
    /// Whether it is to work.
    pub target_state: TargetState,
    /// Its topic, the service's root before it.
    pub topic: String,
    /// What is kept while the bus is away.
    pub input_buffering: InputBuffering,
}

impl NodeHead {
    /// Where held requests are published.
    #[must_use]
    pub fn request_topic(&self) -> String {
        format!("{}/treq", self.topic)
    }

    /// Where replies to held requests are expected.
    #[must_use]
    pub fn reply_topic(&self) -> String {
        format!("{}/tres", self.topic)
    }
}

impl NodeHeadSection {
    /// The head that is meant, at this server and on this topic; `usual` is the operation of a
    /// node that names none.
    #[must_use]
    pub fn resolve(self, id: &str, server: &str, topic: String, usual: Operation) -> NodeHead {
        let operation = self.operation.unwrap_or(usual);
        let transaction =
            (operation == Operation::Transaction).then(|| self.transaction.unwrap_or_default());
        NodeHead {
            id: id.to_owned(),
            server: server.to_owned(),
            parent: self.parent,
            operation,
            transaction,
            rules: self
                .rules
                .into_iter()
                .filter_map(RuleSection::resolve)
                .collect(),
            qos: self.qos,
            retain: self.retain,
            target_state: self.target_state,
            topic,
            input_buffering: self.input_buffering.unwrap_or_default(),
        }
    }
}

//! `Mapping`: messages of one topic, through rules, to another.

use crate::{InputBuffering, Qos, Rule, RuleSection, TargetState, TopicPattern, TopicTemplate};

/// Items of one mapping.
pub const MAPPING_ITEMS_MAX: usize = 256;
/// Subscriptions of one item.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Rules of one item.
pub const RULES_MAX: usize = 32;

/// A mapping, as written.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MappingSection {
    /// What goes where.
    #[schemars(length(min = 1, max = 256))]
    pub mappings: Vec<MappingItemSection>,
    /// Whether it is to work.
    #[serde(default)]
    pub target_state: TargetState,
    /// Who carries it out: always this node itself.
    #[serde(default)]
    #[schemars(extend("const" = "protocol-mapper"))]
    pub agent_name: Option<String>,
    /// What is kept while the bus or the target is away.
    #[serde(default)]
    pub input_buffering: Option<InputBuffering>,
}

/// One way of a mapping, as written.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingItemSection {
    /// Where messages come from.
    pub subscribe: OneOrMany<SubscribeSection>,
    /// Where they go.
    pub publish: PublishSection,
    /// What is done with them on the way, in order.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub rules: Vec<RuleSection>,
    /// Whether messages that only tell how things were count too: what the broker kept from
    /// before, and what was fetched again after an outage.
    #[serde(default)]
    pub startupevents: bool,
}

/// One, or a list of them.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(#[schemars(length(min = 1, max = 256))] Vec<T>),
}

impl<T> OneOrMany<T> {
    /// As a list, and whether it was one in the file.
    pub fn into_list(self) -> (Vec<T>, bool) {
        match self {
            Self::One(one) => (vec![one], false),
            Self::Many(many) => (many, true),
        }
    }
}

/// Where messages come from, as written: just one of `endpoint` and `topic`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct SubscribeSection {
    /// The id of an endpoint or a node.
    pub endpoint: Option<String>,
    /// A topic; `+name` stands for one level, `#name` for all that follow.
    #[schemars(length(min = 1, max = 1024))]
    pub topic: Option<String>,
    /// How surely messages come.
    pub qos: Qos,
    /// The connection to another broker.
    pub connection: Option<String>,
    /// The name under which `collect` keeps messages, with `{name}` for wildcards; the topic by
    /// default.
    #[schemars(length(min = 1, max = 256))]
    pub label: Option<String>,
}

/// Where messages go, as written: just one of `endpoint` and `topic`.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PublishSection {
    /// The id of an endpoint or a node.
    pub endpoint: Option<String>,
    /// A topic; `{name}` stands for a named wildcard or a variable of `setContextVars`.
    #[schemars(length(min = 1, max = 1024))]
    pub topic: Option<String>,
    /// How surely messages are published.
    pub qos: Qos,
    /// Whether the broker keeps the last one.
    pub retain: bool,
    /// The connection to another broker.
    pub connection: Option<String>,
}

/// A mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Its resource id.
    pub id: String,
    /// Its ways, in the order of the file.
    pub items: Vec<MappingItem>,
    /// Whether it is to work.
    pub target_state: TargetState,
    /// What is kept while the bus or the target is away.
    pub input_buffering: InputBuffering,
}

/// One way of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingItem {
    /// Where messages come from.
    pub subscribe: Vec<Subscribe>,
    /// Where they go.
    pub publish: Publish,
    /// What is done with them on the way, in order.
    pub rules: Vec<Rule>,
    /// Whether messages that only tell how things were count too.
    pub startup_events: bool,
}

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The topics.
    pub pattern: TopicPattern,
    /// The resource that stands in the file in place of a topic.
    pub endpoint: Option<String>,
    /// How surely messages come.
    pub qos: Qos,
    /// The name under which `collect` keeps messages; their topic where there is none.
    pub label: Option<TopicTemplate>,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The topic.
    pub topic: TopicTemplate,
    /// The resource that stands in the file in place of a topic.
    pub endpoint: Option<String>,
    /// How surely messages are published.
    pub qos: Qos,
    /// Whether the broker keeps the last one.
    pub retain: bool,
}

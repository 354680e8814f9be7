//! The rules that messages go through, one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use mainstem_model::quantity;

/// One rule, as written: just one of the keys.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend(
    "minProperties" = 1,
    "maxProperties" = 1,
    "x-expected" = "just one of `parse`, `transform`, `filter`, `setContextVars`, `cov`, `burst`, \
                    `collect` and `stash`"
))]
pub struct RuleSection {
    /// Makes a value of bytes.
    pub parse: Option<ParseRule>,
    /// The payload becomes the expression's result.
    pub transform: Option<ExpressionRule>,
    /// Only messages for which the expression is true pass.
    pub filter: Option<ExpressionRule>,
    /// Sets variables for later expressions and the topic to publish on.
    pub set_context_vars: Option<SetContextVarsRule>,
    /// Only changed messages pass.
    pub cov: Option<CovRule>,
    /// Gathers messages to a list.
    pub burst: Option<BurstRule>,
    /// The last payload of each label, all at once.
    pub collect: Option<CollectRule>,
    /// Keeps the payload for `$last`.
    pub stash: Option<StashRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Makes a value of bytes.
    Parse(ParseRule),
    /// The payload becomes the expression's result.
    Transform(ExpressionRule),
    /// Only messages for which the expression is true pass.
    Filter(ExpressionRule),
    /// Sets variables for later expressions and the topic to publish on.
    SetContextVars(SetContextVarsRule),
    /// Only changed messages pass.
    Cov(CovRule),
    /// Gathers messages to a list.
    Burst(BurstRule),
    /// The last payload of each label, all at once.
    Collect(CollectRule),
    /// Keeps the payload for `$last`.
    Stash(StashRule),
}

impl Rule {
    /// The key in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Parse(_) => "parse",
            Self::Transform(_) => "transform",
            Self::Filter(_) => "filter",
            Self::SetContextVars(_) => "setContextVars",
            Self::Cov(_) => "cov",
            Self::Burst(_) => "burst",
            Self::Collect(_) => "collect",
            Self::Stash(_) => "stash",
        }
    }

    /// Its expressions, each with the JSON pointer below the rule.
    #[must_use]
    pub fn expressions(&self) -> Vec<(String, &str)> {
        match self {
            Self::Transform(rule) => vec![("/transform/expression".into(), &rule.expression)],
            Self::Filter(rule) => vec![("/filter/expression".into(), &rule.expression)],
            Self::SetContextVars(rule) => rule
                .vars
                .iter()
                .map(|(name, text)| (format!("/setContextVars/vars/{name}"), text.as_str()))
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl RuleSection {
    /// The rule that is meant; none if there is not just one.
    #[must_use]
    pub fn resolve(self) -> Option<Rule> {
        let all = [
            self.parse.map(Rule::Parse),
            self.transform.map(Rule::Transform),
            self.filter.map(Rule::Filter),
            self.set_context_vars.map(Rule::SetContextVars),
            self.cov.map(Rule::Cov),
            self.burst.map(Rule::Burst),
            self.collect.map(Rule::Collect),
            self.stash.map(Rule::Stash),
        ];
        let mut given = all.into_iter().flatten();
        let first = given.next()?;
        given.next().is_none().then_some(first)
    }
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[expect(
    missing_docs,
    reason = "the words say it: kind, bits and order of the bytes"
)]
pub enum Format {
    #[serde(rename = "json")]
    Json,
    #[serde(rename = "csv")]
    Csv,
    #[serde(rename = "utf8")]
    Utf8,
    #[serde(rename = "latin1")]
    Latin1,
    #[serde(rename = "ascii")]
    Ascii,
    #[serde(rename = "hex")]
    Hex,
    #[serde(rename = "boolean")]
    Boolean,
    #[serde(rename = "int8")]
    Int8,
    #[serde(rename = "int16BE")]
    Int16Be,
    #[serde(rename = "int16LE")]
    Int16Le,
    #[serde(rename = "int32BE")]
    Int32Be,
    #[serde(rename = "int32LE")]
    Int32Le,
    #[serde(rename = "uint8")]
    Uint8,
    #[serde(rename = "uint16BE")]
    Uint16Be,
    #[serde(rename = "uint16LE")]
    Uint16Le,
    #[serde(rename = "uint32BE")]
    Uint32Be,
    #[serde(rename = "uint32LE")]
    Uint32Le,
    #[serde(rename = "floatBE")]
    FloatBe,
    #[serde(rename = "floatLE")]
    FloatLe,
    #[serde(rename = "doubleBE")]
    DoubleBe,
    #[serde(rename = "doubleLE")]
    DoubleLe,
    #[serde(rename = "toBase64")]
    ToBase64,
    #[serde(rename = "fromBase64")]
    FromBase64,
}

/// `parse`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParseRule {
    /// What the bytes are.
    pub format: Format,
}

/// `transform` and `filter`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpressionRule {
    /// The expression, in JSONata.
    #[schemars(length(min = 1, max = 65_536))]
    pub expression: String,
}

/// `setContextVars`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetContextVarsRule {
    /// Names, each with its expression in JSONata.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    pub vars: BTreeMap<String, String>,
}

/// How a deadband counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeadbandMode {
    /// In the value's own unit.
    #[default]
    Absolute,
    /// In percent of the value that passed last.
    Relative,
}

/// `cov`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CovRule {
    /// The field that is compared; dots lead into objects.
    #[schemars(length(min = 1, max = 256))]
    pub key: String,
    /// By more than this a number has to differ.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub deadband: Option<f64>,
    /// How the deadband counts.
    #[serde(default)]
    pub deadband_mode: DeadbandMode,
}

/// `burst`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct BurstRule {
    /// How long is gathered, from the first message of a batch on.
    #[serde(deserialize_with = "optional_millis")]
    #[schemars(with = "Option<String>", extend(
        "type" = ["string", "integer", "null"],
        "duration" = {"min": "10ms", "max": "1h", "number": "milliseconds"}
    ))]
    pub interval: Option<Duration>,
    /// How many messages a batch has at most.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_size: Option<u32>,
}

fn optional_millis<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    quantity::millis(deserializer).map(Some)
}

/// `collect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CollectRule {}

/// `stash`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StashRule {
    /// The name by which `$last` finds it.
    #[schemars(length(min = 1, max = 128))]
    pub label: String,
}

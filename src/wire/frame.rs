//! The frames of a stream that are not rows. One line of JSON each; a line may hold several
//! members. Readers skip members and fields that they do not know.

use mainstem_model::{
    Access, Definition, Limits, NodeId, Reason, Role, Status, Timestamp, ValueType,
};
use serde::{Deserialize, Serialize};

use crate::Epoch;
use crate::api::form;

/// The feature of a node that resets pulses, or passes them on to one that does.
pub const FEATURE_PULSE: &str = "pulse";

/// The first member of a stream: who speaks, and what the reader can expect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HelloFrame {
    /// Protocol version of the speaker.
    pub protocol: u32,
    /// The node.
    pub node: NodeId,
    /// Its name, a label only.
    pub name: String,
    /// The running copy of the node.
    pub instance: u64,
    /// The life of its feed.
    pub epoch: Epoch,
    /// What it can do beyond the version.
    #[serde(default)]
    pub features: Vec<String>,
    /// Whether a snapshot follows; otherwise the stream goes on behind the reader's cursor.
    #[serde(default)]
    pub snapshot: bool,
    /// The head of the feed at this moment: what was applied up to here is up to date.
    pub head: u64,
    /// Names the stream in beats and writes.
    #[serde(default)]
    pub session: u64,
    /// The hash of the filter that cursors of this stream hold.
    #[serde(default)]
    pub filter: u32,
}

/// Where datapoints come from, or a change of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceFrame {
    /// Its number at the speaker.
    pub id: u32,
    /// The number of its parent at the speaker, told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The node at which it is.
    pub node: NodeId,
    /// Its name there.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The epoch of the node at which it is, which its sequence numbers belong to.
    pub epoch: Epoch,
    /// Whether the speaker knows all datapoints of it: only then does absence mean removal.
    #[serde(default)]
    pub complete: bool,
    /// Its own grade, beside those of its parents.
    pub status: Status,
    /// The reason of the grade.
    pub reason: Reason,
    /// Since when it is so.
    pub since: Timestamp,
}

/// A change of a source's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusFrame {
    /// The source's number at the speaker.
    pub id: u32,
    /// Its own grade now.
    pub status: Status,
    /// The reason of the grade.
    pub reason: Reason,
    /// Since when it is so.
    pub since: Timestamp,
}

/// An old name, or an old beginning of names, and what it is called now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasFrame {
    /// The old name at the speaker.
    pub from: String,
    /// The new one; absent if the alias is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A datapoint, told before its first row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefineFrame {
    /// Its number at the speaker; never used again for another definition within an epoch.
    pub id: u32,
    /// Its name at the speaker.
    pub name: String,
    /// The number of its source at the speaker. Absent in `POST /api/v1/samples`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u32>,
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Box<str>>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// Whether it can be written; `r` where absent.
    #[serde(default, skip_serializing_if = "is_read")]
    pub access: Access,
    /// The range for writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_read(access: &Access) -> bool {
    *access == Access::Read
}

impl DefineFrame {
    /// The frame of a definition.
    pub fn new(id: u32, name: &str, source: Option<u32>, definition: &Definition) -> Self {
        Self {
            id,
            name: name.to_owned(),
            source,
            value_type: definition.value_type,
            unit: definition.unit.clone(),
            description: definition.description.clone(),
            access: definition.access,
            limits: definition.limits,
        }
    }

    /// The definition that it carries, texts cut to their limits.
    pub fn definition(&self) -> Definition {
        let mut definition = Definition::new(self.value_type)
            .unit(self.unit.as_deref().unwrap_or_default())
            .description(self.description.as_deref().unwrap_or_default());
        definition.access = self.access;
        definition.limits = self.limits;
        definition
    }
}

/// Entries that the reader will never see, because they were evicted or conflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFrame {
    /// The last entry before the gap.
    pub from: u64,
    /// The last entry in the gap.
    pub to: u64,
    /// How many entries it holds, before any filter.
    pub count: u64,
}

/// A sample by name, for clients that do not care for ids (`POST /api/v1/samples`).
#[derive(Clone, Debug, Deserialize)]
pub struct NamedSample<'a> {
    /// The datapoint's name below the provider's prefix.
    pub name: std::borrow::Cow<'a, str>,
    /// The value; absent keeps the last one under a new quality.
    #[serde(borrow, default)]
    pub value: Option<&'a serde_json::value::RawValue>,
    /// The reason of a quality that is not good.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// When it was so; the node's clock where absent.
    #[serde(default)]
    pub time: Option<Timestamp>,
}

/// What a reader says about itself each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Beat {
    /// The stream's session, from its hello.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub session: u64,
    /// The last entry that the reader applied.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub applied: u64,
    /// The reader's monotonic clock at sending, in microseconds.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub sent: u64,
    /// The reader's wall clock at sending, in microseconds.
    #[serde(deserialize_with = "form::signed")]
    pub sent_wall: i64,
    /// The reader's estimate of (server's monotonic clock − its own), in microseconds.
    #[serde(default, deserialize_with = "form::optional_signed")]
    pub offset: Option<i64>,
    /// How wrong that estimate can be, in microseconds.
    #[serde(default, deserialize_with = "form::optional_unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub uncertainty: Option<u64>,
}

/// The answer to a beat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BeatAnswer {
    /// The server's monotonic clock at receipt, in microseconds.
    pub received: u64,
    /// The server's monotonic clock at sending, in microseconds.
    pub sent: u64,
    /// The server's wall clock at sending, in microseconds.
    pub sent_wall: i64,
    /// The head of the server's feed.
    pub head: u64,
    /// Links of the server from which nothing came for a while: source number and silence in
    /// milliseconds. So the reader's own timing holds for nodes any number of levels below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<u64>>)]
    pub quiet: Vec<(u32, u64)>,
    /// Whether the server still knows the session; if not, the stream is dead.
    #[serde(default)]
    pub known: bool,
}

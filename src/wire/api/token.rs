//! Tokens.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token as it is listed; its text is nowhere.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenDocument {
    /// The part of it that may be shown.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// Its role.
    pub role: String,
    /// The prefix below which its holder provides samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provide: Option<String>,
    /// From where its holder may come, beside what its role says; everywhere if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was last accepted since the start of the node.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// `node` or `configuration`.
    pub origin: String,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenDocument {
    /// Whose it is, unique in the node, 128 bytes at the most.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "historian"
    )]
    pub name: String,
    /// Its role, one of the node's.
    #[schema(min_length = 1, example = "viewer")]
    pub role: String,
    /// When it ends, in the future.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The prefix below which its holder provides samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 255,
        pattern = r#"^[^.*?\[\]{}!,;"\\\s\x00-\x1f\x7f-\x9f]{1,64}(\.[^.*?\[\]{}!,;"\\\s\x00-\x1f\x7f-\x9f]{1,64}){0,15}$"#
    )]
    pub provide: Option<String>,
    /// From where its holder may come: `*`, IP addresses, networks. Everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 64, value_type = Option<Vec<AddressText>>)]
    pub from: Option<Vec<String>>,
}

/// `*`, an IP address, or a network such as `10.0.0.0/8`.
#[derive(Debug, ToSchema)]
#[schema(
    example = "10.0.0.0/8",
    pattern = r"^(\*|(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}(/(3[0-2]|[12]?[0-9]))?|(([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,7}:|([0-9a-fA-F]{1,4}:){1,6}(:[0-9a-fA-F]{1,4}){1,1}|([0-9a-fA-F]{1,4}:){1,5}(:[0-9a-fA-F]{1,4}){1,2}|([0-9a-fA-F]{1,4}:){1,4}(:[0-9a-fA-F]{1,4}){1,3}|([0-9a-fA-F]{1,4}:){1,3}(:[0-9a-fA-F]{1,4}){1,4}|([0-9a-fA-F]{1,4}:){1,2}(:[0-9a-fA-F]{1,4}){1,5}|([0-9a-fA-F]{1,4}:){1,1}(:[0-9a-fA-F]{1,4}){1,6}|:(:[0-9a-fA-F]{1,4}){1,7}|::)(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct AddressText(String);

/// A new token with its text, which is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenText {
    /// The text to send as `Authorization: Bearer`.
    pub token: String,
    /// What is kept of it.
    pub info: TokenDocument,
}

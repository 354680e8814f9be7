//! `Server::Opcua`: the node's OPC UA server.

use crate::TargetState;

/// How messages are protected, as OPC UA names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum SecurityPolicy {
    /// Not at all.
    None,
    /// Basic256Sha256.
    Basic256Sha256,
    /// Aes128-Sha256-RsaOaep.
    #[serde(rename = "Aes128_Sha256_RsaOaep")]
    Aes128Sha256RsaOaep,
    /// Aes256-Sha256-RsaPss.
    #[serde(rename = "Aes256_Sha256_RsaPss")]
    Aes256Sha256RsaPss,
}

/// What is done with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum SecurityMode {
    /// Nothing.
    None,
    /// Signed.
    Sign,
    /// Signed and encrypted.
    SignAndEncrypt,
}

/// The node's OPC UA server, as written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct OpcuaServerSection {
    /// The TCP port.
    #[schemars(range(max = 65_535))]
    pub port: u16,
    /// What stands behind host and port in the clients' address.
    #[schemars(length(min = 1, max = 256), extend("format" = "http-path"))]
    pub resource_path: String,
    /// The DNS name by which clients reach it; without one, the addresses of this machine.
    #[schemars(extend("format" = "host"))]
    pub hostname: Option<String>,
    /// Another name by which clients reach it.
    #[schemars(extend("format" = "host"))]
    pub alternate_hostname: Option<String>,
    /// The URI by which clients know the application.
    #[schemars(length(min = 1, max = 512))]
    pub application_uri: Option<String>,
    /// Whether clients may come without a user.
    pub allow_anonymous: bool,
    /// The policies that clients may choose from.
    #[schemars(length(min = 1, max = 8))]
    pub security_policies: Vec<SecurityPolicy>,
    /// The modes that clients may choose from.
    #[schemars(length(min = 1, max = 3))]
    pub security_modes: Vec<SecurityMode>,
    /// Node sets that are loaded: names of known ones, or files.
    #[schemars(length(max = 64))]
    pub nodeset_files: Vec<String>,
    /// Whether it is to work.
    pub target_state: TargetState,
}

impl Default for OpcuaServerSection {
    fn default() -> Self {
        Self {
            port: 4841,
            resource_path: "/UA/MainstemOpcuaServer".into(),
            hostname: None,
            alternate_hostname: None,
            application_uri: None,
            allow_anonymous: false,
            security_policies: vec![
                SecurityPolicy::Basic256Sha256,
                SecurityPolicy::Aes128Sha256RsaOaep,
                SecurityPolicy::Aes256Sha256RsaPss,
            ],
            security_modes: vec![SecurityMode::SignAndEncrypt],
            nodeset_files: Vec::new(),
            target_state: TargetState::Enabled,
        }
    }
}

/// The node's OPC UA server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpcuaServer {
    /// Its resource id.
    pub id: String,
    /// Its properties; the file's own names.
    pub section: OpcuaServerSection,
}

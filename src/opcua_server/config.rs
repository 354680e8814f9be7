//! What the node file says about the server.

use std::net::SocketAddr;

use opcua::crypto::SecurityPolicy;
use opcua::types::MessageSecurityMode;

/// The path of the server's URL unless the file says otherwise.
pub(crate) const RESOURCE_PATH_DEFAULT: &str = "/UA/MainstemOpcuaServer";

/// A resource `Server::Opcua`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The path of its URL.
    pub resource_path: String,
    /// The name by which clients reach it; the machine's own unless given.
    pub hostname: Option<String>,
    /// One more such name.
    pub alternate_hostname: Option<String>,
    /// Its URI; made from the node's identity unless given.
    pub application_uri: Option<String>,
    /// Whether clients without a name may read.
    pub allow_anonymous: bool,
    /// How channels are secured.
    pub policies: Vec<Policy>,
    /// What of them is secured.
    pub modes: Vec<Mode>,
}

impl ServerConfig {
    /// A server as it is unless the file says otherwise.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            resource_path: RESOURCE_PATH_DEFAULT.to_owned(),
            hostname: None,
            alternate_hostname: None,
            application_uri: None,
            allow_anonymous: false,
            policies: Policy::SECURE.to_vec(),
            modes: vec![Mode::SignAndEncrypt],
        }
    }

    /// Whether sessions without any security are let in.
    pub(crate) fn allows_plain(&self) -> bool {
        self.policies.contains(&Policy::None) && self.modes.contains(&Mode::None)
    }
}

/// How a channel is secured. What is deprecated is not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Not at all.
    None,
    /// Basic256Sha256.
    Basic256Sha256,
    /// Aes128-Sha256-RsaOaep.
    Aes128Sha256RsaOaep,
    /// Aes256-Sha256-RsaPss.
    Aes256Sha256RsaPss,
}

impl Policy {
    /// Those that secure something.
    pub const SECURE: [Self; 3] = [
        Self::Basic256Sha256,
        Self::Aes128Sha256RsaOaep,
        Self::Aes256Sha256RsaPss,
    ];

    /// The last part of the policy's URI, and the word of the node file.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "None" => Self::None,
            "Basic256Sha256" => Self::Basic256Sha256,
            "Aes128_Sha256_RsaOaep" => Self::Aes128Sha256RsaOaep,
            "Aes256_Sha256_RsaPss" => Self::Aes256Sha256RsaPss,
            _ => return None,
        })
    }

    pub(crate) fn ua(self) -> SecurityPolicy {
        match self {
            Self::None => SecurityPolicy::None,
            Self::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
            Self::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
            Self::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
        }
    }
}

/// What of a channel is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    None,
    /// That nothing is changed on the way.
    Sign,
    /// And that nobody else reads it.
    SignAndEncrypt,
}

impl Mode {
    pub(crate) fn ua(self) -> MessageSecurityMode {
        match self {
            Self::None => MessageSecurityMode::None,
            Self::Sign => MessageSecurityMode::Sign,
            Self::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
        }
    }
}

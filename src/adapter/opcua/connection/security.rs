//! How messages are protected, and who we say we are.

use std::path::{Path, PathBuf};

use mainstem_adapter::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConnectionConfig;

/// How a PEM text begins.
const PEM: &str = "-----BEGIN ";

/// Security policies that are spoken (part 7, 6.6). Deprecated ones are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Policy {
    /// No protection at all.
    None,
    /// RSA-OAEP with SHA-1, AES-256 and SHA-256.
    Basic256Sha256,
    /// RSA-OAEP with SHA-1, AES-128 and SHA-256.
    #[serde(alias = "Aes128_Sha256_RsaOaep")]
    Aes128Sha256RsaOaep,
    /// RSA-OAEP and RSA-PSS with SHA-256, AES-256.
    #[serde(alias = "Aes256_Sha256_RsaPss")]
    Aes256Sha256RsaPss,
}

impl Policy {
    /// Those that protect, the strongest first.
    const STRONG: [Self; 3] = [
        Self::Aes256Sha256RsaPss,
        Self::Aes128Sha256RsaOaep,
        Self::Basic256Sha256,
    ];
}

/// What the policy is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Mode {
    /// No protection at all.
    None,
    /// Messages cannot be changed on the way, but read.
    Sign,
    /// Messages can neither be changed nor read on the way.
    SignAndEncrypt,
}

/// Who we say we are.
#[derive(Clone)]
pub(crate) enum User {
    /// Nobody in particular.
    Anonymous,
    /// A name and its password.
    Name(String, String),
    /// Somebody with a certificate and its private key.
    Certificate(Pem, Pem),
}

/// Where a certificate or a key comes from.
#[derive(Clone)]
pub(crate) enum Pem {
    /// A file that is read at each connect.
    File(PathBuf),
    /// The text itself, as a reference to a secret leaves it.
    Text(String),
}

impl Pem {
    fn new(text: String, home: &Path) -> Self {
        if text.trim_start().starts_with(PEM) {
            Self::Text(text)
        } else {
            Self::File(home.join(text))
        }
    }
}

impl User {
    /// For messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Anonymous => "anonymous users".to_owned(),
            Self::Name(name, _) => format!("the user {name:?}"),
            Self::Certificate(Pem::File(file), _) => {
                format!("the user with the certificate {}", file.display())
            }
            Self::Certificate(Pem::Text(_), _) => "the user with userCertificate".to_owned(),
        }
    }
}

impl ConnectionConfig {
    /// The policies that will do, and their use.
    pub(super) fn security(&self, problems: &mut Vec<Problem>) -> Option<(Vec<Policy>, Mode)> {
        let pointer = "/connection/securityMode";
        match (self.security_policy, self.security_mode) {
            (Some(Policy::None), None | Some(Mode::None)) => Some((vec![Policy::None], Mode::None)),
            (Some(Policy::None), Some(_)) => {
                problems.push(Problem::new(
                    pointer,
                    "without a securityPolicy nothing can be signed or encrypted",
                    "another securityPolicy beside it, or no securityMode",
                ));
                None
            }
            (_, Some(Mode::None)) => {
                problems.push(Problem::new(
                    pointer,
                    "a policy that is used for nothing",
                    "Sign or SignAndEncrypt, or securityPolicy: None",
                ));
                None
            }
            (policy, mode) => {
                let policies = policy.map_or(Policy::STRONG.to_vec(), |policy| vec![policy]);
                Some((policies, mode.unwrap_or(Mode::SignAndEncrypt)))
            }
        }
    }

    /// Who we say we are. Files are not looked at: they may come later.
    pub(super) fn user(&self, home: &Path, problems: &mut Vec<Problem>) -> Option<User> {
        let before = problems.len();
        let mut wrong = |option: &str, message: &str, expected: &str| {
            let pointer = format!("/connection/{option}");
            problems.push(Problem::new(pointer, message, expected));
        };
        let (name, password) = (self.username.clone(), self.password.clone());
        let (certificate, key) = (self.user_certificate.clone(), self.user_private_key.clone());
        if password.is_some() && name.is_none() {
            wrong(
                "password",
                "there is a password but no user",
                "username beside the password, or neither for an anonymous session",
            );
        }
        if name.is_some() && certificate.is_some() {
            let message = "username and userCertificate exclude each other";
            wrong("userCertificate", message, "one of the two");
        }
        match (&certificate, &key) {
            (Some(_), None) => wrong(
                "userPrivateKey",
                "the certificate has no key",
                "the private key of userCertificate",
            ),
            (None, Some(_)) => wrong(
                "userCertificate",
                "the key has no certificate",
                "the certificate of userPrivateKey",
            ),
            _ => {}
        }
        if problems.len() > before {
            return None;
        }
        Some(match (name, certificate.zip(key)) {
            (Some(name), _) => User::Name(name, password.unwrap_or_default()),
            (None, Some((certificate, key))) => {
                User::Certificate(Pem::new(certificate, home), Pem::new(key, home))
            }
            (None, None) => User::Anonymous,
        })
    }
}

//! The sections `roles:` and `tokens:` of the node file.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use mainstem_model::{GlobSet, Name, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::role::{Role, Roles};
use crate::secret::{Secret, SecretError};
use crate::token::{DeclaredToken, NewToken, TOKENS_MAX};

/// Roles in the node file.
const ROLES_MAX: usize = 1000;
/// Patterns in one list.
const PATTERNS_MAX: usize = 1000;

/// One role of the node file. A list is ordered, its first pattern that fits decides, a pattern
/// that begins with `!` denies, and what fits none is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleConfig {
    /// Patterns of names that may be read.
    pub read: Vec<String>,
    /// Patterns of names that may be written.
    pub write: Vec<String>,
    /// The prefix below which samples may be provided.
    pub provide: Option<String>,
    /// Whether tokens, adapters and remotes may be administered.
    pub admin: bool,
    /// Whether a link may be opened, as a concentrator does.
    pub link: bool,
}

/// One token of the node file: either its hash or a reference to its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Whose it is.
    pub name: String,
    /// A role of every node (admin, viewer, concentrator) or of this file.
    pub role: String,
    /// `sha256:` and the hash of the token's text in hex.
    #[serde(default)]
    pub hash: Option<String>,
    /// `${env:NAME}` or `${file:PATH}`, where the token's text is found.
    #[serde(default)]
    pub secret: Option<String>,
    /// When it ends, such as `2027-01-01T00:00:00Z`.
    #[serde(default)]
    pub expires: Option<String>,
    /// The prefix below which its holder provides samples.
    #[serde(default)]
    pub provide: Option<String>,
}

/// Both sections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Roles by name, beside those that every node has.
    pub roles: BTreeMap<String, RoleConfig>,
    /// Tokens, beside those that the node makes.
    pub tokens: Vec<TokenConfig>,
}

/// Something in the configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: `roles.operator.write[2]`.
    pub at: String,
    /// What is wrong and what was expected.
    pub text: String,
}

impl AccessConfig {
    /// Every problem at once; it reads neither the environment nor files.
    pub fn check(&self) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.limit("roles", self.roles.len(), ROLES_MAX);
        problems.limit("tokens", self.tokens.len(), TOKENS_MAX);
        for (name, role) in &self.roles {
            let at = format!("roles.{name}");
            if Roles::is_built_in(name) {
                problems.add(&at, "every node has this role already: choose another name");
            }
            problems.patterns(&format!("{at}.read"), &role.read);
            problems.patterns(&format!("{at}.write"), &role.write);
            problems.prefix(&at, role.provide.as_deref());
        }
        let mut names = BTreeSet::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let at = format!("tokens[{index}]");
            if token.name.is_empty() || !names.insert(&token.name) {
                problems.add(&format!("{at}.name"), "a token needs a name of its own");
            }
            self.check_token(&at, token, &mut problems);
        }
        problems.list
    }

    /// The roles of a node with this configuration. What the check complains about is left out.
    pub fn roles(&self) -> Roles {
        let given = self
            .roles
            .iter()
            .map(|(name, config)| (name.clone(), config.role()));
        Roles::new(given)
    }

    /// The tokens of this configuration, their texts found by `resolve`; beside them the
    /// problems of those that could not be had.
    pub fn tokens(
        &self,
        resolve: &dyn Fn(&str) -> Result<Secret, SecretError>,
    ) -> (Vec<DeclaredToken>, Vec<ConfigProblem>) {
        let mut problems = Problems::default();
        let mut declared = Vec::new();
        for (index, config) in self.tokens.iter().enumerate() {
            let hash = match (&config.hash, &config.secret) {
                (Some(hash), _) => DeclaredToken::parse_hash(hash).map_err(str::to_owned),
                (None, Some(secret)) => match resolve(secret) {
                    Ok(secret) => Ok(DeclaredToken::hash_of(secret.expose())),
                    Err(error) => Err(error.to_string()),
                },
                (None, None) => Err("a token needs `hash` or `secret`".to_owned()),
            };
            match hash {
                Ok(hash) => declared.push(DeclaredToken {
                    token: config.token(),
                    hash,
                }),
                Err(error) => problems.add(&format!("tokens[{index}]"), &error),
            }
        }
        (declared, problems.list)
    }

    fn check_token(&self, at: &str, token: &TokenConfig, problems: &mut Problems) {
        if !self.roles.contains_key(&token.role) && !Roles::is_built_in(&token.role) {
            let known: Vec<_> = self.roles.keys().map(String::as_str).collect();
            let text = format!(
                "there is no role {:?}: use admin, viewer, concentrator{}{}",
                token.role,
                if known.is_empty() {
                    ""
                } else {
                    " or one of this file: "
                },
                known.join(", ")
            );
            problems.add(&format!("{at}.role"), &text);
        }
        match (&token.hash, &token.secret) {
            (Some(hash), None) => {
                if let Err(expected) = DeclaredToken::parse_hash(hash) {
                    problems.add(&format!("{at}.hash"), expected);
                }
            }
            (None, Some(secret)) if !secret.starts_with("${") => {
                let text = "a token's text does not stand in the file: use its hash, ${env:NAME} \
                            or ${file:PATH}";
                problems.add(&format!("{at}.secret"), text);
            }
            (None, Some(_)) => {}
            _ => problems.add(at, "a token has either `hash` or `secret`"),
        }
        if let Some(Err(error)) = token.expires.as_deref().map(str::parse::<Timestamp>) {
            problems.add(&format!("{at}.expires"), &error.to_string());
        }
        problems.prefix(at, token.provide.as_deref());
    }
}

impl RoleConfig {
    fn role(&self) -> Role {
        Role {
            read: GlobSet::new(&self.read).unwrap_or_default(),
            write: GlobSet::new(&self.write).unwrap_or_default(),
            provide: self
                .provide
                .as_deref()
                .and_then(|prefix| Name::new(prefix).ok()),
            admin: self.admin,
            link: self.link,
        }
    }
}

impl TokenConfig {
    fn token(&self) -> NewToken {
        // An end that cannot be read is in the past: rather no access than for ever.
        let past = Timestamp::from_micros(0);
        NewToken {
            name: self.name.clone(),
            role: self.role.clone(),
            expires: self
                .expires
                .as_deref()
                .map(|end| end.parse().unwrap_or(past)),
            provide: self
                .provide
                .as_deref()
                .and_then(|prefix| Name::new(prefix).ok()),
        }
    }
}

#[derive(Default)]
struct Problems {
    list: Vec<ConfigProblem>,
}

impl Problems {
    fn add(&mut self, at: &str, text: &str) {
        self.list.push(ConfigProblem {
            at: at.to_owned(),
            text: text.to_owned(),
        });
    }

    fn limit(&mut self, at: &str, found: usize, limit: usize) {
        if found > limit {
            self.add(at, &format!("at most {limit}, found {found}"));
        }
    }

    fn patterns(&mut self, at: &str, patterns: &[String]) {
        self.limit(at, patterns.len(), PATTERNS_MAX);
        for (index, pattern) in patterns.iter().enumerate() {
            if let Err(error) = GlobSet::new(&[pattern]) {
                self.add(&format!("{at}[{index}]"), &error.to_string());
            }
        }
    }

    fn prefix(&mut self, at: &str, prefix: Option<&str>) {
        if let Some(Err(error)) = prefix.map(Name::local) {
            self.add(&format!("{at}.provide"), &error.to_string());
        }
    }
}

//! Roles and tokens of the node file in the words of `security`.

use std::sync::Arc;

use mainstem_config::{Credential, LinkRight, NodeConfig};
use mainstem_model::TopicRights;
use mainstem_security::{DataRights, DeclaredToken, NewToken, Role, Roles, VariableRights};

pub(super) fn roles(config: &NodeConfig) -> Roles {
    Roles::new(config.roles.iter().map(|(name, role)| {
        let role = Role {
            read: role.read.clone(),
            write: role.write.clone(),
            variables: VariableRights {
                read: role.variables.read.clone(),
                write: role.variables.write.clone(),
            },
            loggers: role.loggers.write.clone(),
            provide: role.provide.clone(),
            admin: role.admin,
            link: role.link != LinkRight::None,
            link_reads_only: role.link == LinkRight::Read,
            dial_up: role.dial_up.clone(),
            remote_support: role.remote_support,
            control: role.control,
            from: role.from.clone(),
            events: mainstem_security::EventRights {
                raise: role.events.raise.clone(),
                see: role.events.see.clone(),
                answer: role.events.answer.clone(),
            },
            data: DataRights {
                read: role.data.read.clone(),
                write: role.data.write.clone(),
            },
            topics: Arc::new(TopicRights {
                publish: role.topics.publish.clone(),
                subscribe: role.topics.subscribe.clone(),
            }),
        };
        (name.clone(), role)
    }))
}

pub(super) fn tokens(config: &NodeConfig) -> anyhow::Result<Vec<DeclaredToken>> {
    let declared = config.tokens.iter().map(|token| {
        let new = NewToken {
            name: token.name.to_string(),
            role: token.role.clone(),
            expires: token.expires,
            provide: token.provide.clone(),
            from: token.from.clone(),
        };
        match &token.credential {
            Credential::Token(text) => Ok(DeclaredToken::from_text(new, text.expose())),
            Credential::Hash(hash) => DeclaredToken::from_hash(new, hash)
                .map_err(|expected| anyhow::anyhow!("token {}: expected {expected}", token.name)),
        }
    });
    declared.collect()
}

//! A server node by its id, and who asks for it.

use mainstem_security::Principal;
use opcua::server::node_manager::RequestContext;

use super::ServerNodeKind;

/// A node by its id.
pub(super) struct Place {
    /// Its resource id.
    pub(super) name: String,
    pub(super) kind: ServerNodeKind,
}

impl Place {
    /// Whether its value can become another one.
    pub(super) fn changes(&self) -> bool {
        let ServerNodeKind::Variable { tie, .. } = &self.kind else {
            return false;
        };
        let does = tie.use_of();
        does.provides || does.receives || does.holds
    }
}

/// Who asks, and by which channel.
pub(super) struct Asker<'a> {
    pub(super) user: &'a Principal,
    pub(super) channel: u32,
}

impl<'a> Asker<'a> {
    pub(super) fn of(context: &RequestContext, user: &'a Principal) -> Self {
        let channel = context.session().read().secure_channel_id();
        Self { user, channel }
    }

    /// Whether they may write or call a node.
    pub(super) fn may_act(&self, name: &str) -> bool {
        self.user.rights.control && self.user.may_write(name).allowed
    }
}

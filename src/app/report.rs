//! What a reload did, and what it could not do.

use mainstem_config::NodeConfig;

/// What a reload did, by the names of the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// Started, or started again because they changed.
    pub started: Vec<String>,
    /// Not touched.
    pub unchanged: Vec<String>,
    /// No longer there.
    pub removed: Vec<String>,
    /// Could not be started, and why.
    pub failed: Vec<(String, String)>,
    /// Sections that changed and count only after a restart.
    pub needs_restart: Vec<&'static str>,
}

/// The sections that differ and count only from the next start.
pub(super) fn needs_restart(old: &NodeConfig, new: &NodeConfig) -> Vec<&'static str> {
    let mut sections = Vec::new();
    let mut note = |is_same: bool, section| {
        if !is_same {
            sections.push(section);
        }
    };
    note(old.node == new.node, "node");
    note(old.listen == new.listen, "listen");
    note(old.unix_socket == new.unix_socket, "unix_socket");
    note(old.feed == new.feed, "feed");
    note(old.limits == new.limits, "limits");
    note(old.log == new.log, "log");
    note(old.flowsync == new.flowsync, "flowsync");
    sections
}

//! The running parts of a node as the API shows them; the composition root brings them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use mainstem_adapter::AdapterView;
use mainstem_datalogger::recorder::Book;
use mainstem_remote::RemoteView;
use mainstem_store::SourceId;
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};

/// Why a part could not be switched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// There is none of that name.
    #[error("there is none of that name")]
    Unknown,
    /// It cannot be switched now.
    #[error("it cannot be switched now: {0}")]
    Busy(String),
}

/// Adapters and remotes of a running node.
pub trait Parts: Send + Sync {
    /// Every adapter, in the order of their names.
    fn adapters(&self) -> Vec<AdapterView>;

    /// One adapter.
    fn adapter(&self, name: &str) -> Option<AdapterView>;

    /// Ends an adapter's session until it is resumed.
    fn pause_adapter(&self, name: &str) -> Result<(), PartError>;

    /// Lets an adapter run again, or try now.
    fn resume_adapter(&self, name: &str) -> Result<(), PartError>;

    /// Every remote, in the order of their names.
    fn remotes(&self) -> Vec<RemoteView>;

    /// One remote.
    fn remote(&self, name: &str) -> Option<RemoteView> {
        self.remotes()
            .into_iter()
            .find(|remote| remote.name == name)
    }

    /// Closes a link until it is resumed.
    fn pause_remote(&self, name: &str) -> Result<(), PartError>;

    /// Opens a link again, or tries now.
    fn resume_remote(&self, name: &str) -> Result<(), PartError>;

    /// Has a link begin again with a snapshot.
    fn resync_remote(&self, name: &str) -> Result<(), PartError>;

    /// What a link and the nodes behind it would say to a write; nothing if there is no such link.
    fn explain_below(
        &self,
        link: SourceId,
        ask: LinkExplain,
    ) -> Option<BoxFuture<'static, Vec<ExplainStep>>>;

    /// The recorded series; nothing if this node records none.
    fn loggers(&self) -> Option<Arc<Book>> {
        None
    }
}

//! Why a neighbour's stream cannot be followed.

use mainstem_wire::PROTOCOL;

use super::REMOTE_IDS_MAX;

/// Why a stream cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Something came before the hello.
    #[error("the stream does not begin with a hello: the address is not that of a mainstem node")]
    NoHello,
    /// The neighbour speaks another protocol.
    #[error("the remote speaks protocol {0}, this node speaks {PROTOCOL}: update the older one")]
    Protocol(u32),
    /// The address leads back here.
    #[error("the remote is this node itself: check its address")]
    Myself,
    /// The node is here already.
    #[error(
        "the remote {node} is already below {known}: a node has one place in a tree; remove one of \
         the two remote entries"
    )]
    Duplicate {
        /// Its name.
        node: String,
        /// The path of the link that has it.
        known: String,
    },
    /// The remote renamed something that the patterns of the entry are about.
    #[error("the remote changed aliases that `read` of its entry concerns: it is read anew")]
    Renamed,
    /// A number outside all bounds.
    #[error("the remote numbers a datapoint {0}, beyond {REMOTE_IDS_MAX}")]
    Number(u32),
}

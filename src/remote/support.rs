//! Requests of people that go over a link to the API of the node behind it.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

/// Such requests under way over one link. Their unread answers must not fill the connection's
/// window, or beats would wait for somebody who reads slowly.
pub const SUPPORT_UNDER_WAY_MAX: usize = 4;

/// The body of such a request.
pub type SupportBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// Why such a request did not get there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupportError {
    /// There is no connection, or it broke.
    #[error("there is no communication with the remote")]
    NotReachable,
    /// The link carries nothing down.
    #[error("the remote entry is one way (`one_way: true`): no request passes")]
    OneWay,
    /// A HSYCO server has no such API.
    #[error("the remote is no mainstem node")]
    NotANode,
    /// Too many are under way.
    #[error("{SUPPORT_UNDER_WAY_MAX} requests are under way over this link already")]
    Busy,
    /// The remote did not answer in time.
    #[error("the remote did not answer in time")]
    Silent,
}

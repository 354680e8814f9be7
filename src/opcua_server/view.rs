//! The server as the API shows it.

/// How the server stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerView {
    /// The URLs by which clients reach it.
    pub urls: Vec<String>,
    /// SHA-1 of its certificate, as clients show it.
    pub thumbprint: String,
    /// Connections.
    pub connections: usize,
    /// Sessions.
    pub sessions: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Monitored items.
    pub items: usize,
    /// What was refused since the start.
    pub refused: u64,
    /// Certificates that wait for a decision.
    pub waiting: usize,
}

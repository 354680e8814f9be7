//! The embedded broker with foreign clients.

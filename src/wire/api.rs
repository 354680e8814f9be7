//! The documents of the API.

pub mod write;

//! Mappings over a real broker in this process.

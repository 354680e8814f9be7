//! The recorder on a store and a sink in memory.

mod feed;
pub(crate) mod memory;
mod rolling;
mod sampler;

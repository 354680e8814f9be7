//! The recorder on a store and a sink in memory.

mod feed;
mod memory;
mod rolling;
mod sampler;

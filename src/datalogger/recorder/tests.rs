mod feed;
mod memory;
mod rolling;
mod sampler;

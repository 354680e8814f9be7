mod memory;
mod rolling;
